// The commit log against power loss: at every operation on the disk, every subset of what was not synced is
// kept, lost or turned to garbage, and the log found afterwards must be a prefix of what was appended that
// holds everything acknowledged.
#include <gtest/gtest.h>

#include "base/fault_point.h"
#include "storage/log_test_support.h"

namespace sextant {
namespace {

using namespace log_test;

/// Calls back before every operation that changes the disk.
class SteppedDisk final : public FileSystem {
 public:
  SteppedDisk(MemoryDisk& disk, std::function<void()> before_change)
      : disk_(disk), before_change_(std::move(before_change)) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (mode == OpenMode::kCreate) before_change_();
    TRY_ASSIGN(auto file, disk_.open(path, mode));
    return std::make_unique<SteppedFile>(std::move(file), before_change_);
  }
  Result<bool> exists(const std::string& path) override { return disk_.exists(path); }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    return disk_.list(directory);
  }
  Status make_directory(const std::string& path) override { return disk_.make_directory(path); }
  Status rename(const std::string& from, const std::string& to) override {
    before_change_();
    return disk_.rename(from, to);
  }
  Status remove(const std::string& path) override {
    before_change_();
    return disk_.remove(path);
  }
  Status sync_directory(const std::string& path) override {
    before_change_();
    return disk_.sync_directory(path);
  }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override { return disk_.lock(path); }

 private:
  class SteppedFile final : public File {
   public:
    SteppedFile(std::unique_ptr<File> file, const std::function<void()>& before_change)
        : file_(std::move(file)), before_change_(before_change) {}
    Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) const override {
      return file_->read_at(offset, out, size);
    }
    Status write_at(std::uint64_t offset, std::string_view bytes) override {
      before_change_();
      return file_->write_at(offset, bytes);
    }
    Status sync() override {
      before_change_();
      return file_->sync();
    }
    Status truncate(std::uint64_t size) override {
      before_change_();
      return file_->truncate(size);
    }
    Result<std::uint64_t> size() const override { return file_->size(); }

   private:
    std::unique_ptr<File> file_;
    const std::function<void()>& before_change_;
  };

  MemoryDisk& disk_;
  std::function<void()> before_change_;
};

/// What the outside world knows of a log: what it asked for, and what it was promised.
struct Ledger {
  Sequence appended = 0;       // the highest sequence that any append may have written
  Sequence acknowledged = 0;   // that a sync has answered
  Sequence trimmed_below = 1;  // the highest that a trim may have forgotten up to
};

constexpr std::uint64_t kSmallFile = 500;

/// Opens the log on `disk`, compares it with the ledger, appends to it and opens it again.
void expect_sound(MemoryDisk& disk, const Ledger& ledger) {
  const OpenOptions options{.file_size_bytes = kSmallFile, .applied_through = ledger.acknowledged};
  auto opened = open_log(disk, options);
  ASSERT_TRUE(opened) << opened.error().to_string();
  auto log = std::move(opened).value();
  const Sequence last = log->last_sequence();
  const Sequence first = log->first_sequence();
  ASSERT_GE(last, ledger.acknowledged);
  ASSERT_LE(last, ledger.appended);
  ASSERT_LE(first, ledger.trimmed_below);
  ASSERT_EQ(log->durable_through(), last) << "what was found is durable now";
  ASSERT_TRUE(disk.pending().empty()) << "so is the cut";

  const auto expect_content = [&](Sequence through) {
    Content expected = Content::through(through);
    expected.records.erase(expected.records.begin(),
                           expected.records.begin() + static_cast<std::ptrdiff_t>(first - 1));
    expected.vectors.erase(expected.vectors.begin(),
                           expected.vectors.begin() + static_cast<std::ptrdiff_t>(first - 1));
    auto content = read_all(*log, first);
    ASSERT_TRUE(content) << content.error().to_string();
    ASSERT_TRUE(*content == expected);
  };
  expect_content(last);
  ASSERT_TRUE(append_next(*log, 2));
  ASSERT_TRUE(log->sync());
  log.reset();
  auto reopened = open_log(disk, {.file_size_bytes = kSmallFile, .applied_through = last + 2});
  ASSERT_TRUE(reopened) << reopened.error().to_string();
  log = std::move(reopened).value();
  ASSERT_EQ(log->last_sequence(), last + 2);
  expect_content(last + 2);
}

