#include "cli/wordnet.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/file.h"

namespace sextant {
namespace {

// lexnames(5WN): the position is the number in the data files.
constexpr std::array<std::string_view, 45> kTopics = {
    "all",        "pert",     "all",       "Tops",          "act",           "animal",      "artifact",
    "attribute",  "body",     "cognition", "communication", "event",         "feeling",     "food",
    "group",      "location", "motive",    "object",        "person",        "phenomenon",  "plant",
    "possession", "process",  "quantity",  "relation",      "shape",         "state",       "substance",
    "time",       "body",     "change",    "cognition",     "communication", "competition", "consumption",
    "contact",    "creation", "emotion",   "motion",        "perception",    "possession",  "social",
    "stative",    "weather",  "ppl"};

struct SynsetType {
  char letter;
  char sense_key_digit;  // in cntlist.rev
  std::string_view part_of_speech;
};
constexpr std::array kSynsetTypes = {SynsetType{'n', '1', "noun"}, SynsetType{'v', '2', "verb"},
                                     SynsetType{'a', '3', "adjective"}, SynsetType{'r', '4', "adverb"},
                                     SynsetType{'s', '5', "adjective"}};

constexpr std::array<std::string_view, 4> kDataFiles = {"data.noun", "data.verb", "data.adj", "data.adv"};

/// A word with the number that tells its senses in one lexicographer file apart.
struct Lemma {
  std::string word;  // as in the file: underscores, no marker
  unsigned number = 0;
};

struct DataLine {
  std::string_view offset;
  unsigned topic = 0;
  SynsetType type{};
  std::vector<Lemma> lemmas;
  std::string_view head;  // of a satellite: offset of the adjective that its cluster is named after
  std::string_view gloss;
};

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \r");
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(" \r") - first + 1);
}

/// Takes the text before the first `separator` off the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const std::string_view field = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(field.size() + 1, rest.size()));
  return field;
}

template <typename T>
std::optional<T> read_number(std::string_view digits, int base) {
  T value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

/// Adjectives may carry where they can stand: "galore(ip)".
std::string without_markers(std::string_view word) {
  std::string plain(word);
  for (const std::string_view marker : {"(a)", "(p)", "(ip)"}) {
    if (const std::size_t at = plain.find(marker); at != std::string::npos) plain.erase(at, marker.size());
  }
  return plain;
}

std::string lower_case(std::string word) {
  std::ranges::transform(word, word.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return word;
}

/// One line of a data file, or nothing where it is not in the format.
std::optional<DataLine> read_data_line(std::string_view line) {
  constexpr int kDecimal = 10;
  constexpr int kHexadecimal = 16;
  DataLine data;
  const std::size_t bar = line.find(" | ");
  if (bar == std::string_view::npos ||
      !std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; })) {
    return std::nullopt;
  }
  data.gloss = trim(line.substr(bar + 3));
  std::string_view rest = line.substr(0, bar);

  data.offset = take(rest, ' ');
  const auto topic = read_number<unsigned>(take(rest, ' '), kDecimal);
  if (data.offset.empty() || !topic || *topic >= kTopics.size()) return std::nullopt;
  data.topic = *topic;
  const std::string_view letter = take(rest, ' ');
  const auto type = std::ranges::find_if(
      kSynsetTypes, [&](const SynsetType& t) { return letter == std::string_view(&t.letter, 1); });
  if (type == kSynsetTypes.end()) return std::nullopt;
  data.type = *type;

  const auto words = read_number<unsigned>(take(rest, ' '), kHexadecimal);
  for (unsigned i = 0; i < words.value_or(0); ++i) {
    const std::string_view word = take(rest, ' ');
    const auto number = read_number<unsigned>(take(rest, ' '), kHexadecimal);
    if (word.empty() || !number) return std::nullopt;
    data.lemmas.push_back({without_markers(word), *number});
  }
  const auto pointers = read_number<unsigned>(take(rest, ' '), kDecimal);
  if (data.lemmas.empty() || !pointers) return std::nullopt;
  for (unsigned i = 0; i < *pointers; ++i) {
    const std::string_view symbol = take(rest, ' ');
    const std::string_view target = take(rest, ' ');
    take(rest, ' ');                                   // the target's part of speech
    if (take(rest, ' ').empty()) return std::nullopt;  // the words it holds between
    if (symbol == "&" && data.head.empty())
      data.head = target;  // "similar to": in a satellite first the head
  }
  if (data.type.letter == 's' && data.head.empty()) return std::nullopt;
  return data;
}

