// OwnerLock: a database directory belongs to exactly one process.
//
// The lock is the operating system's, on <directory>/LOCK, so kill -9 frees it and every alias of the path
// meets the same lock. The file holds the owner's pid, start time and endpoint for the error text of whoever
// comes second.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/file.h"

namespace sextant {

class OwnerLock {
 public:
  /// Taken before any other byte of the directory is read. kOwnerLockHeld: "Could not set lock on file
  /// "<directory>/LOCK": Conflicting lock is held by process <pid> (started <time>, serving <endpoint>). ..."
  /// and what to do instead.
  static Result<std::unique_ptr<OwnerLock>> acquire(FileSystem& fs, Clock& clock,
                                                    const std::string& directory,
                                                    const std::string& endpoint);
  /// Tells whoever comes second another endpoint, once it is known.
  Status set_endpoint(const std::string& endpoint);
  /// kOwnerLockHeld when this process is not the one that took the lock (a forked child).
  Status check_owner() const;

 private:
  OwnerLock(std::unique_ptr<FileLock> lock, int pid, std::string started);
  std::unique_ptr<FileLock> lock_;
  int pid_;
  std::string started_;  // RFC 3339
};

}  // namespace sextant
