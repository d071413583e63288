#include "base/memory_disk.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"

namespace sextant {
namespace {

constexpr auto kAllLost = [](std::size_t) { return PendingFate::kLost; };
constexpr auto kAllKept = [](std::size_t) { return PendingFate::kKept; };
constexpr auto kAllGarbled = [](std::size_t) { return PendingFate::kGarbled; };

std::unique_ptr<File> create(FileSystem& disk, const std::string& path, std::string_view content = {}) {
  auto file = disk.open(path, OpenMode::kCreate).value();
  EXPECT_TRUE(file->write_at(0, content));
  return file;
}

/// A file whose content and name are durable.
std::unique_ptr<File> create_durable(FileSystem& disk, const std::string& path, std::string_view content) {
  auto file = create(disk, path, content);
  EXPECT_TRUE(file->sync());
  EXPECT_TRUE(disk.sync_directory("/"));
  return file;
}

/// The content, or "-" for no such file.
std::string content(FileSystem& disk, const std::string& path) { return read_file(disk, path).value_or("-"); }

/// What `path` holds after power loss, over every way of losing and keeping the pending events.
std::set<std::string> outcomes(const MemoryDisk& disk, const std::string& path) {
  std::set<std::string> found;
  const std::size_t pending = disk.pending().size();
  for (std::size_t kept = 0; kept < std::size_t{1} << pending; ++kept) {
    const auto after = disk.power_loss(
        [&](std::size_t i) { return (kept >> i & 1U) != 0 ? PendingFate::kKept : PendingFate::kLost; });
    found.insert(content(*after, path));
  }
  return found;
}

using Outcomes = std::set<std::string>;

TEST(MemoryDisk, BehavesAsFilesDo) {
  MemoryDisk disk;
  const auto file = create(disk, "a", "hello");
  ASSERT_TRUE(file->write_at(7, "x"));
  EXPECT_EQ(file->size().value(), 8U);
  EXPECT_EQ(content(disk, "a"), std::string("hello\0\0x", 8));
  char out[4];
  EXPECT_EQ(file->read_at(6, out, 4).value(), 2U);
  EXPECT_EQ(file->read_at(9, out, 4).value(), 0U);
  ASSERT_TRUE(file->truncate(2));
  EXPECT_EQ(content(disk, "a"), "he");
  EXPECT_FALSE(disk.open("a", OpenMode::kCreate));
  EXPECT_FALSE(disk.open("b", OpenMode::kRead));
  EXPECT_FALSE(disk.open("a", OpenMode::kRead).value()->write_at(0, "x"));
  EXPECT_EQ(disk.open("b", OpenMode::kReadWrite).error().message, "open \"b\": no such file");
}

TEST(MemoryDisk, DirectoriesBehaveAsDirectoriesDo) {
  MemoryDisk disk;
  EXPECT_FALSE(disk.open("d/a", OpenMode::kCreate)) << "no directory yet";
  ASSERT_TRUE(disk.make_directory("/d"));
  ASSERT_TRUE(disk.make_directory("d")) << "an existing one is no error";
  create(disk, "d/b");
  create(disk, "d/a");
  EXPECT_EQ(disk.list("./d/").value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(disk.list("/").value(), (std::vector<std::string>{"d"}));
  EXPECT_TRUE(disk.exists("d/../d/a").value());
  EXPECT_FALSE(disk.make_directory("d/a")) << "a file is in the way";
  EXPECT_FALSE(disk.list("d/a"));
  EXPECT_FALSE(disk.open("d", OpenMode::kRead));
  EXPECT_FALSE(disk.remove("d")) << "not empty";
  EXPECT_FALSE(disk.rename("d/a", "d/a/b"));
  ASSERT_TRUE(disk.rename("d", "e"));
  EXPECT_EQ(disk.list("e").value(), (std::vector<std::string>{"a", "b"}));
  ASSERT_TRUE(disk.remove("e/a"));
  ASSERT_TRUE(disk.remove("e/b"));
  EXPECT_TRUE(disk.remove("e"));
  EXPECT_FALSE(disk.remove("e"));
  EXPECT_FALSE(disk.sync_directory("e"));
}

TEST(MemoryDisk, UnsyncedWritesAreAnySubsetOfWhatWasWritten) {
  MemoryDisk disk;
  const auto file = create_durable(disk, "a", "....");
  ASSERT_TRUE(file->write_at(0, "1"));
  ASSERT_TRUE(file->write_at(2, "22"));
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"....", "1...", "..22", "1.22"}));
  ASSERT_TRUE(file->truncate(1));
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"....", "1...", "..22", "1.22", ".", "1"}));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"1"}));
}

