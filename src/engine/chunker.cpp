#include "engine/chunker.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"

namespace sextant {
namespace {

constexpr std::size_t kSmallestMaxBytes = 64;
constexpr std::string_view kPathSeparator = " > ";
constexpr std::string_view kEllipsis = "…";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kCodeIndent = 4;  // from here on a line is code, not a heading or a rule

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::string_view trim_end(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return trim_end(text);
}

/// `bytes`, or less where that would be within a UTF-8 sequence.
std::size_t code_point_boundary(std::string_view text, std::size_t bytes) {
  constexpr std::size_t kLongestSequence = 4;
  for (std::size_t back = 0; back < std::min(kLongestSequence, bytes); ++back) {
    if (!is_continuation(text[bytes - back])) return bytes - back;
  }
  return bytes;  // no UTF-8
}

// ---- Paragraphs and sections ----

enum class BlockKind : std::uint8_t {
  kProse,  // lines run on
  kLines,  // lists, tables, quotes, code: each line stands for itself
};

/// Consecutive lines of the source.
struct Block {
  BlockKind kind = BlockKind::kProse;
  std::string text;
  std::size_t line = 0;
  std::string_view glue = "\n\n";  // what joins it to the block before
};

struct Section {
  std::vector<std::string> headings;  // outermost first
  std::vector<Block> blocks;
  std::size_t line = 1;
  bool has_subsection = false;
};

/// Lines without their ends: "\n", "\r\n" or "\r".
std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
    if (!text.empty()) text.remove_prefix(text.starts_with("\r\n") ? 2 : 1);
  }
  return lines;
}

/// Gathers lines into the last block of a section.
class BlockWriter {
 public:
  void add(std::string_view line, std::size_t number, BlockKind kind) {
    if (!open_) {
      open_ = Block{kind, {}, number, after_blank_ ? "\n\n" : "\n"};
      if (kind == BlockKind::kProse) line = trim(line);
    } else {
      open_->text += '\n';
    }
    open_->text += trim_end(line);
    after_blank_ = false;
  }
  void finish(Section& section) {
    if (open_ && !open_->text.empty()) section.blocks.push_back(std::move(*open_));
    open_.reset();
  }
  void finish_at_blank(Section& section) {
    finish(section);
    after_blank_ = true;
  }
  const Block* open() const { return open_ ? &*open_ : nullptr; }
  void drop() { open_.reset(); }

 private:
  std::optional<Block> open_;
  bool after_blank_ = true;
};

struct Fence {
  char mark = 0;
  std::size_t length = 0;
};

struct Line {
  explicit Line(std::string_view whole) : text(trim_end(whole)) {
    std::size_t i = 0;
    for (; i < text.size() && (text[i] == ' ' || text[i] == '\t'); ++i)
      indent += text[i] == '\t' ? kCodeIndent : 1;
    body = text.substr(i);
  }
  /// How often `mark` stands at the start of the body.
  std::size_t run(char mark) const { return std::min(body.find_first_not_of(mark), body.size()); }

  std::string_view text;  // without blanks at its end
  std::string_view body;  // without indentation, too
  std::size_t indent = 0;
};

/// An opening fence, at any indentation since lists hold them too.
std::optional<Fence> opening_fence(const Line& line) {
  constexpr std::size_t kShortest = 3;
  for (const char mark : {'`', '~'}) {
    const std::size_t length = line.run(mark);
    if (length < kShortest) continue;
    if (mark == '`' && line.body.find(mark, length) != std::string_view::npos)
      return std::nullopt;  // inline code
    return Fence{mark, length};
  }
  return std::nullopt;
}

bool closes(const Line& line, const Fence& fence) {
  const std::size_t length = line.run(fence.mark);
  return length >= fence.length && length == line.body.size();
}

struct Heading {
  std::size_t level = 0;
  std::string text;
};

