// MemoryDisk: a FileSystem in memory that knows what was synced and what was not.
//
// For tests of durability. Every unsynced write, truncation, creation, rename and removal is kept as a
// pending event in order; a write that crosses 4,096-byte pages is one event a page, as a page cache would
// write it back. A file's sync() makes its content and size durable but not its name; sync_directory() makes
// names durable but no content, and one that moved between directories only once both are synced.
// power_loss() makes a new disk as it might be found after the power failed: what was synced is there; of the
// pending events any subset may be, chosen by the caller, and written bytes may be garbage. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"

namespace sextant {

enum class PendingKind : std::uint8_t { kWrite, kTruncate, kCreate, kRename, kRemove };
enum class PendingFate : std::uint8_t { kLost, kKept, kGarbled };  // garbled: a kept write of random bytes

struct PendingEvent {
  PendingKind kind;
  std::string path;  // of the file or the directory entry
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

class MemoryDisk final : public FileSystem {
 public:
  MemoryDisk();
  ~MemoryDisk() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status make_directory(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

  /// What has been done and not synced, oldest first.
  std::vector<PendingEvent> pending() const;

  /// The disk after power loss: `fate(i)` decides pending()[i]. A write to a file whose creation was lost is
  /// lost with it, and so is a rename or removal of an entry that lost its creation; only a write can be
  /// garbled. Locks are free on the new disk, nothing is pending on it.
  std::unique_ptr<MemoryDisk> power_loss(const std::function<PendingFate(std::size_t)>& fate) const;

  /// The nth call from now (1 = the next) of sync() or sync_directory() fails with kIo; 0 = none does.
  /// Whatever a failed sync should have made durable stays pending for ever: it may be lost or kept.
  void fail_sync(int nth);
  /// Writes beyond this many bytes in all files together fail with kOutOfSpace, having written what fits.
  void set_capacity(std::uint64_t bytes);
  /// How often sync() and sync_directory() were called.
  std::uint64_t sync_count() const;

  /// Changes stored bytes behind everyone's back: content of `path` at `offset` is XORed with `mask`.
  Status corrupt(const std::string& path, std::uint64_t offset, unsigned char mask);

 private:
  struct State;
  class OpenFile;
  class HeldLock;
  std::shared_ptr<State> state_;
};

}  // namespace sextant
