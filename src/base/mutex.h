// std::mutex with clang's thread-safety annotations, and the annotations by short names.
#pragma once

#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define SEXTANT_ATTRIBUTE(x) __attribute__((x))
#else
#define SEXTANT_ATTRIBUTE(x)
#endif
#define GUARDED_BY(x) SEXTANT_ATTRIBUTE(guarded_by(x))
#define REQUIRES(...) SEXTANT_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) SEXTANT_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace sextant {

class SEXTANT_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() SEXTANT_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() SEXTANT_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

class SEXTANT_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SEXTANT_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() SEXTANT_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// For what is read far more often than written: any number of SharedLocks, or one ExclusiveLock.
class SEXTANT_ATTRIBUTE(capability("mutex")) SharedMutex {
 public:
  void lock() SEXTANT_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() SEXTANT_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  void lock_shared() SEXTANT_ATTRIBUTE(acquire_shared_capability()) { mutex_.lock_shared(); }
  void unlock_shared() SEXTANT_ATTRIBUTE(release_shared_capability()) { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

class SEXTANT_ATTRIBUTE(scoped_lockable) SharedLock {
 public:
  explicit SharedLock(SharedMutex& mutex) SEXTANT_ATTRIBUTE(acquire_shared_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock_shared();
  }
  ~SharedLock() SEXTANT_ATTRIBUTE(release_capability()) { mutex_.unlock_shared(); }
  SharedLock(const SharedLock&) = delete;
  SharedLock& operator=(const SharedLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class SEXTANT_ATTRIBUTE(scoped_lockable) ExclusiveLock {
 public:
  explicit ExclusiveLock(SharedMutex& mutex) SEXTANT_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~ExclusiveLock() SEXTANT_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  ExclusiveLock(const ExclusiveLock&) = delete;
  ExclusiveLock& operator=(const ExclusiveLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class ConditionVariable {
 public:
  void wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    variable_.wait(lock);
    lock.release();
  }
  /// False when `timeout` passed first.
  template <typename Duration>
  bool wait_for(Mutex& mutex, Duration timeout) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool woken = variable_.wait_for(lock, timeout) == std::cv_status::no_timeout;
    lock.release();
    return woken;
  }
  void notify_one() { variable_.notify_one(); }
  void notify_all() { variable_.notify_all(); }

 private:
  std::condition_variable variable_;
};

}  // namespace sextant