std::optional<Heading> atx_heading(const Line& line) {
  constexpr std::size_t kDeepest = 6;
  const std::size_t level = line.run('#');
  if (line.indent >= kCodeIndent || level == 0 || level > kDeepest) return std::nullopt;
  std::string_view text = line.body.substr(level);
  if (!text.empty() && !is_space(text.front())) return std::nullopt;
  // A closing run of # belongs to the heading's text only when it is stuck to it.
  const std::size_t last = text.find_last_not_of('#');
  if (last == std::string_view::npos || is_space(text[last])) text = text.substr(0, last + 1);
  return Heading{level, std::string(trim(text))};
}

/// The level that an underline gives to the line above it, or 0.
std::size_t setext_level(const Line& line) {
  if (line.indent >= kCodeIndent || line.body.empty()) return 0;
  if (line.run('=') == line.body.size()) return 1;
  return line.run('-') == line.body.size() ? 2 : 0;
}

bool is_thematic_break(const Line& line) {
  constexpr std::ptrdiff_t kFewest = 3;
  if (line.indent >= kCodeIndent || line.body.empty()) return false;
  const char mark = line.body.front();
  if (mark != '-' && mark != '*' && mark != '_') return false;
  return std::ranges::all_of(line.body, [&](char c) { return c == mark || is_space(c); }) &&
         std::ranges::count(line.body, mark) >= kFewest;
}

bool is_list_item(const Line& line) {
  std::size_t marker = 0;
  if (line.body.starts_with('-') || line.body.starts_with('*') || line.body.starts_with('+')) {
    marker = 1;
  } else {
    const std::size_t digits = std::min(line.body.find_first_not_of("0123456789"), line.body.size());
    if (digits == 0 || digits == line.body.size() || (line.body[digits] != '.' && line.body[digits] != ')'))
      return false;
    marker = digits + 1;
  }
  return marker == line.body.size() || is_space(line.body[marker]);
}

/// What a line begins that stands behind a blank line or ends a run of prose.
BlockKind kind_of(const Line& line) {
  if (line.body.starts_with('>') || line.body.starts_with('|') || is_list_item(line))
    return BlockKind::kLines;
  return BlockKind::kProse;
}

/// How many lines at the start are front matter: "---", at least one "key: value", "---".
std::size_t front_matter_lines(const std::vector<std::string_view>& lines) {
  const auto is_open = [](std::string_view line) { return trim_end(line) == "---"; };
  if (lines.size() < 3 || !is_open(lines[0]) || lines[1].find(':') == std::string_view::npos) return 0;
  for (std::size_t i = 2; i < lines.size(); ++i) {
    if (is_open(lines[i]) || trim_end(lines[i]) == "...") return i + 1;
  }
  return 0;
}

class MarkdownReader {
 public:
  std::vector<Section> read(std::string_view text) {
    const std::vector<std::string_view> lines = split_lines(text);
    for (std::size_t i = front_matter_lines(lines); i < lines.size(); ++i) read_line(Line(lines[i]), i + 1);
    writer_.finish(section());
    return std::move(sections_);
  }

 private:
  Section& section() { return sections_.back(); }

  void read_line(const Line& line, std::size_t number) {
    if (fence_) {
      writer_.add(line.text, number, BlockKind::kLines);
      if (closes(line, *fence_)) {
        fence_.reset();
        writer_.finish(section());
      }
      return;
    }
    if (line.body.empty()) return writer_.finish_at_blank(section());
    fence_ = opening_fence(line);
    if (fence_) {
      writer_.finish(section());
      return writer_.add(line.text, number, BlockKind::kLines);
    }
    if (auto heading = atx_heading(line)) {
      writer_.finish(section());
      return open_section(std::move(*heading), number);
    }
    const Block* open = writer_.open();
    const bool after_one_line =
        open != nullptr && open->kind == BlockKind::kProse && open->line + 1 == number;
    if (const std::size_t level = setext_level(line); level != 0 && after_one_line) {
      Heading heading{level, open->text};
      writer_.drop();
      return open_section(std::move(heading), number - 1);
    }
    if (is_thematic_break(line)) return writer_.finish_at_blank(section());
    add_text(line, number, open);
  }

