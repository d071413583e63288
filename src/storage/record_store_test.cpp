#include "storage/record_store.h"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/fault_point.h"

namespace sextant {
namespace {

class RecordStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "sextant_records_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    disarm_faults();
    std::filesystem::remove_all(directory_);
  }

  std::unique_ptr<RecordStore> open(RecordStoreOptions options = {}) {
    auto store = RecordStore::open(directory_, std::move(options));
    EXPECT_TRUE(store) << store.error().to_string();
    return std::move(store).value();
  }

  std::string directory_;
};

RecordBatch batch_of(Family family, std::string_view key, std::string_view value) {
  RecordBatch batch;
  batch.put(family, key, value);
  return batch;
}

std::optional<std::string> get(const RecordStore& store, Family family, std::string_view key) {
  auto value = store.snapshot()->get(family, key);
  EXPECT_TRUE(value) << value.error().to_string();
  return value.value();
}

std::vector<std::string> keys_of(const RecordSnapshot& snapshot, Family family, std::string_view lower,
                                 std::string_view upper) {
  std::vector<std::string> keys;
  const auto cursor = snapshot.scan(family, lower, upper);
  for (; cursor->valid(); cursor->next()) keys.emplace_back(cursor->key());
  EXPECT_TRUE(cursor->status());
  return keys;
}

TEST_F(RecordStoreTest, WritesABatchToAllFamiliesTogether) {
  const auto store = open();
  RecordBatch batch;
  EXPECT_EQ(batch.size_bytes(), 0U);
  for (const Family family : {Family::kMeta, Family::kIds, Family::kPayload, Family::kPacked}) {
    batch.put(family, "key", std::to_string(static_cast<int>(family)));
  }
  EXPECT_GT(batch.size_bytes(), 16U);
  ASSERT_TRUE(store->write(std::move(batch), 3));
  EXPECT_EQ(store->applied_through(), 3U);
  for (const Family family : {Family::kMeta, Family::kIds, Family::kPayload, Family::kPacked}) {
    EXPECT_EQ(get(*store, family, "key"), std::to_string(static_cast<int>(family)));
    EXPECT_EQ(get(*store, family, "other"), std::nullopt);
  }
}

TEST_F(RecordStoreTest, AppliesTheChangesOfABatchInOrder) {
  const auto store = open();
  RecordBatch batch;
  batch.put(Family::kIds, "a", "1");
  batch.put(Family::kIds, "b", "1");
  batch.put(Family::kIds, "c", "1");
  batch.erase_range(Family::kIds, "a", "c");
  batch.put(Family::kIds, "b", std::string("2\0x", 3));
  batch.erase(Family::kIds, "c");
  batch.put(Family::kIds, "", "empty key");
  RecordBatch moved = std::move(batch);
  ASSERT_TRUE(store->write(std::move(moved), 1));
  EXPECT_EQ(keys_of(*store->snapshot(), Family::kIds, "", ""), (std::vector<std::string>{"", "b"}));
  EXPECT_EQ(get(*store, Family::kIds, "b"), std::string("2\0x", 3));
}

