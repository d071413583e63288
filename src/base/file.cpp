#include "base/file.h"

#include <utility>

namespace sextant {
namespace {

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status write_new_file(FileSystem& fs, const std::string& path, std::string_view content) {
  TRY_ASSIGN(const std::unique_ptr<File> file, fs.open(path, OpenMode::kCreate));
  TRY(file->write_at(0, content));
  return file->sync();
}

}  // namespace

Result<std::string> read_file(FileSystem& fs, const std::string& path) {
  TRY_ASSIGN(const std::unique_ptr<File> file, fs.open(path, OpenMode::kRead));
  TRY_ASSIGN(const std::uint64_t size, file->size());
  std::string content(size, '\0');
  TRY_ASSIGN(const std::size_t got, file->read_at(0, content.data(), content.size()));
  content.resize(got);
  return content;
}

Status write_file_atomically(FileSystem& fs, const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp";
  TRY_ASSIGN(const bool left_over, fs.exists(temporary));
  if (left_over) TRY(fs.remove(temporary));
  Status status = write_new_file(fs, temporary, content);
  if (status) status = fs.rename(temporary, path);
  if (!status) {
    // The first failure is the one to tell; a temporary that stays is removed by the next writer.
    static_cast<void>(fs.remove(temporary));
    return status;
  }
  return fs.sync_directory(parent_directory(path));
}

std::string join_path(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path.push_back('/');
  return path.append(name);
}

}  // namespace sextant
