// Databases that earlier builds wrote open today and show what they showed; today's build still writes the
// bytes of its version.
#include "golden.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/checksum.h"
#include "base/file.h"
#include "engine/testing/scratch_directory.h"

namespace sextant {
namespace {

namespace fs = std::filesystem;

std::string content(const std::string& path) {
  auto bytes = read_file(posix_file_system(), path);
  EXPECT_TRUE(bytes) << path;
  return bytes.value_or(std::string());
}

class Golden : public testing::TestWithParam<std::string> {
 protected:
  std::string source() const { return std::string(SEXTANT_GOLDEN) + "/" + GetParam(); }
};

TEST_P(Golden, OpensAndShowsWhatItShowedAndCanBeWrittenAndReopened) {
  ScratchDirectory scratch;
  const std::string path = scratch.path() + "/database";
  fs::copy(source() + "/database", path, fs::copy_options::recursive);
  const auto expected = parse_json(content(source() + "/expected.json"));
  ASSERT_TRUE(expected);
  for (int round = 0; round < 2; ++round) {
    auto database = Database::open(path, {});
    ASSERT_TRUE(database) << database.error().to_string();
    const auto seen = describe_database((*database)->snapshot());
    ASSERT_TRUE(seen);
    EXPECT_EQ(*seen, *expected) << seen->to_string();
  }
  {
    auto database = Database::open(path, {});
    ASSERT_TRUE(database);
    WriteRequest request;
    request.transactions.push_back(
        {{DeleteDocument{"default.cosine", "late", MissingPolicy::kError, {}}}, {}});
    ASSERT_TRUE((*database)->write({}, request)->transactions.at(0));
  }
  auto database = Database::open(path, {});
  ASSERT_TRUE(database);
  EXPECT_GT((*database)->snapshot()->sequence,
            static_cast<Sequence>(expected->find("sequence")->as_integer()));
}

INSTANTIATE_TEST_SUITE_P(EveryVersion, Golden, testing::Values("v1"));

TEST(GoldenWriter, StillWritesTheBytesOfItsVersion) {
  ScratchDirectory scratch;
  const std::string path = scratch.path() + "/database";
  ASSERT_TRUE(write_golden_database(path));
  const std::string kept = std::string(SEXTANT_GOLDEN) + "/v" + std::to_string(kFormatVersion) + "/database";
  EXPECT_EQ(content(path + "/FORMAT"), content(kept + "/FORMAT"));
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kept + "/log")) names.push_back(entry.path().filename());
  ASSERT_FALSE(names.empty());
  for (const std::string& name : names) {
    EXPECT_TRUE(content(path + "/log/" + name) == content(kept + "/log/" + name)) << name;
  }
}

TEST(GoldenWriter, ANewerFormatIsRefusedByName) {
  ScratchDirectory scratch;
  const std::string path = scratch.path() + "/database";
  ASSERT_TRUE(write_golden_database(path));
  std::string format = content(path + "/FORMAT");
  const std::size_t at = format.find("version 1");
  ASSERT_NE(at, std::string::npos) << format;
  format.replace(at, 9, "version 9");
  format.resize(format.rfind("checksum "));
  format += fmt::format("checksum {:016x}\n", xxh3(format));
  ASSERT_TRUE(write_file_atomically(posix_file_system(), path + "/FORMAT", format));
  const auto opened = Database::open(path, {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kFormatTooNew) << opened.error().to_string();
  EXPECT_NE(opened.error().message.find('9'), std::string::npos);
}

}  // namespace
}  // namespace sextant
