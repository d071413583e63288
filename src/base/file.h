// The one seam under disk: every byte Sextant keeps goes through a FileSystem.
//
// Production uses the operating system's; tests use MemoryDisk (memory_disk.h), which loses or garbles what
// was not synced. Paths are UTF-8. Errors: kOutOfSpace for a full disk, kIo else, each naming operation and
// path. Thread rule: a FileSystem may be used from any thread; a File's reads from any thread, its writes
// from one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sextant {

class File {
 public:
  virtual ~File() = default;
  /// Reads up to `size` bytes at `offset` into `out`; returns how many (fewer only at the end of the file).
  virtual Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) const = 0;
  /// Writes all bytes at `offset`, extending the file if need be. Durable only after sync().
  virtual Status write_at(std::uint64_t offset, std::string_view bytes) = 0;
  /// Makes content and size durable (fdatasync). After a failure nothing is known of what was written: the
  /// caller must not sync this file again. Whoever reads it later sees what the device holds.
  virtual Status sync() = 0;
  virtual Status truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() const = 0;
};

/// An exclusive lock on a file, freed when this object or the process ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
  /// Replaces the lock file's content by one line for whoever meets the lock, e.g. "process 4711 (...)".
  virtual Status write_note(std::string_view note) = 0;
};

enum class OpenMode : std::uint8_t {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // must not exist
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  /// Names (not paths) in a directory, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  /// Creates one directory; an existing one is no error.
  virtual Status make_directory(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  /// Makes creations, renames and removals in a directory durable.
  virtual Status sync_directory(const std::string& path) = 0;
  /// Takes an exclusive lock, creating the file if need be. Held by anyone else, in this process or another
  /// and by whatever alias of the path: kOwnerLockHeld, the message ending in the holder's note, or in
  /// "process unknown" while there is none.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

/// The operating system's files. One object for the whole process, never destroyed.
FileSystem& posix_file_system();

/// The whole content of a file.
Result<std::string> read_file(FileSystem& fs, const std::string& path);
/// Replaces a file so that it is durable and whole at every moment: temporary, sync, rename, sync directory.
Status write_file_atomically(FileSystem& fs, const std::string& path, std::string_view content);
/// "a" + "b" -> "a/b".
std::string join_path(std::string_view directory, std::string_view name);

}  // namespace sextant
