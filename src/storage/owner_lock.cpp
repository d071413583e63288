#include "storage/owner_lock.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace sextant {
namespace {

/// RFC 3339 in UTC, to the second.
std::string rfc3339(std::int64_t unix_ms) {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::milliseconds> moment{std::chrono::milliseconds(unix_ms)};
  const auto day = floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(floor<std::chrono::seconds>(moment - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

}  // namespace

OwnerLock::OwnerLock(std::unique_ptr<FileLock> lock, int pid, std::string started)
    : lock_(std::move(lock)), pid_(pid), started_(std::move(started)) {}

Result<std::unique_ptr<OwnerLock>> OwnerLock::acquire(FileSystem& fs, Clock& clock,
                                                      const std::string& directory,
                                                      const std::string& endpoint) {
  auto lock = fs.lock(join_path(directory, "LOCK"));
  if (!lock) {
    if (lock.error().code != ErrorCode::kOwnerLockHeld) return fail(std::move(lock).error());
    return fail(
        ErrorCode::kOwnerLockHeld,
        fmt::format(
            "{}; one process owns a database directory: reach it through its endpoint, or stop it first",
            lock.error().message));
  }
  std::unique_ptr<OwnerLock> owner(new OwnerLock(std::move(*lock), ::getpid(), rfc3339(clock.unix_ms())));
  TRY(owner->set_endpoint(endpoint));
  return owner;
}

Status OwnerLock::set_endpoint(const std::string& endpoint) {
  return lock_->write_note(fmt::format("process {} (started {}, serving {})", pid_, started_,
                                       endpoint.empty() ? "no endpoint" : endpoint));
}

Status OwnerLock::check_owner() const {
  const int pid = ::getpid();
  if (pid == pid_) return {};
  return fail(
      ErrorCode::kOwnerLockHeld,
      fmt::format("process {} owns the database; process {}, forked from it, may not use it", pid_, pid));
}

}  // namespace sextant