/// Every way the power can fail now: 3^n fates of n pending events, or 2^n when they are many.
template <typename Check>
std::uint64_t for_every_power_loss(const MemoryDisk& disk, Check check) {
  const std::size_t events = disk.pending().size();
  const std::uint64_t kinds = events <= 8 ? 3 : 2;
  std::uint64_t cases = 1;
  for (std::size_t i = 0; i < events; ++i) cases *= kinds;
  EXPECT_LE(cases, 1U << 14U);
  for (std::uint64_t number = 0; number < cases; ++number) {
    std::vector<PendingFate> fates;
    for (std::uint64_t rest = number; fates.size() < events; rest /= kinds) {
      fates.push_back(static_cast<PendingFate>(rest % kinds));
    }
    const auto after = disk.power_loss([&](std::size_t event) { return fates[event]; });
    check(*after);
    if (testing::Test::HasFatalFailure()) {
      ADD_FAILURE() << "fates of the " << events << " pending events: number " << number << " to base "
                    << kinds;
      return cases;
    }
  }
  return cases;
}

/// `groups` groups of `entries` each, a sync after those whose bit is set; then every power loss.
std::uint64_t append_and_lose_power(unsigned groups, std::size_t entries, unsigned syncs) {
  const auto disk = new_disk();
  auto log = open_log(*disk).value();
  Ledger ledger;
  for (unsigned group = 0; group < groups; ++group) {
    EXPECT_TRUE(append_next(*log, entries + group % 3));
    ledger.appended = log->last_sequence();
    if ((syncs >> group & 1U) != 0) ledger.acknowledged = log->sync().value();
  }
  return for_every_power_loss(*disk, [&](MemoryDisk& after) { expect_sound(after, ledger); });
}

TEST(FileLogPowerLoss, LeavesAPrefixThatHoldsEverythingSynced) {
  std::uint64_t cases = 0;
  for (unsigned syncs = 0; syncs < 64; ++syncs) {
    cases += append_and_lose_power(6, 1, syncs);
    if (HasFatalFailure()) FAIL() << "syncs after the groups " << syncs;
  }
  RecordProperty("cases", std::to_string(cases));
}

TEST(FileLogPowerLoss, LeavesAPrefixWhereAGroupReachesTheDiskInPieces) {
  std::uint64_t cases = 0;
  for (unsigned syncs = 0; syncs < 8; ++syncs) {
    cases += append_and_lose_power(3, 90, syncs);  // about 10 KiB each, and the disk writes pages of 4 KiB
    if (HasFatalFailure()) FAIL() << "syncs after the groups " << syncs;
  }
  RecordProperty("cases", std::to_string(cases));
}

/// A life of a log with all that happens in one: small files, syncs here and there, marks, trims.
void live(FileSystem& fs, Ledger& ledger, unsigned pattern, unsigned rounds = 9) {
  auto opened = open_log(fs, {.file_size_bytes = kSmallFile});
  ASSERT_TRUE(opened) << opened.error().to_string();
  CommitLog& log = **opened;
  for (unsigned round = 0; round < rounds; ++round) {
    const std::size_t count = 1 + (round + pattern) % 3;
    ledger.appended = log.last_sequence() + count;
    ASSERT_TRUE(append_next(log, count));
    if ((round * 5 + pattern) % 4 != 0) continue;
    ledger.acknowledged = log.sync().value();
    if (round % 3 == 0) {
      ASSERT_TRUE(log.mark_idle());
    }
    if (round % 2 == pattern % 2) {
      ledger.trimmed_below = std::max(ledger.trimmed_below, ledger.acknowledged);
      ASSERT_TRUE(log.trim_before(ledger.acknowledged));
    }
  }
}

TEST(FileLogPowerLoss, LeavesAPrefixAtEveryStepOfItsLife) {
  std::uint64_t cases = 0;
  std::uint64_t steps = 0;
  for (unsigned pattern = 0; pattern < 4; ++pattern) {
    const auto disk = new_disk();
    Ledger ledger;
    SteppedDisk stepped(*disk, [&] {
      ++steps;
      cases += for_every_power_loss(*disk, [&](MemoryDisk& after) { expect_sound(after, ledger); });
    });
    live(stepped, ledger, pattern);
    if (HasFatalFailure()) FAIL() << "pattern " << pattern << ", step " << steps;
    EXPECT_GT(ledger.trimmed_below, 1U);
  }
  RecordProperty("steps", std::to_string(steps));
  RecordProperty("cases", std::to_string(cases));
}