  void add_text(const Line& line, std::size_t number, const Block* open) {
    BlockKind kind = kind_of(line);
    if (open == nullptr) {
      if (line.indent >= kCodeIndent) kind = BlockKind::kLines;
    } else if (open->kind == BlockKind::kProse && kind == BlockKind::kLines) {
      writer_.finish(section());
    }
    writer_.add(line.text, number, kind);
  }

  void open_section(Heading heading, std::size_t number) {
    while (!path_.empty() && path_.back().level >= heading.level) path_.pop_back();
    // Else the section before is a deeper one, and this parent has been marked when that opened.
    if (!path_.empty() && section().headings.size() == path_.size()) section().has_subsection = true;
    path_.push_back(std::move(heading));
    Section& opened = sections_.emplace_back();
    opened.line = number;
    for (const Heading& part : path_) opened.headings.push_back(part.text);
    writer_ = BlockWriter();
  }

  std::vector<Section> sections_{1};
  std::vector<Heading> path_;  // around the current section
  BlockWriter writer_;
  std::optional<Fence> fence_;
};

Section read_plain_text(std::string_view text) {
  Section section;
  BlockWriter writer;
  const std::vector<std::string_view> lines = split_lines(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (trim(lines[i]).empty()) {
      writer.finish_at_blank(section);
    } else {
      writer.add(lines[i], i + 1, BlockKind::kProse);
    }
  }
  writer.finish(section);
  return section;
}

// ---- Cutting ----

/// Whether the white space at `space` parts two sentences.
bool ends_sentence(std::string_view text, std::size_t space) {
  const std::size_t last = text.substr(0, space).find_last_not_of("\"')]*_`");
  if (last == std::string_view::npos || (text[last] != '.' && text[last] != '!' && text[last] != '?'))
    return false;
  const std::size_t next = std::min(text.find_first_not_of(" \t\n\v\f\r", space), text.size());
  return next == text.size() || text[next] < 'a' || text[next] > 'z';  // "e.g. this" goes on
}

bool ends_wide_sentence(std::string_view before) {
  return before.ends_with("。") || before.ends_with("！") || before.ends_with("？");
}

/// The line end at which to part lists, tables and code: best before a line that is not indented deeper than
/// the first, else at a blank line, else at any. npos where there is none within `budget`.
std::size_t find_line_cut(std::string_view text, std::size_t least, std::size_t budget) {
  const std::size_t indent = Line(text.substr(0, text.find('\n'))).indent;
  std::size_t any = std::string_view::npos;
  std::size_t blank = std::string_view::npos;
  for (std::size_t i = budget; i > least; --i) {
    if (text[i] != '\n') continue;
    const Line next(text.substr(i + 1, text.find('\n', i + 1) - i - 1));
    if (!next.body.empty() && next.indent <= indent) return i;
    if (any == std::string_view::npos) any = i;
    if (next.body.empty() && blank == std::string_view::npos) blank = i;
  }
  if (any == std::string_view::npos) any = text.rfind('\n', least);
  return blank != std::string_view::npos ? blank : any;
}

/// Where to cut a text longer than `budget`: the first of the two parts has 1 to `budget` bytes.
std::size_t find_cut(std::string_view text, std::size_t budget, BlockKind kind) {
  const std::size_t least = budget / 3;  // a cut far ahead of the limit would leave crumbs
  if (kind == BlockKind::kLines) {
    if (const std::size_t cut = find_line_cut(text, least, budget); cut != std::string_view::npos) return cut;
  }
  for (std::size_t i = budget; i > least; --i) {
    if (is_space(text[i]) ? ends_sentence(text, i) : ends_wide_sentence(text.substr(0, i))) return i;
  }
  if (const std::size_t line = text.rfind('\n', budget); line != std::string_view::npos && line > least)
    return line;
  for (std::size_t i = budget; i > 0; --i) {
    if (is_space(text[i])) return i;
  }
  return code_point_boundary(text, budget);
}