Synset make_synset(const DataLine& data) {
  Synset synset;
  synset.id = fmt::format("wn30-{}-{}", data.offset, data.type.letter);
  synset.part_of_speech = data.type.part_of_speech;
  synset.topic = kTopics[data.topic];
  for (const Lemma& lemma : data.lemmas) {
    synset.words.push_back(lemma.word);
    std::ranges::replace(synset.words.back(), '_', ' ');
  }
  Gloss gloss = parse_gloss(data.gloss);
  synset.gloss = std::move(gloss.definition);
  synset.examples = std::move(gloss.examples);
  return synset;
}

Error damaged(std::string_view file, std::size_t line, std::string_view what) {
  return make_error(ErrorCode::kDamaged, fmt::format("WordNet's {}, line {}: {}", file, line, what));
}

/// Gathers synsets, and the sense keys by which their uses are counted.
class Reader {
 public:
  explicit Reader(const std::string& directory) : directory_(directory) {}

  Status read_data(std::string_view file) {
    TRY_ASSIGN(const std::string content, read_file(posix_file_system(), join_path(directory_, file)));
    // A satellite's key names its head, which may stand further on in the file.
    std::unordered_map<std::string_view, Lemma> heads;
    std::vector<std::pair<std::size_t, DataLine>> lines;
    std::string_view rest = content;
    for (std::size_t number = 1; !rest.empty(); ++number) {
      const std::string_view line = take(rest, '\n');
      if (line.starts_with("  ")) continue;  // the licence
      auto data = read_data_line(line);
      if (!data) return fail(damaged(file, number, "not in the format of wndb(5WN)"));
      heads.emplace(data->offset, data->lemmas.front());
      lines.emplace_back(number, std::move(*data));
    }
    for (const auto& [number, data] : lines) {
      std::string head = ":";
      if (data.type.letter == 's') {
        const auto found = heads.find(data.head);
        if (found == heads.end()) return fail(damaged(file, number, fmt::format("no head {}", data.head)));
        head = fmt::format("{}:{:02}", lower_case(found->second.word), found->second.number);
      }
      for (const Lemma& lemma : data.lemmas) {
        senses_.emplace(fmt::format("{}%{}:{:02}:{:02}:{}", lower_case(lemma.word), data.type.sense_key_digit,
                                    data.topic, lemma.number, head),
                        synsets_.size());
      }
      synsets_.push_back(make_synset(data));
    }
    return {};
  }

  Status read_counts(std::string_view file) {
    constexpr int kDecimal = 10;
    TRY_ASSIGN(const std::string content, read_file(posix_file_system(), join_path(directory_, file)));
    std::string_view rest = content;
    for (std::size_t number = 1; !rest.empty(); ++number) {
      std::string_view line = trim(take(rest, '\n'));
      const std::string_view key = take(line, ' ');
      take(line, ' ');  // the sense's number
      const auto uses = read_number<std::uint64_t>(line, kDecimal);
      if (!uses) return fail(damaged(file, number, "not in the format of cntlist(5WN)"));
      const auto sense = senses_.find(without_markers(key));
      if (sense != senses_.end()) synsets_[sense->second].uses += *uses;
    }
    return {};
  }

