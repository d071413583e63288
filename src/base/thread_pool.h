// A fixed set of worker threads with one bounded queue, and a parallel loop over it.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace sextant {

class ThreadPool {
 public:
  /// `name` shows in the system's thread list (15 characters at most).
  ThreadPool(std::string name, std::size_t threads, std::size_t queue_limit = 1U << 20U);
  /// Runs what is queued, then joins.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// False when the queue is full; the task is then not run. Tasks must not throw. Any thread may call.
  bool submit(std::move_only_function<void()> task);
  std::size_t thread_count() const { return threads_.size(); }
  std::size_t queued() const;

  /// Calls body(i) for every i in [0, count), on the pool and the calling thread; returns when all are done.
  /// A task of the same pool may call it too: the caller runs whatever no worker has taken, and waits only
  /// for what is already running. The body must not throw.
  void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body);

 private:
  void work(const std::string& name);

  mutable Mutex mutex_;
  ConditionVariable wake_;
  std::deque<std::move_only_function<void()>> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::size_t queue_limit_;
  std::vector<std::thread> threads_;
};

}  // namespace sextant
