#include <gtest/gtest.h>

#include <thread>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/fault_point.h"
#include "storage/log_format.h"
#include "storage/log_test_support.h"

namespace sextant {
namespace {

using namespace log_test;

TEST(FileLog, GivesBackWhatWasAppendedAlsoAfterReopening) {
  const auto disk = new_disk();
  {
    auto log = open_log(*disk).value();
    EXPECT_EQ(log->last_sequence(), 0U);
    EXPECT_EQ(append_next(*log, 3).value(), 1U);
    EXPECT_EQ(append_next(*log, 1).value(), 4U);
    EXPECT_EQ(append_next(*log, 5).value(), 5U);
    EXPECT_EQ(log->last_sequence(), 9U);
    EXPECT_EQ(read_all(*log).value(), Content::through(9));
  }
  FileLogRecovery recovery;
  auto log = open_log(*disk, {}, &recovery).value();
  EXPECT_EQ(recovery.last_sequence, 9U);
  EXPECT_EQ(recovery.groups, 3U);
  EXPECT_EQ(recovery.bytes_cut, 0U);
  EXPECT_EQ(recovery.cut_at, "");
  EXPECT_EQ(read_all(*log).value(), Content::through(9));
  EXPECT_EQ(append_next(*log, 2).value(), 10U);
  EXPECT_EQ(read_all(*log).value(), Content::through(11));
}

TEST(FileLog, ReadsFromTheGroupThatHoldsASequence) {
  const auto disk = new_disk();
  auto log = open_log(*disk, {.file_size_bytes = 512}).value();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(append_next(*log, 3));
  for (Sequence from = 0; from <= 32; ++from) {
    std::vector<Sequence> firsts;
    ASSERT_TRUE(log->read_from(from, [&](const LogGroup& group) -> Status {
      firsts.push_back(group.first_sequence);
      EXPECT_EQ(group.previous, group.first_sequence - 1);
      EXPECT_EQ(group.epoch, 1U);
      return {};
    }));
    std::vector<Sequence> expected;
    for (Sequence first = 1; first <= 28; first += 3) {
      if (first + 2 >= from) expected.push_back(first);
    }
    EXPECT_EQ(firsts, expected) << "from " << from;
  }
}

TEST(FileLog, EndsReadingWithTheVisitorsError) {
  const auto disk = new_disk();
  auto log = open_log(*disk).value();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(append_next(*log));
  int visits = 0;
  const auto status = log->read_from(1, [&](const LogGroup&) -> Status {
    if (++visits == 3) return fail(ErrorCode::kShuttingDown, "enough");
    return {};
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kShuttingDown);
  EXPECT_EQ(visits, 3);
}

TEST(FileLog, SyncMakesDurableWhatWasAppendedBefore) {
  const auto disk = new_disk();
  auto log = open_log(*disk).value();
  ASSERT_TRUE(append_next(*log, 2));
  EXPECT_EQ(log->durable_through(), 0U);
  EXPECT_EQ(log->sync().value(), 2U);
  EXPECT_EQ(log->durable_through(), 2U);
  EXPECT_TRUE(disk->pending().empty());
  ASSERT_TRUE(append_next(*log));
  const std::uint64_t syncs = disk->sync_count();
  EXPECT_TRUE(log->sync_through(2));
  EXPECT_EQ(disk->sync_count(), syncs) << "sequence 2 was durable already";
  EXPECT_TRUE(log->sync_through(3));
  EXPECT_GT(disk->sync_count(), syncs);
  EXPECT_EQ(log->durable_through(), 3U);
  EXPECT_EQ(log->sync_through(4).error().code, ErrorCode::kInternal);
}

TEST(FileLog, EachGroupSaysWhatWasDurableWhenItWasWritten) {
  const auto disk = new_disk();
  auto log = open_log(*disk).value();
  ASSERT_TRUE(append_next(*log));
  ASSERT_TRUE(append_next(*log));
  ASSERT_TRUE(log->sync());
  ASSERT_TRUE(append_next(*log));
  std::vector<Sequence> marks;
  ASSERT_TRUE(log->read_from(1, [&](const LogGroup& group) -> Status {
    marks.push_back(group.durable_through);
    return {};
  }));
  EXPECT_EQ(marks, (std::vector<Sequence>{0, 0, 2}));
}

TEST(FileLog, MarksItselfIdleOnlyOnce) {
  const auto disk = new_disk();
  auto log = open_log(*disk).value();
  ASSERT_TRUE(log->mark_idle());
  const std::uint64_t empty = log->size_bytes();
  ASSERT_TRUE(append_next(*log));
  ASSERT_TRUE(log->mark_idle());
  const std::uint64_t unsynced = log->size_bytes();
  EXPECT_GT(unsynced, empty);
  ASSERT_TRUE(log->sync());
  ASSERT_TRUE(log->mark_idle());
  const std::uint64_t marked = log->size_bytes();
  EXPECT_EQ(marked, unsynced + kGroupHeaderBytes);
  ASSERT_TRUE(log->mark_idle());
  EXPECT_EQ(log->size_bytes(), marked);
  EXPECT_EQ(log->last_sequence(), 1U);
  // A mark holds no sequence: readers do not meet it, and the next group follows the one before it.
  EXPECT_EQ(read_all(*log).value(), Content::through(1));
  EXPECT_EQ(append_next(*log).value(), 2U);
  log.reset();
  FileLogRecovery recovery;
  log = open_log(*disk, {}, &recovery).value();
  EXPECT_EQ(recovery.groups, 3U);
  EXPECT_EQ(read_all(*log).value(), Content::through(2));
}

TEST(FileLog, BeginsANewFileBeyondTheStatedSize) {
  const auto disk = new_disk();
  auto log = open_log(*disk, {.file_size_bytes = 600}).value();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(append_next(*log));
  const auto names = disk->list(kDirectory).value();
  EXPECT_GT(names.size(), 5U);
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(kDirectory + "/" + names[i], file_path(i + 1));
  ASSERT_TRUE(log->sync());
  EXPECT_TRUE(disk->pending().empty()) << "a sync covers every file";
  log.reset();
  log = open_log(*disk, {.file_size_bytes = 600}).value();
  EXPECT_EQ(read_all(*log).value(), Content::through(20));
  ASSERT_TRUE(append_next(*log, 40)) << "a group larger than a file has a file of its own";
  ASSERT_TRUE(append_next(*log));
  EXPECT_EQ(read_all(*log).value(), Content::through(61));
}

TEST(FileLog, RefusesGroupsThatCannotBe) {
  const auto disk = new_disk();
  auto log = open_log(*disk).value();
  EXPECT_EQ(log->append({}).error().code, ErrorCode::kInvalidArgument);
  // The bytes are never looked at: their length alone is too much.
  const std::string small(1, 'x');
  const LogEntry large{.record = {small.data(), kMaxGroupBytes}, .vectors = {}};
  EXPECT_EQ(log->append({&large, 1}).error().code, ErrorCode::kPayloadTooLarge);
  EXPECT_EQ(append_next(*log).value(), 1U);
}

TEST(FileLog, RefusesADirectoryOfAnotherDatabase) {
  const auto disk = new_disk();
  ASSERT_TRUE(open_log(*disk));
  const auto other = open_log(*disk, {.database_id = "another database"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kDamaged);
  EXPECT_NE(other.error().message.find(file_path(1)), std::string::npos) << other.error().message;
  EXPECT_EQ(open_log(*disk, {.database_id = "short"}).error().code, ErrorCode::kInvalidArgument);
}

TEST(FileLog, RefusesAppliedStateBeyondItsEnd) {
  const auto disk = new_disk();
  {
    auto log = open_log(*disk).value();
    ASSERT_TRUE(append_next(*log, 4));
  }
  EXPECT_TRUE(open_log(*disk, {.applied_through = 4}));
  EXPECT_EQ(open_log(*disk, {.applied_through = 5}).error().code, ErrorCode::kDamaged);
  EXPECT_EQ(open_log(*new_disk(), {.applied_through = 1}).error().code, ErrorCode::kDamaged);
}

TEST(FileLog, RefusesALogOfALaterVersion) {
  const auto disk = new_disk();
  ASSERT_TRUE(open_log(*disk));
  std::string header =
      encode_file_header({.number = 1, .salt = 7, .database_id = kDatabaseId, .first_sequence = 1});
  header[8] = 2;
  header.resize(56);
  append_le(header, xxh3(header));
  const auto file = disk->open(file_path(1), OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->write_at(0, header));
  EXPECT_EQ(open_log(*disk).error().code, ErrorCode::kFormatTooNew);
}

// --- failures while it runs

TEST(FileLog, AFullDiskLeavesStateAsItWas) {
  const auto disk = new_disk();
  auto log = open_log(*disk).value();
  ASSERT_TRUE(append_next(*log, 2));
  const std::uint64_t size = log->size_bytes();
  for (std::uint64_t room = 0; room < 4096; room += 512) {
    disk->set_capacity(size + room);
    const std::string large(5000, 'x');
    const LogEntry entry{.record = large, .vectors = {}};
    const auto appended = log->append({&entry, 1});
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code, ErrorCode::kOutOfSpace);
    EXPECT_EQ(log->last_sequence(), 2U);
    EXPECT_EQ(log->size_bytes(), size);
    EXPECT_EQ(disk->open(file_path(1), OpenMode::kRead).value()->size().value(), size);
    EXPECT_TRUE(disk->pending().empty()) << "a power loss must not bring back what was refused";
  }
  disk->set_capacity(1U << 20U);
  EXPECT_FALSE(log->poisoned());
  EXPECT_EQ(append_next(*log).value(), 3U);
  EXPECT_EQ(read_all(*log).value(), Content::through(3));
}

TEST(FileLog, AFullDiskAtRotationLeavesStateAsItWas) {
  const auto disk = new_disk();
  auto log = open_log(*disk, {.file_size_bytes = 200}).value();
  ASSERT_TRUE(append_next(*log));
  disk->set_capacity(log->size_bytes() + 10);
  EXPECT_EQ(append_next(*log).error().code, ErrorCode::kOutOfSpace);
  EXPECT_EQ(disk->list(kDirectory).value().size(), 1U);
  disk->set_capacity(1U << 20U);
  EXPECT_EQ(append_next(*log).value(), 2U);
  log.reset();
  log = open_log(*disk).value();
  EXPECT_EQ(read_all(*log).value(), Content::through(2));
}

TEST(FileLog, AFailedSyncPoisonsForEver) {
  const auto disk = new_disk();
  auto log = open_log(*disk).value();
  ASSERT_TRUE(append_next(*log));
  ASSERT_TRUE(log->sync());
  ASSERT_TRUE(append_next(*log));
  disk->fail_sync(1);
  EXPECT_EQ(log->sync().error().code, ErrorCode::kStorePoisoned);
  EXPECT_TRUE(log->poisoned());
  EXPECT_EQ(log->durable_through(), 1U);
  const std::uint64_t syncs = disk->sync_count();
  EXPECT_EQ(log->sync().error().code, ErrorCode::kStorePoisoned);
  EXPECT_EQ(log->sync_through(1).error().code, ErrorCode::kStorePoisoned);
  EXPECT_EQ(append_next(*log).error().code, ErrorCode::kStorePoisoned);
  EXPECT_EQ(log->mark_idle().error().code, ErrorCode::kStorePoisoned);
  EXPECT_EQ(log->trim_before(2).error().code, ErrorCode::kStorePoisoned);
  EXPECT_EQ(disk->sync_count(), syncs) << "nothing is synced a second time";
  EXPECT_EQ(read_all(*log).value(), Content::through(2)) << "reading goes on";
}

TEST(FileLog, AFailedSyncAtEveryPlacePoisonsOrRefuses) {
  for (int nth = 1; nth < 40; ++nth) {
    const auto disk = new_disk();
    disk->fail_sync(nth);
    auto opened = open_log(*disk, {.file_size_bytes = 300});
    if (!opened) {
      EXPECT_EQ(opened.error().code, ErrorCode::kStorePoisoned);
      continue;
    }
    CommitLog& log = **opened;
    Sequence acknowledged = 0;
    for (int i = 0; i < 12 && !log.poisoned(); ++i) {
      if (const auto appended = append_next(log); !appended) {
        EXPECT_EQ(appended.error().code, ErrorCode::kStorePoisoned);
      } else if (const auto synced = log.sync(); !synced) {
        EXPECT_EQ(synced.error().code, ErrorCode::kStorePoisoned);
      } else {
        acknowledged = *synced;
      }
    }
    const auto after = disk->power_loss([](std::size_t) { return PendingFate::kLost; });
    auto reopened = open_log(*after, {.applied_through = acknowledged}).value();
    EXPECT_EQ(read_all(*reopened).value(), Content::through(reopened->last_sequence()));
  }
}

class FileLogFaults : public testing::TestWithParam<const char*> {
 protected:
  void TearDown() override { disarm_faults(); }
};

TEST_P(FileLogFaults, AppendingFailsWholeAndGoesOn) {
  const auto disk = new_disk();
  auto log = open_log(*disk, {.file_size_bytes = 300}).value();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(append_next(*log));
  arm_fault(GetParam(), 1, FaultAction::kFail);
  int failures = 0;
  while (log->last_sequence() < 10) {
    const Sequence before = log->last_sequence();
    if (append_next(*log)) continue;
    ++failures;
    EXPECT_EQ(log->last_sequence(), before);
    EXPECT_EQ(read_all(*log).value(), Content::through(before));
  }
  EXPECT_EQ(failures, 1);
  EXPECT_FALSE(log->poisoned());
  log.reset();
  log = open_log(*disk, {.file_size_bytes = 300}).value();
  EXPECT_EQ(read_all(*log).value(), Content::through(10));
}

INSTANTIATE_TEST_SUITE_P(Append, FileLogFaults,
                         testing::Values("log.append.before_write", "log.append.after_write",
                                         "log.rotate.before", "log.rotate.after_create"));

TEST(FileLogFault, AroundASyncPoisons) {
  for (const char* point : {"log.sync.before", "log.sync.after"}) {
    const auto disk = new_disk();
    auto log = open_log(*disk).value();
    ASSERT_TRUE(append_next(*log));
    arm_fault(point, 1, FaultAction::kFail);
    EXPECT_EQ(log->sync().error().code, ErrorCode::kStorePoisoned) << point;
    EXPECT_TRUE(log->poisoned());
    EXPECT_EQ(log->durable_through(), 0U);
    disarm_faults();
  }
}

// --- threads

TEST(FileLog, SyncsReadsAndTrimsWhileItAppends) {
  const auto disk = new_disk();
  auto log = open_log(*disk, {.file_size_bytes = 2000}).value();
  std::atomic<bool> done{false};
  std::atomic<int> syncs{0};
  std::atomic<int> reads{0};
  std::thread syncing([&] {
    for (; !done; ++syncs) EXPECT_TRUE(log->sync_through(log->last_sequence()));
  });
  std::thread reading([&] {
    for (; !done; ++reads) {
      const auto content = read_all(*log, log->first_sequence());
      // A trim may come between the two calls, or between two files.
      if (!content) {
        EXPECT_EQ(content.error().code, ErrorCode::kInvalidArgument) << content.error().to_string();
      }
    }
  });
  std::thread trimming([&] {
    while (!done) {
      const Sequence last = log->last_sequence();
      EXPECT_TRUE(log->trim_before(last > 60 ? last - 60 : 0));
    }
  });
  // Until every thread has had its part.
  while (log->last_sequence() < 400 || syncs < 20 || reads < 20 || log->first_sequence() == 1) {
    ASSERT_TRUE(append_next(*log));
    ASSERT_TRUE(log->mark_idle());
  }
  done = true;
  syncing.join();
  reading.join();
  trimming.join();
  const Sequence last = log->last_sequence();
  EXPECT_EQ(log->sync().value(), last);
  const Sequence first = log->first_sequence();
  log.reset();
  log = open_log(*disk).value();
  EXPECT_EQ(log->first_sequence(), first);
  EXPECT_EQ(log->last_sequence(), last);
  EXPECT_EQ(read_all(*log, first).value().records.size(), last - first + 1);
}

}  // namespace
}  // namespace sextant
