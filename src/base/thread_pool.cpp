#include "base/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

namespace sextant {
namespace {

// What the threads of one parallel_for share. Helpers may start after the loop has ended: they hold the Loop
// alive, find no index left and never touch the body, which is the caller's.
class Loop {
 public:
  Loop(std::size_t count, const std::function<void(std::size_t)>& body) : count_(count), body_(body) {}

  void run() {
    std::size_t finished = 0;
    for (std::size_t i = 0; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_; ++finished)
      body_(i);
    if (finished == 0) return;
    const MutexLock lock(mutex_);
    done_ += finished;
    if (done_ == count_) all_done_.notify_all();
  }

  void wait() {
    const MutexLock lock(mutex_);
    while (done_ != count_) all_done_.wait(mutex_);
  }

 private:
  const std::size_t count_;
  const std::function<void(std::size_t)>& body_;
  std::atomic<std::size_t> next_{0};
  Mutex mutex_;
  ConditionVariable all_done_;
  std::size_t done_ GUARDED_BY(mutex_) = 0;
};

}  // namespace

ThreadPool::ThreadPool(std::string name, std::size_t threads, std::size_t queue_limit)
    : queue_limit_(queue_limit) {
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this, name] { work(name); });
}

ThreadPool::~ThreadPool() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadPool::submit(std::move_only_function<void()> task) {
  {
    const MutexLock lock(mutex_);
    if (queue_.size() >= queue_limit_) return false;
    queue_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

std::size_t ThreadPool::queued() const {
  const MutexLock lock(mutex_);
  return queue_.size();
}

void ThreadPool::parallel_for(std::size_t count, const std::function<void(std::size_t)>& body) {
  if (count == 0) return;
  const auto loop = std::make_shared<Loop>(count, body);
  const std::size_t helpers = std::min(count - 1, thread_count());
  for (std::size_t i = 0; i < helpers; ++i) {
    if (!submit([loop] { loop->run(); })) break;  // a full queue costs speed, not the result
  }
  loop->run();
  loop->wait();
}

void ThreadPool::work(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  for (;;) {
    std::move_only_function<void()> task;
    {
      const MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace sextant
