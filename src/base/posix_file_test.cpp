#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/file.h"

namespace sextant {
namespace {

class PosixFile : public testing::Test {
 protected:
  PosixFile() {
    std::string pattern = testing::TempDir() + "posix_file_XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~PosixFile() override { std::filesystem::remove_all(directory_); }

  std::string path(std::string_view name) const { return join_path(directory_, name); }
  std::unique_ptr<File> create(std::string_view name) {
    return fs_.open(path(name), OpenMode::kCreate).value();
  }

  FileSystem& fs_ = posix_file_system();
  std::string directory_;
};

/// Runs `body` in a forked child; returns its exit status.
template <typename Body>
int in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// A child process that lives until it is killed, having run `body` by the time the constructor returns.
class LivingChild {
 public:
  template <typename Body>
  explicit LivingChild(Body body) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    pid_ = fork();
    if (pid_ == 0) {
      [[maybe_unused]] const auto kept = body();
      if (write(ready[1], "x", 1) != 1) _exit(1);
      for (;;) pause();
    }
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
  }
  ~LivingChild() { kill_now(); }
  LivingChild(const LivingChild&) = delete;
  LivingChild& operator=(const LivingChild&) = delete;

  void kill_now() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
};

TEST_F(PosixFile, ReadsWhatWasWrittenAndStopsAtTheEnd) {
  const auto file = create("a");
  ASSERT_TRUE(file->write_at(0, "hello"));
  ASSERT_TRUE(file->write_at(7, "x"));
  EXPECT_EQ(file->size().value(), 8U);
  char out[16] = {};
  EXPECT_EQ(file->read_at(0, out, sizeof(out)).value(), 8U);
  EXPECT_EQ(std::string_view(out, 8), std::string_view("hello\0\0x", 8));
  EXPECT_EQ(file->read_at(4, out, 2).value(), 2U);
  EXPECT_EQ(out[0], 'o');
  EXPECT_EQ(file->read_at(8, out, 1).value(), 0U);
  EXPECT_EQ(file->read_at(100, out, 1).value(), 0U);
  ASSERT_TRUE(file->truncate(2));
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(read_file(fs_, path("a")).value(), "he");
}

TEST_F(PosixFile, OpenModesAskForWhatTheySay) {
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite}) {
    const auto missing = fs_.open(path("a"), mode);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::kIo);
    EXPECT_EQ(missing.error().message, "open \"" + path("a") + "\": No such file or directory");
  }
  create("a");
  const auto twice = fs_.open(path("a"), OpenMode::kCreate);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message, "create \"" + path("a") + "\": File exists");
  EXPECT_FALSE(fs_.open(path("a"), OpenMode::kRead).value()->write_at(0, "x"));
  EXPECT_TRUE(fs_.open(path("a"), OpenMode::kReadWrite).value()->write_at(0, "x"));
}

TEST_F(PosixFile, AFullDiskHasACodeOfItsOwn) {
  const auto full = fs_.open("/dev/full", OpenMode::kReadWrite);
  if (!full) GTEST_SKIP() << "no /dev/full here";
  const Status status = (*full)->write_at(0, "x");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kOutOfSpace);
  EXPECT_EQ(status.error().message, "write \"/dev/full\": No space left on device");
  const Status synced = (*full)->sync();
  ASSERT_FALSE(synced);
  EXPECT_EQ(synced.error().code, ErrorCode::kIo);
  EXPECT_NE(synced.error().message.find("sync \"/dev/full\": "), std::string::npos);
}

TEST_F(PosixFile, DirectoriesAreMadeListedAndSynced) {
  ASSERT_TRUE(fs_.make_directory(path("d")));
  ASSERT_TRUE(fs_.make_directory(path("d"))) << "an existing one is no error";
  for (const char* name : {"d/b", "d/a", "d/.hidden"}) create(name);
  EXPECT_EQ(fs_.list(path("d")).value(), (std::vector<std::string>{".hidden", "a", "b"}));
  EXPECT_TRUE(fs_.sync_directory(path("d")));
  EXPECT_FALSE(fs_.make_directory(path("d/a"))) << "a file is in the way";
  EXPECT_FALSE(fs_.list(path("d/a")));
  EXPECT_FALSE(fs_.sync_directory(path("missing")));
  EXPECT_FALSE(fs_.remove(path("d"))) << "not empty";
}