TEST_F(RecordStoreTest, SnapshotsDoNotSeeLaterWrites) {
  const auto store = open();
  ASSERT_TRUE(store->write(batch_of(Family::kPayload, "k", "old"), 1));
  const auto before = store->snapshot();
  RecordBatch batch;
  batch.put(Family::kPayload, "k", "new");
  batch.put(Family::kPayload, "l", "new");
  ASSERT_TRUE(store->write(std::move(batch), 2));
  ASSERT_TRUE(store->flush());
  EXPECT_EQ(before->get(Family::kPayload, "k").value(), "old");
  EXPECT_EQ(before->get(Family::kMeta, kAppliedThroughKey).value(), std::string("\1\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(keys_of(*before, Family::kPayload, "", ""), std::vector<std::string>{"k"});
  EXPECT_EQ(keys_of(*store->snapshot(), Family::kPayload, "", ""), (std::vector<std::string>{"k", "l"}));
}

TEST_F(RecordStoreTest, SnapshotsAndCursorsMayOutliveTheStoreObject) {
  auto store = open();
  ASSERT_TRUE(store->write(batch_of(Family::kPayload, "k", "v"), 1));
  auto snapshot = store->snapshot();
  const auto cursor = snapshot->scan(Family::kPayload, "", "");
  store.reset();
  EXPECT_EQ(snapshot->get(Family::kPayload, "k").value(), "v");
  snapshot.reset();
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->value(), "v");
}

TEST_F(RecordStoreTest, CursorsStayWithinTheirBounds) {
  const auto store = open();
  RecordBatch batch;
  for (const char* key : {"a", "b1", "b2", "b\xff", "c", "\xff\xff"}) batch.put(Family::kIds, key, key);
  ASSERT_TRUE(store->write(std::move(batch), 1));
  const auto snapshot = store->snapshot();
  EXPECT_EQ(keys_of(*snapshot, Family::kIds, "b", prefix_end("b")),
            (std::vector<std::string>{"b1", "b2", "b\xff"}));
  EXPECT_EQ(keys_of(*snapshot, Family::kIds, "b2", ""),
            (std::vector<std::string>{"b2", "b\xff", "c", "\xff\xff"}));
  EXPECT_EQ(keys_of(*snapshot, Family::kIds, "d", "e"), std::vector<std::string>{});
  EXPECT_EQ(keys_of(*snapshot, Family::kIds, "\xff", prefix_end("\xff")),
            std::vector<std::string>{"\xff\xff"});
  EXPECT_EQ(keys_of(*snapshot, Family::kPayload, "", ""), std::vector<std::string>{});
}

TEST(PrefixEnd, IsTheFirstKeyAfterAllWithThePrefix) {
  EXPECT_EQ(prefix_end("ab"), "ac");
  EXPECT_EQ(prefix_end("a\xff"), "b");
  EXPECT_EQ(prefix_end("a\x7f"), "a\x80");
  EXPECT_EQ(prefix_end("\xff\xff"), "");
  EXPECT_EQ(prefix_end(""), "");
}

TEST_F(RecordStoreTest, MultiGetAnswersInTheOrderOfTheKeys) {
  const auto store = open();
  RecordBatch batch;
  for (int i = 0; i < 100; i += 2) batch.put(Family::kPayload, std::to_string(i), "v" + std::to_string(i));
  ASSERT_TRUE(store->write(std::move(batch), 1));
  ASSERT_TRUE(store->flush());
  const std::vector<std::string> keys = {"98", "7", "2", "2", "54", "1", "0"};
  const auto found = store->snapshot()->multi_get(Family::kPayload, keys).value();
  const std::vector<std::optional<std::string>> expected = {"v98", std::nullopt, "v2", "v2",
                                                            "v54", std::nullopt, "v0"};
  EXPECT_EQ(found, expected);
  EXPECT_TRUE(store->snapshot()->multi_get(Family::kPayload, {}).value().empty());
}

TEST_F(RecordStoreTest, RefusesToGoBack) {
  const auto store = open();
  ASSERT_TRUE(store->write({}, 5));
  ASSERT_TRUE(store->write({}, 5));
  EXPECT_EQ(store->write(batch_of(Family::kIds, "k", "v"), 4).error().code, ErrorCode::kInternal);
  EXPECT_EQ(store->applied_through(), 5U);
  EXPECT_EQ(get(*store, Family::kIds, "k"), std::nullopt);
}

// --- durability

constexpr const char* kChildDirectory = "SEXTANT_TEST_CHILD_DIRECTORY";

// Run by the next test in a process of its own, which ends as a killed one does: nothing is closed.
TEST(RecordStoreChild, DISABLED_WritesAndIsKilled) {
  const auto store = RecordStore::open(std::getenv(kChildDirectory), {}).value();
  ASSERT_TRUE(store->write(batch_of(Family::kIds, "a", "flushed"), 7));
  ASSERT_TRUE(store->flush());
  EXPECT_EQ(store->flushed_through().value(), 7U);
  ASSERT_TRUE(store->write(batch_of(Family::kPayload, "b", "not flushed"), 9));
  EXPECT_EQ(store->flushed_through().value(), 7U);
  EXPECT_EQ(store->applied_through(), 9U);
  ::_exit(HasFailure() ? 1 : 0);
}

TEST_F(RecordStoreTest, StandsAtItsLastFlushAfterAKill) {
  ::setenv(kChildDirectory, directory_.c_str(), 1);
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const char* arguments[] = {self.c_str(), "--gtest_filter=RecordStoreChild.*",
                             "--gtest_also_run_disabled_tests", nullptr};
  pid_t child = 0;
  ASSERT_EQ(::posix_spawn(&child, self.c_str(), nullptr, nullptr, const_cast<char**>(arguments), environ), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 0);

  const auto store = open();
  EXPECT_EQ(store->applied_through(), 7U);
  EXPECT_EQ(store->flushed_through().value(), 7U);
  EXPECT_EQ(get(*store, Family::kIds, "a"), "flushed");
  EXPECT_EQ(get(*store, Family::kPayload, "b"), std::nullopt);
}

TEST_F(RecordStoreTest, ClosingFlushesNothing) {
  {
    const auto store = open();
    ASSERT_TRUE(store->write(batch_of(Family::kIds, "a", "1"), 1));
  }
  const auto store = open();
  EXPECT_EQ(store->applied_through(), 0U);
  EXPECT_EQ(get(*store, Family::kIds, "a"), std::nullopt);
}

TEST_F(RecordStoreTest, AsksBeforeAnythingBecomesDurable) {
  std::atomic<Sequence> asked{0};
  std::atomic<bool> files_existed{false};
  const auto store = open({.before_flush = [&](Sequence applied_through) -> Status {
    asked = applied_through;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      if (entry.path().extension() == ".sst") files_existed = true;
    }
    return {};
  }});
  ASSERT_TRUE(store->write(batch_of(Family::kIds, "a", "1"), 4));
  EXPECT_EQ(asked, 0U);
  ASSERT_TRUE(store->flush());
  EXPECT_EQ(asked, 4U);
  EXPECT_FALSE(files_existed);
}