TEST(MemoryDisk, AWriteBehindALostOneLeavesAHoleOfZeros) {
  MemoryDisk disk;
  const auto file = create_durable(disk, "a", "");
  ASSERT_TRUE(file->write_at(0, "11"));
  ASSERT_TRUE(file->write_at(2, "22"));
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"", "11", std::string("\0\0", 2) + "22", "1122"}));
}

TEST(MemoryDisk, PendingEventsAreListedInOrder) {
  MemoryDisk disk;
  const auto file = create(disk, "a", "xy");
  ASSERT_TRUE(file->truncate(1));
  ASSERT_TRUE(disk.rename("a", "b"));
  ASSERT_TRUE(disk.remove("b"));
  std::vector<PendingKind> kinds;
  for (const PendingEvent& event : disk.pending()) kinds.push_back(event.kind);
  EXPECT_EQ(kinds,
            (std::vector<PendingKind>{PendingKind::kCreate, PendingKind::kWrite, PendingKind::kTruncate,
                                      PendingKind::kRename, PendingKind::kRemove}));
  EXPECT_EQ(disk.pending()[1].path, "a");
  EXPECT_EQ(disk.pending()[1].size, 2U);
}

TEST(MemoryDisk, AWriteIsOneEventAPage) {
  MemoryDisk disk;
  const auto file = create_durable(disk, "a", "");
  ASSERT_TRUE(file->write_at(4000, std::string(5000, 'x')));
  const std::vector<PendingEvent> pending = disk.pending();
  ASSERT_EQ(pending.size(), 3U);
  EXPECT_EQ(pending[0].offset, 4000U);
  EXPECT_EQ(pending[0].size, 96U);
  EXPECT_EQ(pending[1].offset, 4096U);
  EXPECT_EQ(pending[1].size, 4096U);
  EXPECT_EQ(pending[2].offset, 8192U);
  EXPECT_EQ(pending[2].size, 808U);
  EXPECT_EQ(content(disk, "a"), std::string(4000, '\0') + std::string(5000, 'x'));
}

TEST(MemoryDisk, AGarbledWriteKeepsItsPlaceAndSizeOnly) {
  MemoryDisk disk;
  const auto file = create_durable(disk, "a", "........");
  ASSERT_TRUE(file->write_at(2, "abcd"));
  const std::string garbled = content(*disk.power_loss(kAllGarbled), "a");
  EXPECT_EQ(garbled.substr(0, 2), "..");
  EXPECT_EQ(garbled.substr(6), "..");
  EXPECT_NE(garbled.substr(2, 4), "abcd");
  EXPECT_NE(garbled.substr(2, 4), "....");
  EXPECT_EQ(content(*disk.power_loss(kAllGarbled), "a"), garbled) << "the same each time";
}

TEST(MemoryDisk, SyncingAFileDoesNotMakeItsNameDurable) {
  MemoryDisk disk;
  ASSERT_TRUE(create(disk, "a", "x")->sync());
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"-", "x"}));
  ASSERT_TRUE(disk.sync_directory("/"));
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"x"}));
}

TEST(MemoryDisk, SyncingADirectoryDoesNotMakeContentDurable) {
  MemoryDisk disk;
  create(disk, "a", "x");
  ASSERT_TRUE(disk.sync_directory("."));
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"", "x"}));
}

