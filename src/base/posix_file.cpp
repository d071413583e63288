#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace sextant {
namespace {

constexpr std::size_t kMaxLockNoteBytes = 512;

std::unexpected<Error> fail_with_errno(std::string_view operation, const std::string& path, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return fail(full ? ErrorCode::kOutOfSpace : ErrorCode::kIo,
              fmt::format("{} \"{}\": {}", operation, path, std::generic_category().message(number)));
}

/// Repeats a system call while signals interrupt it.
template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) const override {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = uninterrupted([&] {
        return ::pread(descriptor_.get(), out + done, size - done, static_cast<off_t>(offset + done));
      });
      if (got < 0) return fail_with_errno("read", path_, errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Status write_at(std::uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = uninterrupted([&] {
        return ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      });
      if (put < 0) return fail_with_errno("write", path_, errno);
      bytes.remove_prefix(static_cast<std::size_t>(put));
      offset += static_cast<std::uint64_t>(put);
    }
    return {};
  }

  Status sync() override {
    if (::fdatasync(descriptor_.get()) == 0) return {};
    const int number = errno;
    // The kernel may keep as clean what it could not write: drop it, so that nobody takes it for stored.
    static_cast<void>(::posix_fadvise(descriptor_.get(), 0, 0, POSIX_FADV_DONTNEED));
    return fail_with_errno("sync", path_, number);
  }

  Status truncate(std::uint64_t size) override {
    if (uninterrupted([&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(size)); }) != 0) {
      return fail_with_errno("truncate", path_, errno);
    }
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat status{};
    if (::fstat(descriptor_.get(), &status) != 0) return fail_with_errno("stat", path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  Descriptor descriptor_;
  std::string path_;
};

struct flock whole_file(short type) {
  struct flock request{};
  request.l_type = type;
  request.l_whence = SEEK_SET;
  return request;
}

// The lock belongs to the open file description, not to the process: a second open of the file conflicts in
// this process as in any other, and closing other descriptors of the file does not give it up, as it would a
// POSIX record lock.
Status lock_whole_file(int descriptor, const std::string& path) {
  struct flock request = whole_file(F_WRLCK);
  if (::fcntl(descriptor, F_OFD_SETLK, &request) == 0) return {};
  if (errno != EACCES && errno != EAGAIN) return fail_with_errno("lock", path, errno);
  char note[kMaxLockNoteBytes];
  const ssize_t size = uninterrupted([&] { return ::pread(descriptor, note, sizeof(note), 0); });
  const std::string_view holder(note, size > 0 ? static_cast<std::size_t>(size) : 0);
  return fail(ErrorCode::kOwnerLockHeld,
              fmt::format("Could not set lock on file \"{}\": Conflicting lock is held by {}", path,
                          holder.empty() ? "process unknown" : holder));
}

class PosixLock final : public FileLock {
 public:
  PosixLock(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}
  ~PosixLock() override {
    // A forked child has a copy of this object and shares the open file description. So it must not unlock,
    // and the owner must: closing alone would leave the file locked while such a child lives.
    if (::getpid() != owner_) return;
    struct flock request = whole_file(F_UNLCK);
    static_cast<void>(::fcntl(descriptor_.get(), F_OFD_SETLK, &request));
  }
  PosixLock(const PosixLock&) = delete;
  PosixLock& operator=(const PosixLock&) = delete;

  Status write_note(std::string_view note) override {
    note = note.substr(0, kMaxLockNoteBytes);
    // Written before the old end is cut off: a reader never finds the file empty in between.
    const ssize_t put =
        uninterrupted([&] { return ::pwrite(descriptor_.get(), note.data(), note.size(), 0); });
    if (put < 0) return fail_with_errno("write", path_, errno);
    if (uninterrupted([&] { return ::ftruncate(descriptor_.get(), put); }) != 0) {
      return fail_with_errno("truncate", path_, errno);
    }
    return {};
  }

 private:
  Descriptor descriptor_;
  std::string path_;
  pid_t owner_ = ::getpid();
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC;
    if (mode == OpenMode::kRead) flags |= O_RDONLY;
    if (mode == OpenMode::kReadWrite) flags |= O_RDWR;
    if (mode == OpenMode::kCreate) flags |= O_RDWR | O_CREAT | O_EXCL;
    Descriptor descriptor(uninterrupted([&] { return ::open(path.c_str(), flags, 0644); }));
    if (!descriptor.valid()) {
      return fail_with_errno(mode == OpenMode::kCreate ? "create" : "open", path, errno);
    }
    return std::make_unique<PosixFile>(std::move(descriptor), path);
  }

  Result<bool> exists(const std::string& path) override {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return fail_with_errno("stat", path, errno);
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
    if (!stream) return fail_with_errno("list", directory, errno);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(stream.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return fail_with_errno("list", directory, errno);
    std::sort(names.begin(), names.end());
    return names;
  }

  Status make_directory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0755) == 0) return {};
    const int number = errno;
    struct stat status{};
    if (number == EEXIST && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
    return fail_with_errno("make directory", path, number);
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    const int number = errno;
    return fail_with_errno("rename", fmt::format("{}\" to \"{}", from, to), number);
  }

  Status remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return fail_with_errno("remove", path, errno);
    return {};
  }

  Status sync_directory(const std::string& path) override {
    const Descriptor descriptor(
        uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (!descriptor.valid()) return fail_with_errno("open directory", path, errno);
    if (::fsync(descriptor.get()) != 0) return fail_with_errno("sync directory", path, errno);
    return {};
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    Descriptor descriptor(
        uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644); }));
    if (!descriptor.valid()) return fail_with_errno("open lock file", path, errno);
    TRY(lock_whole_file(descriptor.get(), path));
    return std::make_unique<PosixLock>(std::move(descriptor), path);
  }
};

}  // namespace

FileSystem& posix_file_system() {
  static FileSystem& only = *new PosixFileSystem;
  return only;
}

}  // namespace sextant
