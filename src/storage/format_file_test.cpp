#include "storage/format_file.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/memory_disk.h"

namespace sextant {
namespace {

constexpr const char* kIdLine = "database_id 30313233343536373839616263646566\n";

std::unique_ptr<MemoryDisk> disk_with(const std::string& text) {
  auto disk = std::make_unique<MemoryDisk>();
  EXPECT_TRUE(disk->make_directory("db"));
  EXPECT_TRUE(disk->sync_directory("/"));
  if (text.empty()) return disk;
  EXPECT_TRUE(write_file_atomically(*disk, "db/FORMAT", text));
  return disk;
}

std::string sealed(const std::string& text) { return text + fmt::format("checksum {:016x}\n", xxh3(text)); }

TEST(FormatFile, IsReadAsItWasCreated) {
  const auto disk = disk_with("");
  SeededRandom random(1);
  const FormatFile created = create_format_file(*disk, random, "db").value();
  EXPECT_EQ(created.database_id.size(), kDatabaseIdBytes);
  EXPECT_EQ(created.version, kFormatVersion);
  EXPECT_TRUE(disk->pending().empty());
  const FormatFile read = read_format_file(*disk, "db").value();
  EXPECT_EQ(read.database_id, created.database_id);
  EXPECT_EQ(read.version, created.version);
  EXPECT_TRUE(read.reader_flags.empty());
  EXPECT_TRUE(read.writer_flags.empty());
  EXPECT_EQ(create_format_file(*disk, random, "db").error().code, ErrorCode::kInternal) << "never twice";
  const auto other = disk_with("");
  EXPECT_NE(create_format_file(*other, random, "db")->database_id, created.database_id);
}

TEST(FormatFile, KeepsTheBytesOfVersion1) {
  const std::string text = sealed(std::string("sextant database\nversion 1\n") + kIdLine +
                                  "reader_flags none\nwriter_flags none\n");
  const FormatFile read = read_format_file(*disk_with(text), "db").value();
  EXPECT_EQ(read.database_id, "0123456789abcdef");
}

TEST(FormatFile, RefusesALaterVersionByNumberWhateverFollows) {
  const auto read =
      read_format_file(*disk_with(sealed("sextant database\nversion 2\nsomething new\n")), "db");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kFormatTooNew);
  EXPECT_NE(read.error().message.find("version 2"), std::string::npos) << read.error().message;
}

TEST(FormatFile, RefusesUnknownFlagsByName) {
  const std::string start = std::string("sextant database\nversion 1\n") + kIdLine;
  for (const char* flags :
       {"reader_flags quantum,other\nwriter_flags none\n", "reader_flags none\nwriter_flags quantum\n"}) {
    const auto read = read_format_file(*disk_with(sealed(start + flags)), "db");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kFormatTooNew);
    EXPECT_NE(read.error().message.find("'quantum'"), std::string::npos) << read.error().message;
  }
}

TEST(FormatFile, RefusesWhatIsNotOne) {
  const std::string good =
      std::string("sextant database\nversion 1\n") + kIdLine + "reader_flags none\nwriter_flags none\n";
  const std::string bad[] = {
      "x",
      "sextant database\n",
      good,
      sealed("something else\n"),
      sealed("sextant database\n"),
      sealed("sextant database\nversion 0\n"),
      sealed("sextant database\nversion one\n"),
      sealed("sextant database\nversion 1\n"),
      sealed(good + "more\n"),
      sealed(good) + "more",
      sealed("sextant database\nversion 1\ndatabase_id 3031\nreader_flags none\nwriter_flags none\n"),
      sealed("sextant database\nversion 1\ndatabase_id 3031323334353637383961626364656g\nreader_flags "
             "none\nwriter_flags none\n"),
      std::string(100'000, 'x')};
  for (const std::string& text : bad) {
    const auto read = read_format_file(*disk_with(text), "db");
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kDamaged) << text;
    EXPECT_NE(read.error().message.find("db/FORMAT"), std::string::npos);
  }
  EXPECT_EQ(read_format_file(*disk_with(""), "db").error().code, ErrorCode::kIo);
}

TEST(FormatFile, AnyChangedByteIsNoticed) {
  const auto disk = disk_with("");
  SeededRandom random(1);
  ASSERT_TRUE(create_format_file(*disk, random, "db"));
  const std::size_t size = read_file(*disk, "db/FORMAT")->size();
  for (std::size_t i = 0; i < size; ++i) {
    ASSERT_TRUE(disk->corrupt("db/FORMAT", i, 4));
    const auto read = read_format_file(*disk, "db");
    ASSERT_FALSE(read) << i;
    EXPECT_EQ(read.error().code, ErrorCode::kDamaged);
    ASSERT_TRUE(disk->corrupt("db/FORMAT", i, 4));
  }
}

}  // namespace
}  // namespace sextant