  std::vector<Synset> take_synsets() {
    std::ranges::sort(synsets_, [](const Synset& a, const Synset& b) {
      return a.uses != b.uses ? a.uses > b.uses : a.id < b.id;
    });
    return std::move(synsets_);
  }

 private:
  const std::string& directory_;
  std::vector<Synset> synsets_;
  std::unordered_map<std::string, std::size_t> senses_;
};

/// The pieces between semicolons that stand outside of quotes.
std::vector<std::string_view> split_gloss(std::string_view text) {
  std::vector<std::string_view> pieces;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] != ';' || quoted) continue;
    pieces.push_back(trim(text.substr(start, i - start)));
    start = i + 1;
  }
  pieces.push_back(trim(text.substr(start)));
  return pieces;
}

void add_example(std::string_view text, Gloss& gloss) {
  while (!text.empty() && (text.back() == ',' || text.back() == ';' || text.back() == ' '))
    text.remove_suffix(1);
  text = trim(text);
  if (!text.empty()) gloss.examples.emplace_back(text);
}

/// Every quotation in `text`; what stands between them says who wrote it.
void add_quotations(std::string_view text, Gloss& gloss) {
  while (true) {
    take(text, '"');
    if (text.empty()) return;
    add_example(take(text, '"'), gloss);
  }
}

/// Where an example begins in a piece that begins as a definition, or npos.
std::size_t find_example(std::string_view piece) {
  const std::size_t quote = piece.find('"');
  if (quote == std::string_view::npos) return quote;
  const std::string_view before = trim(piece.substr(0, quote));
  const bool introduced = before.ends_with(':') || before.ends_with(',');
  return introduced && std::ranges::count(before, '(') == std::ranges::count(before, ')')
             ? quote
             : std::string_view::npos;
}

}  // namespace

Gloss parse_gloss(std::string_view text) {
  Gloss gloss;
  const auto define = [&](std::string_view piece) {
    if (piece.empty()) return;
    if (!gloss.definition.empty()) gloss.definition += "; ";
    gloss.definition += piece;
  };
  for (std::string_view piece : split_gloss(text)) {
    // A few glosses lack an opening quote.
    const bool half_quoted = std::ranges::count(piece, '"') == 1 && piece.ends_with('"');
    if (half_quoted) piece.remove_suffix(1);
    if (half_quoted && !gloss.definition.empty()) {
      add_example(piece, gloss);
    } else if (piece.starts_with('"')) {
      add_quotations(piece, gloss);
    } else if (const std::size_t example = find_example(piece); example != std::string_view::npos) {
      std::string_view before = trim(piece.substr(0, example));
      before.remove_suffix(1);
      define(trim(before));
      add_quotations(piece.substr(example), gloss);
    } else {
      define(piece);
    }
  }
  return gloss;
}

Result<std::vector<Synset>> read_wordnet(const std::string& directory) {
  Reader reader(directory);
  for (const std::string_view file : kDataFiles) TRY(reader.read_data(file));
  TRY(reader.read_counts("cntlist.rev"));
  return reader.take_synsets();
}

Json synset_document(const Synset& synset) {
  Json words = Json::array();
  for (const std::string& word : synset.words) words.push_back(word);
  Json metadata;
  metadata.set("words", std::move(words));
  metadata.set("part_of_speech", synset.part_of_speech);
  metadata.set("topic", synset.topic);
  Json chunks;
  const auto add_chunk = [&](std::string text) {
    Json chunk;
    chunk.set("text", std::move(text));
    chunks.push_back(std::move(chunk));
  };
  add_chunk(fmt::format("{}: {}", fmt::join(synset.words, ", "), synset.gloss));
  for (const std::string& example : synset.examples) add_chunk(example);
  Json document;
  document.set("id", synset.id);
  document.set("metadata", std::move(metadata));
  document.set("chunks", std::move(chunks));
  return document;
}

}  // namespace sextant
