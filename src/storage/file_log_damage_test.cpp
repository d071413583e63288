// The commit log against damaged, torn, missing and foreign bytes.
#include <gtest/gtest.h>

#include "storage/log_format.h"
#include "storage/log_test_support.h"

namespace sextant {
namespace {

using namespace log_test;

/// The same disk again, everything durable.
std::unique_ptr<MemoryDisk> copy_of(const MemoryDisk& disk) {
  return disk.power_loss([](std::size_t) { return PendingFate::kKept; });
}

std::uint64_t file_size(MemoryDisk& disk, std::uint64_t number) {
  return disk.open(file_path(number), OpenMode::kRead).value()->size().value();
}

std::string place(std::uint64_t number, std::uint64_t offset) {
  return file_path(number) + ":" + std::to_string(offset);
}

/// Five groups, synced; then what the test adds. `starts` receives where each begins.
struct Written {
  std::unique_ptr<MemoryDisk> disk = new_disk();
  std::unique_ptr<CommitLog> log = open_log(*disk).value();
  std::vector<std::uint64_t> starts;

  Written() {
    for (std::size_t i = 0; i < 5; ++i) append(1 + i % 2);
    EXPECT_TRUE(log->sync());
  }
  void append(std::size_t count) {
    starts.push_back(log->size_bytes());
    EXPECT_TRUE(append_next(*log, count));
  }
  std::uint64_t group_at(std::uint64_t offset) const {
    std::uint64_t start = 0;
    for (const std::uint64_t candidate : starts) {
      if (candidate <= offset) start = candidate;
    }
    return start;
  }
};

TEST(FileLogDamage, IsRefusedByNameWhereALaterGroupSaysThatItWasDurable) {
  Written written;
  written.append(2);
  const std::uint64_t covered = written.starts.back();
  const Sequence before_last = written.log->last_sequence() - 2;
  for (std::uint64_t offset = 0; offset < written.log->size_bytes(); ++offset) {
    const auto disk = copy_of(*written.disk);
    ASSERT_TRUE(disk->corrupt(file_path(1), offset, 0x10));
    FileLogRecovery recovery;
    const auto opened = open_log(*disk, {}, &recovery);
    if (offset < covered) {
      ASSERT_FALSE(opened) << "flipped at " << offset;
      EXPECT_EQ(opened.error().code, ErrorCode::kDamaged);
      EXPECT_NE(opened.error().message.find(place(1, written.group_at(offset))), std::string::npos)
          << offset << ": " << opened.error().message;
    } else {
      ASSERT_TRUE(opened) << opened.error().to_string();
      EXPECT_EQ(recovery.last_sequence, before_last);
      EXPECT_EQ(recovery.cut_at, place(1, covered));
      EXPECT_EQ(recovery.bytes_cut, written.log->size_bytes() - covered);
      EXPECT_EQ(read_all(**opened).value(), Content::through(before_last));
    }
  }
}

TEST(FileLogDamage, OfTheLastGroupIsRefusedOnceAMarkOrAppliedStateCoversIt) {
  Written written;
  const std::uint64_t last_group = written.starts.back();
  const std::uint64_t end = written.log->size_bytes();
  const Sequence last = written.log->last_sequence();
  const auto unmarked = copy_of(*written.disk);
  ASSERT_TRUE(written.log->mark_idle());
  for (std::uint64_t offset = last_group; offset < end; ++offset) {
    const auto marked = copy_of(*written.disk);
    ASSERT_TRUE(marked->corrupt(file_path(1), offset, 1));
    EXPECT_EQ(open_log(*marked).error().code, ErrorCode::kDamaged) << offset;

    const auto applied = copy_of(*unmarked);
    ASSERT_TRUE(applied->corrupt(file_path(1), offset, 1));
    EXPECT_EQ(open_log(*applied, {.applied_through = last}).error().code, ErrorCode::kDamaged) << offset;
    ASSERT_EQ(file_size(*applied, 1), end) << "a log that is refused is left as it is";
    EXPECT_EQ(open_log(*applied)->get()->last_sequence(), last - 1) << offset;
  }
  // The mark itself holds nothing that could be lost.
  for (std::uint64_t offset = end; offset < end + kGroupHeaderBytes; ++offset) {
    const auto disk = copy_of(*written.disk);
    ASSERT_TRUE(disk->corrupt(file_path(1), offset, 1));
    EXPECT_EQ(open_log(*disk, {.applied_through = last})->get()->last_sequence(), last) << offset;
  }
}

TEST(FileLogDamage, AGroupThatDoesNotFollowTheOneBeforeIsNotTaken) {
  Written written;
  const std::string bytes = read_file(*written.disk, file_path(1)).value();
  const auto from = [&](std::size_t group) { return bytes.substr(written.starts[group]); };
  const auto through = [&](std::size_t group) { return bytes.substr(0, written.starts[group]); };
  const auto open_with = [&](const std::string& content) {
    const auto disk = copy_of(*written.disk);
    const auto file = disk->open(file_path(1), OpenMode::kReadWrite).value();
    EXPECT_TRUE(file->truncate(0));
    EXPECT_TRUE(file->write_at(0, content));
    auto log = open_log(*disk);
    EXPECT_TRUE(log);
    const Sequence last = (*log)->last_sequence();
    EXPECT_EQ(read_all(**log).value(), Content::through(last));
    return last;
  };
  // Every group is intact: only its place is wrong. None was written after the sync, so nothing says that it
  // was durable.
  EXPECT_EQ(open_with(bytes), 7U);
  EXPECT_EQ(open_with(through(2) + from(3)), 3U) << "the third is missing";
  EXPECT_EQ(open_with(through(3) + from(2)), 4U) << "the third comes twice";
}

TEST(FileLogDamage, IsMetByReadersToo) {
  Written written;
  ASSERT_TRUE(written.disk->corrupt(file_path(1), written.starts[2] + kGroupHeaderBytes + 20, 4));
  Sequence seen = 0;
  const auto status = written.log->read_from(1, [&](const LogGroup& group) -> Status {
    seen = group.first_sequence + group.entries.size() - 1;
    return {};
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kDamaged);
  EXPECT_NE(status.error().message.find(place(1, written.starts[2])), std::string::npos)
      << status.error().message;
  EXPECT_EQ(seen, 3U);
}

TEST(FileLogTail, TornAtEveryByteIsCut) {
  Written written;
  written.append(3);
  const std::uint64_t start = written.starts.back();
  const std::uint64_t end = written.log->size_bytes();
  const Sequence before = written.log->last_sequence() - 3;
  for (std::uint64_t torn = start; torn < end; ++torn) {
    for (const bool keeps_size : {false, true}) {
      const auto disk = copy_of(*written.disk);
      {
        const auto file = disk->open(file_path(1), OpenMode::kReadWrite).value();
        ASSERT_TRUE(file->truncate(torn));
        if (keeps_size) {
          ASSERT_TRUE(file->truncate(end));
        }
      }
      std::string bytes = read_file(*disk, file_path(1)).value();
      if (keeps_size && bytes == read_file(*written.disk, file_path(1)).value())
        continue;  // only padding was torn off
      FileLogRecovery recovery;
      auto log = open_log(*disk, {}, &recovery).value();
      EXPECT_EQ(recovery.last_sequence, before) << torn;
      EXPECT_EQ(recovery.bytes_cut, bytes.size() - start);
      EXPECT_EQ(recovery.cut_at, torn == start && !keeps_size ? "" : place(1, start));
      EXPECT_EQ(file_size(*disk, 1), start);
      EXPECT_EQ(append_next(*log).value(), before + 1);
      EXPECT_EQ(read_all(*log).value(), Content::through(before + 1));
    }
  }
}

TEST(FileLogTail, OfZerosIsCut) {
  for (const std::uint64_t zeros : {1U, 63U, 64U, 65U, 4096U, 1U << 20U}) {
    Written written;
    const std::uint64_t end = written.log->size_bytes();
    const auto disk = copy_of(*written.disk);
    ASSERT_TRUE(disk->open(file_path(1), OpenMode::kReadWrite).value()->truncate(end + zeros));
    FileLogRecovery recovery;
    const auto log = open_log(*disk, {}, &recovery).value();
    EXPECT_EQ(recovery.bytes_cut, zeros);
    EXPECT_EQ(recovery.cut_at, place(1, end));
    EXPECT_EQ(log->last_sequence(), written.log->last_sequence());
  }
}

TEST(FileLogTail, DoesNotTakeTheBytesOfAnotherFileForItsOwn) {
  Written written;
  const std::string bytes = read_file(*written.disk, file_path(1)).value();
  Written other;
  // The groups of the first log, exact in every byte, in a file with another salt.
  const auto disk = copy_of(*other.disk);
  {
    const auto file = disk->open(file_path(1), OpenMode::kReadWrite).value();
    ASSERT_TRUE(file->write_at(kLogFileHeaderBytes, bytes.substr(kLogFileHeaderBytes)));
  }
  EXPECT_EQ(open_log(*disk)->get()->last_sequence(), 0U);
}

// --- several files

constexpr std::uint64_t kSmallFile = 500;

struct ManyFiles {
  std::unique_ptr<MemoryDisk> disk = new_disk();
  std::unique_ptr<CommitLog> log = open_log(*disk, {.file_size_bytes = kSmallFile}).value();

  explicit ManyFiles(bool synced) {
    while (disk->list(kDirectory).value().size() < 4) {
      EXPECT_TRUE(append_next(*log));
      if (synced) {
        EXPECT_TRUE(log->sync());
      }
    }
  }
};

TEST(FileLogFiles, AMissingOneIsDamage) {
  for (const bool synced : {false, true}) {
    ManyFiles many(synced);
    for (const std::uint64_t missing : {1U, 2U, 3U}) {
      const auto disk = copy_of(*many.disk);
      ASSERT_TRUE(disk->remove(file_path(missing)));
      const auto opened = open_log(*disk);
      ASSERT_FALSE(opened);
      EXPECT_EQ(opened.error().code, ErrorCode::kDamaged);
    }
    const auto disk = copy_of(*many.disk);
    ASSERT_TRUE(disk->remove(file_path(4)));
    EXPECT_EQ(open_log(*disk, {.applied_through = many.log->last_sequence()}).error().code,
              ErrorCode::kDamaged);
  }
}

TEST(FileLogFiles, DamageInAnEarlierOneIsFoundThroughALaterOne) {
  ManyFiles many(true);
  for (const std::uint64_t number : {1U, 2U, 3U}) {
    for (std::uint64_t offset = 0; offset < file_size(*many.disk, number); offset += 7) {
      const auto disk = copy_of(*many.disk);
      ASSERT_TRUE(disk->corrupt(file_path(number), offset, 0x80));
      const auto opened = open_log(*disk);
      ASSERT_FALSE(opened) << place(number, offset);
      EXPECT_EQ(opened.error().code, ErrorCode::kDamaged);
      EXPECT_NE(opened.error().message.find(file_path(number)), std::string::npos) << opened.error().message;
    }
  }
}

TEST(FileLogFiles, AnUnsyncedTailOverSeveralIsCutWhole) {
  ManyFiles many(false);
  const auto disk = copy_of(*many.disk);
  // The first group of the second file never reached the disk.
  ASSERT_TRUE(disk->corrupt(file_path(2), kLogFileHeaderBytes + 3, 1));
  std::uint64_t bytes = 0;
  for (const std::uint64_t number : {2U, 3U, 4U}) bytes += file_size(*disk, number);
  FileLogRecovery recovery;
  const auto log = open_log(*disk, {.file_size_bytes = kSmallFile}, &recovery).value();
  EXPECT_EQ(recovery.cut_at, place(2, kLogFileHeaderBytes));
  EXPECT_EQ(recovery.bytes_cut, bytes - kLogFileHeaderBytes);
  EXPECT_EQ(disk->list(kDirectory).value().size(), 2U);
  EXPECT_EQ(read_all(*log).value(), Content::through(recovery.last_sequence));
  EXPECT_GT(recovery.last_sequence, 0U);
  while (log->last_sequence() < 30) ASSERT_TRUE(append_next(*log));
  EXPECT_EQ(read_all(*log).value(), Content::through(30));
}

TEST(FileLogFiles, ABrokenHeaderWithoutGroupsIsAnUnfinishedFile) {
  ManyFiles many(true);
  const Sequence last = many.log->last_sequence();
  for (const std::size_t size : {0U, 1U, 63U, 64U}) {
    const auto disk = copy_of(*many.disk);
    {
      const auto file = disk->open(file_path(5), OpenMode::kCreate).value();
      ASSERT_TRUE(file->write_at(0, std::string(size, 'g')));
    }
    FileLogRecovery recovery;
    const auto log = open_log(*disk, {.applied_through = last}, &recovery).value();
    EXPECT_EQ(log->last_sequence(), last);
    EXPECT_EQ(recovery.cut_at, place(5, 0));
    EXPECT_EQ(disk->list(kDirectory).value().size(), 4U);
  }
}

// --- trimming

TEST(FileLogTrim, ForgetsWholeFilesAndSaysWhereItBegins) {
  ManyFiles many(true);
  CommitLog& log = *many.log;
  const std::uint64_t size = log.size_bytes();
  ASSERT_TRUE(log.trim_before(1));
  EXPECT_EQ(log.first_sequence(), 1U);
  EXPECT_FALSE(many.disk->exists(kDirectory + "/TRIM").value()) << "nothing to forget, nothing to note";
  const Sequence middle = log.last_sequence() / 2;
  ASSERT_TRUE(log.trim_before(middle));
  const Sequence first = log.first_sequence();
  EXPECT_GT(first, 1U);
  EXPECT_LE(first, middle);
  EXPECT_LT(log.size_bytes(), size);
  EXPECT_EQ(log.read_from(first - 1, [](const LogGroup&) -> Status { return {}; }).error().code,
            ErrorCode::kInvalidArgument);
  const auto kept = read_all(log, first).value();
  EXPECT_EQ(kept.records.front(), record_of(first));
  EXPECT_EQ(kept.records.size(), log.last_sequence() - first + 1);

  const auto disk = copy_of(*many.disk);
  const auto reopened = open_log(*disk, {.file_size_bytes = kSmallFile}).value();
  EXPECT_EQ(reopened->first_sequence(), first);
  EXPECT_EQ(read_all(*reopened, first).value(), kept);
  // The file that is written to stays, whatever is asked.
  ASSERT_TRUE(reopened->trim_before(1'000'000));
  EXPECT_EQ(disk->list(kDirectory).value().size(), 2U);
  EXPECT_GE(reopened->last_sequence(), reopened->first_sequence());
}

TEST(FileLogTrim, KeepsWhatIsNotDurable) {
  ManyFiles many(false);
  ASSERT_TRUE(many.log->trim_before(many.log->last_sequence()));
  EXPECT_EQ(many.log->first_sequence(), 1U);
  ASSERT_TRUE(many.log->sync());
  ASSERT_TRUE(many.log->trim_before(many.log->last_sequence()));
  EXPECT_GT(many.log->first_sequence(), 1U);
}

TEST(FileLogTrim, TheTrimPointCannotBeLostOrDamaged) {
  ManyFiles many(true);
  ASSERT_TRUE(many.log->trim_before(many.log->last_sequence()));
  const std::string path = kDirectory + "/TRIM";
  for (std::uint64_t offset = 0; offset < read_file(*many.disk, path)->size(); ++offset) {
    const auto disk = copy_of(*many.disk);
    ASSERT_TRUE(disk->corrupt(path, offset, 2));
    const auto opened = open_log(*disk);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kDamaged);
    EXPECT_NE(opened.error().message.find(path), std::string::npos);
  }
  const auto disk = copy_of(*many.disk);
  ASSERT_TRUE(disk->remove(path));
  EXPECT_EQ(open_log(*disk).error().code, ErrorCode::kDamaged);
  const auto emptied = copy_of(*many.disk);
  const auto names = emptied->list(kDirectory).value();
  for (const std::string& name : names) {
    if (name == "TRIM") continue;
    ASSERT_TRUE(emptied->remove(join_path(kDirectory, name)));
  }
  EXPECT_EQ(open_log(*emptied).error().code, ErrorCode::kDamaged);
}

// --- anything at all

TEST(FileLogDamage, NeverGivesBackWhatWasNotAppended) {
  SeededRandom random(20240229);
  for (int round = 0; round < 3000; ++round) {
    ManyFiles many(random.below(2) == 0);
    const auto disk = copy_of(*many.disk);
    const std::uint64_t number = 1 + random.below(4);
    for (std::uint64_t flips = 1 + random.below(4); flips > 0; --flips) {
      const std::uint64_t offset = random.below(file_size(*disk, number));
      const auto file = disk->open(file_path(number), OpenMode::kReadWrite).value();
      if (random.below(8) == 0) {
        ASSERT_TRUE(file->truncate(offset + 1));
      } else {
        std::string garbage(1 + random.below(80), '\0');
        for (char& byte : garbage) byte = static_cast<char>(random.next());
        ASSERT_TRUE(file->write_at(offset, garbage));
      }
    }
    const auto opened = open_log(*disk);
    if (!opened) {
      EXPECT_EQ(opened.error().code, ErrorCode::kDamaged);
      continue;
    }
    EXPECT_EQ(read_all(**opened).value(), Content::through((*opened)->last_sequence()));
  }
}

}  // namespace
}  // namespace sextant
