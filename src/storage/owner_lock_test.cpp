#include "storage/owner_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "base/memory_disk.h"

namespace sextant {
namespace {

class OwnerLockTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "sextant_lock_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Result<std::unique_ptr<OwnerLock>> acquire(const std::string& directory) {
    return OwnerLock::acquire(posix_file_system(), clock_, directory, "http://127.0.0.1:7878");
  }

  /// A process that takes the lock, says so, and waits for its end.
  pid_t start_holder() {
    int said[2];
    EXPECT_EQ(::pipe(said), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto lock = acquire(directory_);
      const char answer = lock ? 'y' : 'n';
      if (::write(said[1], &answer, 1) == 1) {
        for (;;) ::pause();
      }
      ::_exit(1);
    }
    ::close(said[1]);
    char answer = '?';
    EXPECT_EQ(::read(said[0], &answer, 1), 1);
    EXPECT_EQ(answer, 'y');
    ::close(said[0]);
    return child;
  }
  static void kill_and_wait(pid_t child) {
    ::kill(child, SIGKILL);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
  }

  std::string directory_;
  ManualClock clock_{1'700'000'000'000};
};

TEST_F(OwnerLockTest, TellsASecondProcessWhoHoldsTheDirectory) {
  const pid_t holder = start_holder();
  const auto start = std::chrono::steady_clock::now();
  const auto second = acquire(directory_);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  kill_and_wait(holder);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kOwnerLockHeld);
  EXPECT_EQ(second.error().message, "Could not set lock on file \"" + directory_ +
                                        "/LOCK\": Conflicting lock is held by process " +
                                        std::to_string(holder) +
                                        " (started 2023-11-14T22:13:20Z, serving http://127.0.0.1:7878); one "
                                        "process owns a database directory: "
                                        "reach it through its endpoint, or stop it first");
  std::printf("a second process was refused after %.3f ms\n", took.count());
}

TEST_F(OwnerLockTest, IsFreedByKillNine) {
  for (int cycle = 0; cycle < 50; ++cycle) {
    const pid_t holder = start_holder();
    EXPECT_FALSE(acquire(directory_));
    kill_and_wait(holder);
    EXPECT_TRUE(acquire(directory_)) << "cycle " << cycle;
  }
}

TEST_F(OwnerLockTest, EveryAliasOfThePathMeetsTheSameLock) {
  const std::string link = directory_ + "_link";
  std::filesystem::create_directory_symlink(directory_, link);
  std::filesystem::create_directory(directory_ + "/inner");
  {
    const auto held = acquire(directory_);
    ASSERT_TRUE(held);
    for (const std::string& alias : {link, directory_ + "/.", directory_ + "/inner/..", directory_ + "/"}) {
      const auto second = acquire(alias);
      ASSERT_FALSE(second) << alias;
      EXPECT_EQ(second.error().code, ErrorCode::kOwnerLockHeld);
    }
  }
  EXPECT_TRUE(acquire(link));
  std::filesystem::remove(link);
}

TEST_F(OwnerLockTest, ConflictsWithinOneProcess) {
  auto held = acquire(directory_);
  ASSERT_TRUE(held);
  const auto second = acquire(directory_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid()) + " "), std::string::npos);
  held->reset();
  EXPECT_TRUE(acquire(directory_));
}

TEST_F(OwnerLockTest, SurvivesOthersOpeningAndClosingTheFile) {
  const auto held = acquire(directory_);
  ASSERT_TRUE(held);
  for (int i = 0; i < 3; ++i) {
    std::FILE* file = std::fopen((directory_ + "/LOCK").c_str(), "r");
    ASSERT_NE(file, nullptr);
    std::fclose(file);
    EXPECT_TRUE(read_file(posix_file_system(), directory_ + "/LOCK"));
  }
  const pid_t child = ::fork();
  if (child == 0) ::_exit(acquire(directory_) ? 1 : 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "another process took the lock";
}

TEST_F(OwnerLockTest, AForkedChildIsNotTheOwner) {
  const auto held = acquire(directory_);
  ASSERT_TRUE(held);
  EXPECT_TRUE((*held)->check_owner());
  const pid_t child = ::fork();
  if (child == 0) {
    const auto owner = (*held)->check_owner();
    ::_exit(!owner && owner.error().code == ErrorCode::kOwnerLockHeld ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE((*held)->check_owner());
  EXPECT_FALSE(acquire(directory_)) << "the child's end does not free it";
}

TEST_F(OwnerLockTest, AShorterNoteLeavesNothingOfALongerOne) {
  {
    ASSERT_TRUE(OwnerLock::acquire(posix_file_system(), clock_, directory_, std::string(200, 'e')));
  }
  const auto held = OwnerLock::acquire(posix_file_system(), clock_, directory_, "");
  ASSERT_TRUE(held);
  EXPECT_EQ(read_file(posix_file_system(), directory_ + "/LOCK").value(),
            "process " + std::to_string(::getpid()) + " (started 2023-11-14T22:13:20Z, serving no endpoint)");
}

TEST_F(OwnerLockTest, SaysThatTheHolderIsUnknownBeforeItsNote) {
  MemoryDisk memory;
  ASSERT_TRUE(memory.make_directory("db"));
  const auto check = [&](FileSystem& fs, const std::string& directory) {
    auto bare = fs.lock(directory + "/LOCK");
    ASSERT_TRUE(bare);
    auto second = OwnerLock::acquire(fs, clock_, directory, "");
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("held by process unknown; one process"), std::string::npos)
        << second.error().message;
    ASSERT_TRUE((*bare)->write_note("process 77 (somewhere)"));
    second = OwnerLock::acquire(fs, clock_, directory, "");
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("held by process 77 (somewhere); one process"), std::string::npos)
        << second.error().message;
    bare->reset();
    EXPECT_TRUE(OwnerLock::acquire(fs, clock_, directory, ""));
  };
  check(posix_file_system(), directory_);
  check(memory, "db");
}

TEST_F(OwnerLockTest, AMissingDirectoryIsNoConflict) {
  const auto lock = acquire(directory_ + "/nowhere");
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace sextant