TEST(FileLogPowerLoss, ASecondOneDuringRecoveryLosesNothingMore) {
  std::uint64_t cases = 0;
  for (unsigned pattern = 0; pattern < 4; ++pattern) {
    const auto disk = new_disk();
    Ledger ledger;
    live(*disk, ledger, pattern);
    ASSERT_FALSE(disk->pending().empty());
    for_every_power_loss(*disk, [&](MemoryDisk& found) {
      SteppedDisk stepped(found, [&] {
        cases += for_every_power_loss(found, [&](MemoryDisk& after) { expect_sound(after, ledger); });
      });
      ASSERT_TRUE(open_log(stepped, {.file_size_bytes = kSmallFile}));
    });
    if (HasFatalFailure()) FAIL() << "pattern " << pattern;
  }
  RecordProperty("cases", std::to_string(cases));
}

TEST(FileLogPowerLoss, AfterAKillLosesNothingThatTheNextProcessSynced) {
  std::uint64_t cases = 0;
  for (unsigned pattern = 0; pattern < 8; ++pattern) {
    for (unsigned rounds = 1; rounds <= 9; ++rounds) {
      const auto disk = new_disk();
      Ledger ledger;
      live(*disk, ledger, pattern, rounds);  // and is killed: what it did not sync is still in the cache
      SteppedDisk stepped(*disk, [&] {
        cases += for_every_power_loss(*disk, [&](MemoryDisk& after) { expect_sound(after, ledger); });
      });
      auto opened = open_log(stepped, {.file_size_bytes = kSmallFile});
      ASSERT_TRUE(opened) << opened.error().to_string();
      CommitLog& log = **opened;
      EXPECT_EQ(log.last_sequence(), ledger.appended) << "a kill loses nothing that was appended";
      ledger.acknowledged = log.last_sequence();  // readers of the new process see all of it
      for (int i = 0; i < 2; ++i) {
        ledger.appended = log.last_sequence() + 1;
        ASSERT_TRUE(append_next(log, 1));
        ledger.acknowledged = log.sync().value();
      }
      if (HasFatalFailure()) FAIL() << "pattern " << pattern << ", killed after " << rounds << " rounds";
    }
  }
  RecordProperty("cases", std::to_string(cases));
}

TEST(FileLogPowerLoss, DoesNotBringBackARefusedGroup) {
  for (const char* point : {"log.append.before_write", "log.append.after_write", "log.rotate.after_create"}) {
    const auto disk = new_disk();
    Ledger ledger;
    auto log = open_log(*disk, {.file_size_bytes = kSmallFile}).value();
    while (log->size_bytes() < kSmallFile - 150) ASSERT_TRUE(append_next(*log));
    ledger.appended = log->last_sequence();
    ledger.acknowledged = log->sync().value();
    arm_fault(point, 1, FaultAction::kFail);
    const std::string refused(200, 'R');
    const LogEntry entry{.record = refused, .vectors = {}};
    ASSERT_FALSE(log->append({&entry, 1})) << point;
    disarm_faults();
    for_every_power_loss(*disk, [&](MemoryDisk& after) { expect_sound(after, ledger); });
    ASSERT_TRUE(append_next(*log));
    ledger.appended = log->last_sequence();
    for_every_power_loss(*disk, [&](MemoryDisk& after) { expect_sound(after, ledger); });
    if (HasFatalFailure()) FAIL() << point;
  }
}

TEST(FileLogPowerLoss, AfterAFailedSyncKeepsWhatWasAcknowledged) {
  for (int nth = 4; nth < 25; ++nth) {
    const auto disk = new_disk();
    disk->fail_sync(nth);
    Ledger ledger;
    auto log = open_log(*disk, {.file_size_bytes = kSmallFile}).value();
    while (!log->poisoned()) {
      ledger.appended = log->last_sequence() + 1;
      if (!append_next(*log)) continue;
      if (const auto synced = log->sync()) ledger.acknowledged = *synced;
    }
    for_every_power_loss(*disk, [&](MemoryDisk& after) { expect_sound(after, ledger); });
    if (HasFatalFailure()) FAIL() << "sync " << nth;
  }
}

}  // namespace
}  // namespace sextant