TEST(MemoryDisk, AWriteIsLostWithTheCreationOfItsFile) {
  MemoryDisk disk;
  create(disk, "a", "x");
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"-", "", "x"}));
}

TEST(MemoryDisk, SyncMakesOnlyItsOwnFileAndDirectoryDurable) {
  MemoryDisk disk;
  ASSERT_TRUE(disk.make_directory("d"));
  ASSERT_TRUE(disk.sync_directory("/"));
  const auto a = create_durable(disk, "a", "1");
  const auto b = create(disk, "d/b", "1");
  ASSERT_TRUE(b->sync());
  ASSERT_TRUE(disk.sync_directory("/"));
  EXPECT_EQ(outcomes(disk, "d/b"), (Outcomes{"-", "1"})) << "another directory was synced";
  ASSERT_TRUE(disk.sync_directory("d"));
  ASSERT_TRUE(a->write_at(0, "2"));
  ASSERT_TRUE(b->sync());
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"1", "2"})) << "another file was synced";
  EXPECT_EQ(outcomes(disk, "d/b"), (Outcomes{"1"}));
}

TEST(MemoryDisk, WhatIsInALostDirectoryIsLost) {
  MemoryDisk disk;
  ASSERT_TRUE(disk.make_directory("d"));
  ASSERT_TRUE(create(disk, "d/a", "x")->sync());
  ASSERT_TRUE(disk.sync_directory("d"));
  EXPECT_EQ(outcomes(disk, "d/a"), (Outcomes{"-", "x"}));
  EXPECT_TRUE(disk.power_loss(kAllLost)->list("/").value().empty());
}

TEST(MemoryDisk, RenameReplacesWholeOrNotAtAll) {
  MemoryDisk disk;
  create_durable(disk, "a", "old");
  const auto file = create_durable(disk, "b", "new");
  ASSERT_TRUE(disk.rename("b", "a"));
  EXPECT_EQ(content(disk, "a"), "new");
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"old", "new"}));
  EXPECT_EQ(outcomes(disk, "b"), (Outcomes{"-", "new"}));
  ASSERT_TRUE(disk.sync_directory("/"));
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"new"}));
}

TEST(MemoryDisk, AMoveIsDurableOnceBothDirectoriesAreSynced) {
  MemoryDisk disk;
  ASSERT_TRUE(disk.make_directory("d"));
  create_durable(disk, "a", "x");
  ASSERT_TRUE(disk.rename("a", "d/a"));
  ASSERT_TRUE(disk.sync_directory("d"));
  EXPECT_EQ(outcomes(disk, "d/a"), (Outcomes{"-", "x"}));
  ASSERT_TRUE(disk.sync_directory("/"));
  EXPECT_EQ(outcomes(disk, "d/a"), (Outcomes{"x"}));
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"-"}));
}

TEST(MemoryDisk, AMoveIntoADirectoryThatIsLostIsLostWithIt) {
  MemoryDisk disk;
  create_durable(disk, "a", "x");
  ASSERT_TRUE(disk.make_directory("d"));
  ASSERT_TRUE(disk.rename("a", "d/a"));
  const auto without_directory =
      disk.power_loss([](std::size_t i) { return i == 0 ? PendingFate::kLost : PendingFate::kKept; });
  EXPECT_EQ(content(*without_directory, "a"), "x");
}

TEST(MemoryDisk, ARemovedFileMayComeBackUntilTheDirectoryIsSynced) {
  MemoryDisk disk;
  const auto file = create_durable(disk, "a", "x");
  ASSERT_TRUE(disk.remove("a"));
  EXPECT_EQ(content(disk, "a"), "-");
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"-", "x"}));
  ASSERT_TRUE(disk.sync_directory("/"));
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"-"}));
  char out = 0;
  EXPECT_EQ(file->read_at(0, &out, 1).value(), 1U) << "an open file outlives its name";
  EXPECT_EQ(out, 'x');
}