TEST_F(RecordStoreTest, AsksAlsoBeforeAFlushOfItsOwn) {
  std::atomic<Sequence> asked{0};
  const auto store =
      open({.write_buffer_bytes = 256U << 10U, .before_flush = [&](Sequence applied_through) -> Status {
              if (applied_through > asked) asked = applied_through;
              return {};
            }});
  const std::string value(10'000, 'x');
  Sequence sequence = 0;
  while (store->flushed_through().value() == 0) {
    ++sequence;
    ASSERT_TRUE(store->write(batch_of(Family::kPayload, std::to_string(sequence), value), sequence));
    ASSERT_LT(sequence, 100'000U) << "no flush in a gigabyte";
  }
  EXPECT_GE(asked, store->flushed_through().value());
}

TEST_F(RecordStoreTest, AFlushOfItsOwnTakesAllFamiliesTogether) {
  {
    const auto store = open({.write_buffer_bytes = 256U << 10U});
    const std::string large(10'000, 'x');
    for (Sequence sequence = 1; store->flushed_through().value() == 0; ++sequence) {
      ASSERT_LT(sequence, 100'000U) << "no flush in a gigabyte";
      // One family grows much faster than the others.
      RecordBatch batch;
      batch.put(Family::kIds, "last", std::to_string(sequence));
      batch.put(Family::kPayload, "last", std::to_string(sequence) + large);
      ASSERT_TRUE(store->write(std::move(batch), sequence));
    }
  }
  const auto store = open();
  const std::string expected = std::to_string(store->applied_through());
  EXPECT_NE(expected, "0");
  EXPECT_EQ(get(*store, Family::kIds, "last"), expected);
  EXPECT_EQ(get(*store, Family::kPayload, "last").value().substr(0, expected.size() + 1), expected + "x");
}

TEST_F(RecordStoreTest, NothingBecomesDurableAfterBeforeFlushRefused) {
  {
    std::atomic<bool> refuse{false};
    const auto store = open({.before_flush = [&](Sequence) -> Status {
      if (refuse) return fail(ErrorCode::kStorePoisoned, "the log is poisoned");
      return {};
    }});
    ASSERT_TRUE(store->write(batch_of(Family::kIds, "a", "1"), 1));
    ASSERT_TRUE(store->flush());
    refuse = true;
    ASSERT_TRUE(store->write(batch_of(Family::kIds, "a", "2"), 2));
    EXPECT_EQ(store->flush().error().code, ErrorCode::kStorePoisoned);
    refuse = false;
    EXPECT_EQ(store->flush().error().code, ErrorCode::kStorePoisoned) << "a refusal is for good";
    EXPECT_EQ(store->write({}, 3).error().code, ErrorCode::kStorePoisoned);
    EXPECT_EQ(store->flushed_through().value(), 1U);
    EXPECT_EQ(get(*store, Family::kIds, "a"), "2") << "reading goes on";
  }
  const auto store = open();
  EXPECT_EQ(store->applied_through(), 1U);
  EXPECT_EQ(get(*store, Family::kIds, "a"), "1");
}

TEST_F(RecordStoreTest, FaultPointsFailTheirOperation) {
  const auto store = open();
  arm_fault("records.write.before", 1, FaultAction::kFail);
  EXPECT_EQ(store->write(batch_of(Family::kIds, "a", "1"), 1).error().code, ErrorCode::kIo);
  EXPECT_EQ(store->applied_through(), 0U);
  arm_fault("records.write.after", 1, FaultAction::kFail);
  EXPECT_EQ(store->write(batch_of(Family::kIds, "a", "1"), 1).error().code, ErrorCode::kIo);
  EXPECT_EQ(store->applied_through(), 1U);
  arm_fault("records.flush.before", 1, FaultAction::kFail);
  EXPECT_EQ(store->flush().error().code, ErrorCode::kIo);
  EXPECT_EQ(store->flushed_through().value(), 0U);
  EXPECT_TRUE(store->flush());
  EXPECT_EQ(store->flushed_through().value(), 1U);
}

TEST_F(RecordStoreTest, OpensForReadingOnly) {
  {
    const auto store = open();
    ASSERT_TRUE(store->write(batch_of(Family::kIds, "a", "1"), 2));
    ASSERT_TRUE(store->flush());
  }
  const auto store = open({.read_only = true});
  EXPECT_EQ(store->applied_through(), 2U);
  EXPECT_EQ(get(*store, Family::kIds, "a"), "1");
  EXPECT_EQ(store->write({}, 3).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store->flush().error().code, ErrorCode::kInvalidArgument);
}

TEST_F(RecordStoreTest, RefusesDamagedFilesByName) {
  {
    const auto store = open();
    RecordBatch batch;
    for (int i = 0; i < 2000; ++i) batch.put(Family::kPayload, std::to_string(i), std::string(50, 'p'));
    ASSERT_TRUE(store->write(std::move(batch), 1));
    ASSERT_TRUE(store->flush());
  }
  std::filesystem::path largest;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    if (entry.path().extension() != ".sst") continue;
    if (largest.empty() || entry.file_size() > std::filesystem::file_size(largest)) largest = entry.path();
  }
  ASSERT_FALSE(largest.empty());
  std::FILE* file = std::fopen(largest.c_str(), "r+b");
  ASSERT_NE(file, nullptr);
  std::fseek(file, 100, SEEK_SET);
  std::fputs("damage", file);
  std::fclose(file);
  const auto store = open();
  const auto cursor = store->snapshot()->scan(Family::kPayload, "", "");
  while (cursor->valid()) cursor->next();
  ASSERT_FALSE(cursor->status());
  EXPECT_EQ(cursor->status().error().code, ErrorCode::kDamaged);
}

TEST_F(RecordStoreTest, CountsItsMemoryAndFiles) {
  const auto store = open({.write_buffer_bytes = 8U << 20U, .block_cache_bytes = 32U << 20U});
  const std::uint64_t memory = store->memory_bytes();
  EXPECT_EQ(store->file_bytes(), 0U);
  RecordBatch batch;
  std::string value;
  for (std::uint64_t i = 0; i < 3'000'000; ++i) value.push_back(static_cast<char>(i * 7919 >> 5U));
  batch.put(Family::kPacked, "segment", value);
  ASSERT_TRUE(store->write(std::move(batch), 1));
  EXPECT_GT(store->memory_bytes(), memory + 2'500'000);
  ASSERT_TRUE(store->flush());
  EXPECT_GT(store->file_bytes(), 2'900'000U);
  EXPECT_EQ(get(*store, Family::kPacked, "segment"), value);
}

TEST_F(RecordStoreTest, ReadsFromManyThreadsWhileOneWrites) {
  const auto store = open({.write_buffer_bytes = 256U << 10U});
  std::atomic<bool> done{false};
  std::atomic<int> reads{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      for (; !done; ++reads) {
        // Both keys were written together, so a snapshot shows the same value.
        const auto snapshot = store->snapshot();
        EXPECT_EQ(snapshot->get(Family::kIds, "x").value(), snapshot->get(Family::kPayload, "y").value());
      }
    });
  }
  for (Sequence sequence = 1; sequence <= 300 || reads < 300; ++sequence) {
    const std::string value = std::to_string(sequence) + std::string(2000, 'v');
    RecordBatch batch;
    batch.put(Family::kIds, "x", value);
    batch.put(Family::kPayload, "y", value);
    ASSERT_TRUE(store->write(std::move(batch), sequence));
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace sextant