/// The parts of a block that fit `budget`, in order.
std::vector<Block> cut_block(const Block& block, std::size_t budget) {
  std::vector<Block> parts;
  std::string_view rest = block.text;
  std::size_t line = block.line;
  std::string_view glue = block.glue;
  while (rest.size() > budget) {
    const std::size_t cut = find_cut(rest, budget, block.kind);
    const std::string_view part = trim_end(rest.substr(0, cut));
    // Behind a line's end the next line keeps its indentation; blank lines between go with the cut.
    std::size_t next = std::min(rest.find_first_not_of(" \t\n\v\f\r", cut), rest.size());
    const std::string_view gap = rest.substr(cut, next - cut);
    const std::size_t newline = gap.rfind('\n');
    if (newline != std::string_view::npos) next = cut + newline + 1;
    if (!part.empty()) parts.push_back({block.kind, std::string(part), line, glue});
    glue = newline != std::string_view::npos ? "\n" : gap.empty() ? "" : " ";
    line += static_cast<std::size_t>(std::ranges::count(rest.substr(0, next), '\n'));
    rest.remove_prefix(next);
  }
  if (!rest.empty()) parts.push_back({block.kind, std::string(rest), line, glue});
  return parts;
}

// ---- Chunks ----

std::string heading_path(const std::vector<std::string>& headings, std::size_t max_bytes) {
  std::string path;
  for (auto heading = headings.rbegin(); heading != headings.rend(); ++heading) {
    if (heading->empty()) continue;
    if (path.empty()) {
      path = *heading;
      if (path.size() > max_bytes) {
        path.resize(code_point_boundary(path, max_bytes - kEllipsis.size()));
        return std::string(trim_end(path)).append(kEllipsis);
      }
    } else if (heading->size() + kPathSeparator.size() + path.size() <= max_bytes) {
      path = *heading + std::string(kPathSeparator) + path;
    } else {
      break;
    }
  }
  return path;
}

void chunk_section(Section section, const ChunkingOptions& options, std::vector<TextChunk>& chunks) {
  CHECK(options.max_bytes >= kSmallestMaxBytes);
  const std::size_t max_path = options.max_bytes / 3;
  const std::string path = heading_path(section.headings, max_path);
  if (!section.headings.empty() && section.headings.back().size() > max_path) {
    section.blocks.insert(section.blocks.begin(),
                          Block{BlockKind::kProse, section.headings.back(), section.line});
  }
  if (section.blocks.empty() && !section.has_subsection && !path.empty()) {
    chunks.push_back({path, path, section.line});
    return;
  }
  const std::size_t budget = options.max_bytes - (path.empty() ? 0 : path.size() + 1);

  std::string text;
  std::size_t line = 0;
  const auto finish = [&] {
    if (!text.empty()) chunks.push_back({path.empty() ? text : path + "\n" + text, path, line});
    text.clear();
  };
  for (const Block& block : section.blocks) {
    for (const Block& part : cut_block(block, budget)) {
      const bool together =
          std::min(text.size(), part.text.size()) < options.min_bytes || text.ends_with(':');
      if (!together || text.size() + part.glue.size() + part.text.size() > budget) finish();
      if (text.empty()) {
        line = part.line;
      } else {
        text += part.glue;
      }
      text += part.text;
    }
  }
  finish();
}

std::string_view without_byte_order_mark(std::string_view text) {
  return text.starts_with(kByteOrderMark) ? text.substr(kByteOrderMark.size()) : text;
}

}  // namespace

std::vector<TextChunk> chunk_markdown(std::string_view text, const ChunkingOptions& options) {
  std::vector<TextChunk> chunks;
  for (Section& section : MarkdownReader().read(without_byte_order_mark(text))) {
    chunk_section(std::move(section), options, chunks);
  }
  // Nothing but rules or front matter: better kept as it is than lost.
  return chunks.empty() ? chunk_plain_text(text, options) : chunks;
}

std::vector<TextChunk> chunk_plain_text(std::string_view text, const ChunkingOptions& options) {
  std::vector<TextChunk> chunks;
  chunk_section(read_plain_text(without_byte_order_mark(text)), options, chunks);
  return chunks;
}

}  // namespace sextant
