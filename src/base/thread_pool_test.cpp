#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <latch>
#include <vector>

namespace sextant {
namespace {

/// Counts how often each index is seen by a loop over `pool`.
void expect_each_index_once(ThreadPool& pool, std::size_t count) {
  std::vector<std::atomic<int>> seen(count);
  pool.parallel_for(count, [&](std::size_t i) { ++seen[i]; });
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(seen[i], 1) << "index " << i << " of " << count;
}

TEST(ThreadPool, ParallelForCallsEveryIndexOnce) {
  for (const std::size_t threads : {0U, 1U, 4U}) {
    ThreadPool pool("loop", threads);
    EXPECT_EQ(pool.thread_count(), threads);
    for (const std::size_t count : {0U, 1U, 2U, 5U, 1000U}) expect_each_index_once(pool, count);
  }
}

TEST(ThreadPool, ParallelForNeedsNoRoomInTheQueue) {
  ThreadPool pool("full", 2, 0);
  EXPECT_FALSE(pool.submit([] {}));
  expect_each_index_once(pool, 100);
}

TEST(ThreadPool, ParallelForUsesTheWorkersTooAndWaitsForThem) {
  ThreadPool pool("both", 1);
  for (int round = 0; round < 1000; ++round) {  // in some the worker is the last to leave
    std::latch both(2);
    std::atomic<int> left{0};
    pool.parallel_for(2, [&](std::size_t) {
      both.arrive_and_wait();  // passed only if two threads take part
      ++left;
    });
    ASSERT_EQ(left, 2);
  }
}

TEST(ThreadPool, ParallelForMayBeNestedAndCalledByManyThreads) {
  ThreadPool pool("nested", 2);
  std::atomic<int> calls{0};
  const auto nested = [&] {
    pool.parallel_for(8, [&](std::size_t) { pool.parallel_for(8, [&](std::size_t) { ++calls; }); });
  };
  std::thread other(nested);
  nested();
  other.join();
  EXPECT_EQ(calls, 128);
}

TEST(ThreadPool, RefusesTasksBeyondItsQueueLimit) {
  std::latch started(1);
  std::latch release(1);
  std::atomic<int> ran{0};
  {
    ThreadPool pool("bounded", 1, 2);
    ASSERT_TRUE(pool.submit([&] {
      started.count_down();
      release.wait();
    }));
    started.wait();  // the worker is busy, the queue empty
    EXPECT_TRUE(pool.submit([&] { ++ran; }));
    EXPECT_TRUE(pool.submit([&] { ++ran; }));
    EXPECT_EQ(pool.queued(), 2U);
    EXPECT_FALSE(pool.submit([&] { ++ran; }));
    release.count_down();
  }
  EXPECT_EQ(ran, 2) << "what was queued runs before the pool is gone, what was refused does not";
}

TEST(ThreadPool, WorkersCarryTheFirst15CharactersOfItsName) {
  char name[16] = {};
  {
    ThreadPool pool("a-name-that-is-too-long", 1);
    ASSERT_TRUE(pool.submit([&] { pthread_getname_np(pthread_self(), name, sizeof(name)); }));
  }
  EXPECT_STREQ(name, "a-name-that-is-");
}

}  // namespace
}  // namespace sextant