TEST_F(PosixFile, RenameReplacesAndRemoveRemoves) {
  ASSERT_TRUE(create("a")->write_at(0, "new"));
  ASSERT_TRUE(create("b")->write_at(0, "old"));
  ASSERT_TRUE(fs_.rename(path("a"), path("b")));
  EXPECT_FALSE(fs_.exists(path("a")).value());
  EXPECT_EQ(read_file(fs_, path("b")).value(), "new");
  ASSERT_TRUE(fs_.remove(path("b")));
  EXPECT_FALSE(fs_.exists(path("b")).value());
  const Status gone = fs_.rename(path("a"), path("b"));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().message,
            "rename \"" + path("a") + "\" to \"" + path("b") + "\": No such file or directory");
  EXPECT_FALSE(fs_.remove(path("b")));
}

TEST_F(PosixFile, NothingExistsBelowAFile) {
  create("a");
  EXPECT_FALSE(fs_.exists(path("a/b")).value());
  EXPECT_FALSE(fs_.exists(path(std::string(300, 'n')))) << "a name too long is an error, not an absence";
}

using PosixLock = PosixFile;

TEST_F(PosixLock, ASecondLockConflictsInThisProcessByWhateverAlias) {
  ASSERT_TRUE(fs_.make_directory(path("d")));
  auto held = fs_.lock(path("d/LOCK"));
  ASSERT_TRUE(held);
  std::filesystem::create_symlink(path("d"), path("link"));
  std::filesystem::create_symlink(path("d/LOCK"), path("file_link"));
  std::filesystem::create_hard_link(path("d/LOCK"), path("hard_link"));
  for (const char* alias : {"d/LOCK", "link/LOCK", "file_link", "hard_link", "d/../link/../d/LOCK"}) {
    const auto second = fs_.lock(path(alias));
    ASSERT_FALSE(second) << alias;
    EXPECT_EQ(second.error().code, ErrorCode::kOwnerLockHeld);
    EXPECT_EQ(second.error().message, "Could not set lock on file \"" + path(alias) +
                                          "\": Conflicting lock is held by process unknown");
  }
  held->reset();
  EXPECT_TRUE(fs_.lock(path("link/LOCK")));
}

TEST_F(PosixLock, AConflictNamesTheHoldersNote) {
  const auto held = fs_.lock(path("LOCK")).value();
  ASSERT_TRUE(held->write_note("a longer note, replaced"));
  ASSERT_TRUE(held->write_note("process 4711"));
  EXPECT_EQ(read_file(fs_, path("LOCK")).value(), "process 4711");
  EXPECT_TRUE(fs_.lock(path("LOCK")).error().message.ends_with("Conflicting lock is held by process 4711"));
}

TEST_F(PosixLock, ReadingTheLockFileDoesNotGiveTheLockUp) {
  const auto held = fs_.lock(path("LOCK")).value();
  ASSERT_TRUE(read_file(fs_, path("LOCK")));
  EXPECT_EQ(in_child([&] { return fs_.lock(path("LOCK")) ? 1 : 0; }), 0);
}

TEST_F(PosixLock, AForkedChildNeitherHasTheLockNorCanGiveItUp) {
  auto held = fs_.lock(path("LOCK")).value();
  EXPECT_EQ(in_child([&] {
              if (fs_.lock(path("LOCK"))) return 1;
              held.reset();
              return fs_.lock(path("LOCK")) ? 2 : 0;
            }),
            0);
  EXPECT_FALSE(fs_.lock(path("LOCK")));
}

TEST_F(PosixLock, IsFreeAgainThoughAChildForkedMeanwhileLives) {
  auto held = fs_.lock(path("LOCK")).value();
  const LivingChild child([] { return 0; });
  EXPECT_FALSE(fs_.lock(path("LOCK")));
  held.reset();
  EXPECT_TRUE(fs_.lock(path("LOCK")));
}

TEST_F(PosixLock, AKilledHolderLeavesNoLockBehind) {
  LivingChild holder([&] {
    auto held = fs_.lock(path("LOCK"));
    static_cast<void>(held.value()->write_note("process of the child"));
    return held;
  });
  const auto conflict = fs_.lock(path("LOCK"));
  ASSERT_FALSE(conflict);
  EXPECT_TRUE(conflict.error().message.ends_with("process of the child"));
  holder.kill_now();
  EXPECT_TRUE(fs_.lock(path("LOCK")));
}

TEST_F(PosixLock, AFileThatCannotBeOpenedIsNotAConflict) {
  const auto missing = fs_.lock(path("no_directory/LOCK"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace sextant
