#include "cli/notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/file.h"

namespace sextant {
namespace {

namespace fs = std::filesystem;

enum class NoteKind : std::uint8_t { kMarkdown, kPlainText };

struct Extension {
  std::string_view name;
  NoteKind kind;
};
constexpr std::array kExtensions = {Extension{".md", NoteKind::kMarkdown},
                                    Extension{".markdown", NoteKind::kMarkdown},
                                    Extension{".txt", NoteKind::kPlainText}};

std::optional<NoteKind> note_kind(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  const auto found = std::ranges::find(kExtensions, extension, &Extension::name);
  return found == kExtensions.end() ? std::nullopt : std::optional(found->kind);
}

/// A name in UTF-8, whatever bytes the file system has in it.
std::string printable(std::string name) {
  if (is_valid_utf8(name)) return name;
  std::ranges::replace_if(name, [](char c) { return static_cast<unsigned char>(c) >= 0x80U; }, '?');
  return name;
}

/// Finds the files of a folder, relative to it.
class Finder {
 public:
  Finder(fs::path root, std::vector<SkippedNote>& skipped) : root_(std::move(root)), skipped_(skipped) {}

  Result<std::vector<fs::path>> find() {
    std::error_code error;
    if (!fs::is_directory(root_, error)) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not a folder", root_.string()));
    }
    if (enter({}, error); error) {
      return fail(ErrorCode::kIo,
                  fmt::format("reading the folder '{}': {}", root_.string(), error.message()));
    }
    // Links come last, so that what they lead to is known by its own path where it has one in the folder.
    while (!folders_.empty() || !links_.empty()) {
      std::deque<fs::path>& next = folders_.empty() ? links_ : folders_;
      const fs::path folder = std::move(next.front());
      next.pop_front();
      if (enter(folder, error); error) skip(folder, error.message());
    }
    std::ranges::sort(files_, {}, [](const fs::path& path) { return path.generic_string(); });
    return std::move(files_);
  }

 private:
  void skip(const fs::path& path, std::string reason) {
    skipped_.push_back({printable(path.generic_string()), std::move(reason)});
  }

  void enter(const fs::path& folder, std::error_code& error) {
    const fs::path real = fs::canonical(root_ / folder, error);
    if (error || !entered_.insert(real).second) return;
    for (fs::directory_iterator entry(root_ / folder, error), end; !error && entry != end;
         entry.increment(error)) {
      const fs::path name = entry->path().filename();
      if (!name.string().starts_with('.')) sort_in(folder / name);
    }
  }

  void sort_in(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(root_ / path, error);
    if (fs::is_directory(status)) {
      (fs::is_symlink(root_ / path, error) ? links_ : folders_).push_back(path);
    } else if (note_kind(path)) {
      if (fs::is_regular_file(status)) {
        files_.push_back(path);
      } else {
        skip(path, error ? error.message() : "is not a file");
      }
    }
  }

  fs::path root_;
  std::vector<SkippedNote>& skipped_;
  std::vector<fs::path> files_;
  std::deque<fs::path> folders_;
  std::deque<fs::path> links_;
  std::set<fs::path> entered_;
};

std::string title_of(const fs::path& path, const std::vector<TextChunk>& chunks) {
  const std::string& heading = chunks.front().heading;
  return heading.empty() ? path.stem().string() : heading.substr(0, heading.find(" > "));
}

std::string rfc3339(fs::file_time_type time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(std::chrono::file_clock::to_sys(time));
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Json chunk_json(TextChunk chunk) {
  Json metadata;
  if (!chunk.heading.empty()) metadata.set("heading", std::move(chunk.heading));
  metadata.set("line", std::uint64_t{chunk.line});
  Json json;
  json.set("text", std::move(chunk.text));
  json.set("metadata", std::move(metadata));
  return json;
}

/// One file as a document; the error's message is why it has to be skipped.
Result<Json> read_note(const fs::path& root, const fs::path& path, const NotesOptions& options) {
  const std::string id = path.generic_string();
  if (!is_valid_utf8(id)) return fail(ErrorCode::kInvalidArgument, "its name is not valid UTF-8");
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(root / path, error);
  if (!error && bytes > options.max_file_bytes) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("has {} bytes; at most {} are read", bytes, options.max_file_bytes));
  }
  const fs::file_time_type modified = error ? fs::file_time_type() : fs::last_write_time(root / path, error);
  if (error) return fail(ErrorCode::kIo, error.message());
  TRY_ASSIGN(const std::string text, read_file(posix_file_system(), (root / path).string()));
  if (!is_valid_utf8(text)) return fail(ErrorCode::kInvalidArgument, "is not valid UTF-8");
  std::vector<TextChunk> chunks = note_kind(path) == NoteKind::kMarkdown
                                      ? chunk_markdown(text, options.chunking)
                                      : chunk_plain_text(text, options.chunking);
  if (chunks.empty()) return fail(ErrorCode::kInvalidArgument, "has no text");

  Json metadata;
  metadata.set("path", id);
  metadata.set("title", title_of(path, chunks));
  metadata.set("modified", rfc3339(modified));
  Json list;
  for (TextChunk& chunk : chunks) list.push_back(chunk_json(std::move(chunk)));
  Json document;
  document.set("id", id);
  document.set("metadata", std::move(metadata));
  document.set("chunks", std::move(list));
  return document;
}

}  // namespace

Result<Notes> read_notes(const std::string& directory, const NotesOptions& options) {
  Notes notes;
  const fs::path root(directory);
  TRY_ASSIGN(const std::vector<fs::path> files, Finder(root, notes.skipped).find());
  for (const fs::path& file : files) {
    if (auto document = read_note(root, file, options)) {
      notes.documents.push_back(std::move(*document));
    } else {
      notes.skipped.push_back({printable(file.generic_string()), std::move(document.error().message)});
    }
  }
  std::ranges::sort(notes.skipped, {}, &SkippedNote::path);
  return notes;
}

}  // namespace sextant