TEST(MemoryDisk, NothingIsPendingForAFileThatIsGoneForGood) {
  MemoryDisk disk;
  const auto file = create(disk, "a", "x");
  ASSERT_TRUE(disk.remove("a"));
  ASSERT_TRUE(disk.sync_directory("/"));
  EXPECT_TRUE(disk.pending().empty());
}

TEST(MemoryDisk, ARenameNeverTakesAnotherFileThatHadTheName) {
  MemoryDisk disk;
  create_durable(disk, "target", "old");
  create_durable(disk, "temporary", "left over");
  ASSERT_TRUE(disk.remove("temporary"));
  ASSERT_TRUE(create(disk, "temporary", "new")->sync());
  ASSERT_TRUE(disk.rename("temporary", "target"));
  EXPECT_EQ(outcomes(disk, "target"), (Outcomes{"old", "new"}));
}

TEST(MemoryDisk, ARemovalNeverTakesAnotherFileThatHadTheName) {
  MemoryDisk disk;
  create_durable(disk, "a", "first");
  ASSERT_TRUE(disk.remove("a"));
  ASSERT_TRUE(create(disk, "a", "second")->sync());
  ASSERT_TRUE(disk.remove("a"));
  const auto last_only =
      disk.power_loss([](std::size_t i) { return i == 2 ? PendingFate::kKept : PendingFate::kLost; });
  EXPECT_EQ(content(*last_only, "a"), "first");
}

TEST(MemoryDisk, WhatAFailedSyncLeftUnsureStaysSo) {
  MemoryDisk disk;
  const auto file = create_durable(disk, "a", "....");
  ASSERT_TRUE(file->write_at(0, "1"));
  disk.fail_sync(1);
  const Status failed = file->sync();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kIo);
  ASSERT_TRUE(file->write_at(1, "2"));
  ASSERT_TRUE(file->sync()) << "only the first was to fail";
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{".2..", "12.."}));
  ASSERT_TRUE(file->write_at(0, "3"));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"32.."})) << "a later durable write covers it";
}

TEST(MemoryDisk, AFailedDirectorySyncLeavesNamesUnsure) {
  MemoryDisk disk;
  ASSERT_TRUE(create(disk, "a", "x")->sync());
  disk.fail_sync(1);
  ASSERT_FALSE(disk.sync_directory("/"));
  ASSERT_TRUE(create(disk, "b", "y")->sync());
  ASSERT_TRUE(disk.sync_directory("/"));
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"-", "x"}));
  EXPECT_EQ(outcomes(disk, "b"), (Outcomes{"y"}));
}

TEST(MemoryDisk, TheNthSyncFailsCountingFilesAndDirectories) {
  MemoryDisk disk;
  const auto file = create(disk, "a", "x");
  disk.fail_sync(3);
  EXPECT_TRUE(file->sync());
  EXPECT_TRUE(disk.sync_directory("/"));
  EXPECT_FALSE(file->sync());
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(disk.sync_count(), 4U);
  disk.fail_sync(1);
  disk.fail_sync(0);
  EXPECT_TRUE(file->sync());
}

TEST(MemoryDisk, AFullDiskTakesWhatFitsAndSaysSo) {
  MemoryDisk disk;
  create(disk, "a", "1234");
  const auto file = create(disk, "b", "12");
  disk.set_capacity(8);
  EXPECT_TRUE(file->write_at(0, "ab")) << "overwriting needs no room";
  const Status full = file->write_at(1, "xyzuv");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kOutOfSpace);
  EXPECT_EQ(content(disk, "b"), "axyz");
  EXPECT_FALSE(file->write_at(100, "x"));
  EXPECT_EQ(file->size().value(), 4U);
  ASSERT_TRUE(disk.remove("a"));
  EXPECT_TRUE(file->write_at(4, "more")) << "a removed file's room is free";
}

