#include "base/file.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/memory_disk.h"

namespace sextant {
namespace {

/// A MemoryDisk that calls back after every operation that changes something.
class ObservedDisk final : public FileSystem {
 public:
  ObservedDisk(MemoryDisk& disk, std::function<void()> changed) : disk_(disk), changed_(std::move(changed)) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto file = disk_.open(path, mode);
    changed_();
    if (!file) return fail(std::move(file).error());
    return std::make_unique<ObservedFile>(*std::move(file), changed_);
  }
  Result<bool> exists(const std::string& path) override { return disk_.exists(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return disk_.list(path); }
  Status make_directory(const std::string& path) override { return after(disk_.make_directory(path)); }
  Status rename(const std::string& from, const std::string& to) override {
    return after(disk_.rename(from, to));
  }
  Status remove(const std::string& path) override { return after(disk_.remove(path)); }
  Status sync_directory(const std::string& path) override { return after(disk_.sync_directory(path)); }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override { return disk_.lock(path); }

 private:
  class ObservedFile final : public File {
   public:
    ObservedFile(std::unique_ptr<File> file, std::function<void()>& changed)
        : file_(std::move(file)), changed_(changed) {}
    Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) const override {
      return file_->read_at(offset, out, size);
    }
    Status write_at(std::uint64_t offset, std::string_view bytes) override {
      Status status = file_->write_at(offset, bytes);
      changed_();
      return status;
    }
    Status sync() override {
      Status status = file_->sync();
      changed_();
      return status;
    }
    Status truncate(std::uint64_t size) override { return file_->truncate(size); }
    Result<std::uint64_t> size() const override { return file_->size(); }

   private:
    std::unique_ptr<File> file_;
    std::function<void()>& changed_;
  };

  Status after(Status status) {
    changed_();
    return status;
  }

  MemoryDisk& disk_;
  std::function<void()> changed_;
};

/// Everything that `path` may hold after power loss, garbled writes included; "-" stands for no such file.
std::set<std::string> outcomes(const MemoryDisk& disk, const std::string& path) {
  std::set<std::string> found;
  std::size_t combinations = 1;
  for (std::size_t i = 0; i < disk.pending().size(); ++i) combinations *= 3;
  for (std::size_t combination = 0; combination < combinations; ++combination) {
    std::size_t rest = combination;
    const auto after = disk.power_loss([&](std::size_t) {
      const auto fate = static_cast<PendingFate>(rest % 3);
      rest /= 3;
      return fate;
    });
    found.insert(read_file(*after, path).value_or("-"));
  }
  return found;
}

using Outcomes = std::set<std::string>;

TEST(WriteFileAtomically, IsWholeAtEveryMomentAndDurableInTheEnd) {
  MemoryDisk disk;
  ASSERT_TRUE(disk.make_directory("d"));
  ASSERT_TRUE(disk.sync_directory("/"));
  int moments = 0;
  Outcomes allowed = {"-", "old"};
  ObservedDisk observed(disk, [&] {
    ++moments;
    for (const std::string& outcome : outcomes(disk, "d/f"))
      EXPECT_TRUE(allowed.contains(outcome)) << outcome;
  });

  ASSERT_TRUE(write_file_atomically(observed, "d/f", "old"));
  EXPECT_GE(moments, 5);
  EXPECT_EQ(outcomes(disk, "d/f"), (Outcomes{"old"}));
  EXPECT_TRUE(disk.pending().empty());

  allowed = {"old", "new, and longer"};
  ASSERT_TRUE(write_file_atomically(observed, "d/f", "new, and longer"));
  EXPECT_EQ(outcomes(disk, "d/f"), (Outcomes{"new, and longer"}));
  EXPECT_EQ(disk.list("d").value(), (std::vector<std::string>{"f"}));
}

TEST(WriteFileAtomically, AFailureLeavesTheOldContentAndNoTemporary) {
  MemoryDisk disk;
  ASSERT_TRUE(write_file_atomically(disk, "f", "old"));
  disk.fail_sync(1);
  EXPECT_EQ(write_file_atomically(disk, "f", "new").error().code, ErrorCode::kIo);
  EXPECT_EQ(read_file(disk, "f").value(), "old");
  EXPECT_EQ(disk.list("/").value(), (std::vector<std::string>{"f"}));

  disk.set_capacity(4);
  EXPECT_EQ(write_file_atomically(disk, "f", "too long").error().code, ErrorCode::kOutOfSpace);
  EXPECT_EQ(read_file(disk, "f").value(), "old");

  disk.fail_sync(2);
  disk.set_capacity(100);
  EXPECT_FALSE(write_file_atomically(disk, "f", "new")) << "the directory's sync counts too";
}

TEST(WriteFileAtomically, ATemporaryLeftByACrashIsNoObstacle) {
  MemoryDisk disk;
  ASSERT_TRUE(
      disk.open("f.tmp", OpenMode::kCreate).value()->write_at(0, "something longer than the new content"));
  ASSERT_TRUE(write_file_atomically(disk, "f", "new"));
  EXPECT_EQ(read_file(disk, "f").value(), "new");
  EXPECT_FALSE(disk.exists("f.tmp").value());
}

TEST(ReadFile, ReturnsTheWholeContentOrTheError) {
  MemoryDisk disk;
  const std::string content(100'000, 'x');
  ASSERT_TRUE(write_file_atomically(disk, "f", content));
  EXPECT_EQ(read_file(disk, "f").value(), content);
  ASSERT_TRUE(write_file_atomically(disk, "empty", ""));
  EXPECT_EQ(read_file(disk, "empty").value(), "");
  EXPECT_EQ(read_file(disk, "missing").error().code, ErrorCode::kIo);
}

TEST(JoinPath, PutsOneSlashBetween) {
  EXPECT_EQ(join_path("a", "b"), "a/b");
  EXPECT_EQ(join_path("a/", "b"), "a/b");
  EXPECT_EQ(join_path("/", "b"), "/b");
  EXPECT_EQ(join_path("", "b"), "b");
}

}  // namespace
}  // namespace sextant