TEST(MemoryDisk, LocksConflictByWhateverAliasUntilReleased) {
  MemoryDisk disk;
  ASSERT_TRUE(disk.make_directory("d"));
  auto held = disk.lock("d/LOCK");
  ASSERT_TRUE(held);
  const auto second = disk.lock("/d/../d/./LOCK");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kOwnerLockHeld);
  EXPECT_TRUE(second.error().message.ends_with("held by process unknown"));
  ASSERT_TRUE(held.value()->write_note("process 4711"));
  EXPECT_TRUE(disk.lock("d/LOCK").error().message.ends_with("held by process 4711"));
  EXPECT_TRUE(disk.power_loss(kAllKept)->lock("d/LOCK")) << "free after power loss";
  held->reset();
  EXPECT_TRUE(disk.lock("d/LOCK"));
}

TEST(MemoryDisk, CorruptionShowsNowAndAfterPowerLoss) {
  MemoryDisk disk;
  const auto file = create_durable(disk, "a", "ab");
  ASSERT_TRUE(file->write_at(2, "cd"));
  ASSERT_TRUE(disk.corrupt("a", 0, 0x20));
  ASSERT_TRUE(disk.corrupt("a", 3, 0x20));
  EXPECT_EQ(content(disk, "a"), "AbcD");
  EXPECT_EQ(outcomes(disk, "a"), (Outcomes{"Ab", "AbcD"}));
  EXPECT_FALSE(disk.corrupt("a", 4, 1));
  EXPECT_FALSE(disk.corrupt("b", 0, 1));
}

TEST(MemoryDisk, TheDiskAfterPowerLossIsADiskOfItsOwn) {
  MemoryDisk disk;
  const auto file = create_durable(disk, "a", "x");
  const auto after = disk.power_loss(kAllKept);
  EXPECT_TRUE(after->pending().empty());
  create(*after, "b", "y");
  ASSERT_TRUE(after->open("a", OpenMode::kReadWrite).value()->write_at(0, "z"));
  EXPECT_EQ(content(disk, "a"), "x");
  EXPECT_EQ(content(disk, "b"), "-");
  EXPECT_EQ(outcomes(*after, "a"), (Outcomes{"x", "z"}));
}

// Random operations on few names: with everything kept the disk is as its users saw it, and with everything
// lost it is what the syncs promised.
TEST(MemoryDisk, KeepingAllGivesTheDiskAsSeenAndSyncingAllLeavesNothingPending) {
  SeededRandom random(11);
  const std::vector<std::string> names = {"a", "b", "d/a", "d/b"};
  for (int round = 0; round < 200; ++round) {
    MemoryDisk disk;
    ASSERT_TRUE(disk.make_directory("d"));
    for (int step = 0; step < 30; ++step) {
      const std::string& name = names[random.below(names.size())];
      switch (random.below(7)) {
        case 0:
          static_cast<void>(disk.open(name, OpenMode::kCreate));
          break;
        case 1:
          static_cast<void>(disk.rename(name, names[random.below(names.size())]));
          break;
        case 2:
          static_cast<void>(disk.remove(name));
          break;
        case 3:
          static_cast<void>(disk.sync_directory(random.below(2) == 0 ? "/" : "d"));
          break;
        default:
          if (auto file = disk.open(name, OpenMode::kReadWrite)) {
            const std::uint64_t kind = random.below(4);
            const Status status = kind == 0   ? (*file)->sync()
                                  : kind == 1 ? (*file)->truncate(random.below(5))
                                              : (*file)->write_at(random.below(4), std::to_string(step));
            ASSERT_TRUE(status);
          }
      }
    }
    const auto kept = disk.power_loss(kAllKept);
    for (const std::string& name : names) ASSERT_EQ(content(*kept, name), content(disk, name));
    for (const std::string& name : names) {
      const auto file = disk.open(name, OpenMode::kRead);
      ASSERT_TRUE(!file || (*file)->sync());
    }
    ASSERT_TRUE(disk.sync_directory("/"));
    ASSERT_TRUE(disk.sync_directory("d"));
    ASSERT_TRUE(disk.pending().empty());
    const auto lost = disk.power_loss(kAllLost);
    for (const std::string& name : names) ASSERT_EQ(content(*lost, name), content(disk, name));
  }
}

}  // namespace
}  // namespace sextant
