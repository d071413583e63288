#include "providers/local/safetensors.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/memory_disk.h"
#include "providers/local/model_fixture.h"

namespace sextant {
namespace {

using testing::safetensors_file;
using Shape = std::vector<std::size_t>;

class SafetensorsTest : public ::testing::Test {
 protected:
  Result<Safetensors> open(std::string_view content) {
    EXPECT_TRUE(write_file_atomically(disk_, "/w.safetensors", content).has_value());
    return Safetensors::open(disk_, "/w.safetensors");
  }
  /// What is wrong with a file, or "" when it opens.
  std::string complaint(std::string_view content) {
    const auto opened = open(content);
    if (opened) return "";
    EXPECT_EQ(opened.error().code, ErrorCode::kDamaged);
    return opened.error().message;
  }
  std::string header_complaint(std::string_view header, std::size_t data_bytes) {
    return complaint(safetensors_file(header, std::string(data_bytes, '\0')));
  }

  MemoryDisk disk_;
};

TEST_F(SafetensorsTest, ReadsTensorsByNameAndShape) {
  const auto file = open(safetensors_file({{"a", {{2, 3}, {1, 2, 3, 4, 5, 6}}}, {"b", {{}, {7}}}}));
  ASSERT_TRUE(file) << file.error().to_string();
  EXPECT_TRUE(file->contains("a"));
  EXPECT_FALSE(file->contains("c"));
  EXPECT_EQ(file->read("a", Shape{2, 3}).value(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file->read("b", Shape{}).value(), (std::vector<float>{7}));
}

TEST_F(SafetensorsTest, ConvertsEveryHalfExactly) {
  std::string data;
  std::vector<float> expected;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const std::uint32_t exponent = (bits >> 10U) & 0x1FU;
    if (exponent == 0x1F) continue;
    append_le(data, static_cast<std::uint16_t>(bits));
    const double fraction = (exponent == 0 ? 0 : 1) + (bits & 0x3FFU) / 1024.0;
    const double magnitude = std::ldexp(fraction, exponent == 0 ? -14 : static_cast<int>(exponent) - 15);
    expected.push_back(static_cast<float>((bits & 0x8000U) != 0 ? -magnitude : magnitude));
  }
  const auto file =
      open(safetensors_file(fmt::format(R"({{"h":{{"dtype":"F16","shape":[{}],"data_offsets":[0,{}]}}}})",
                                        expected.size(), data.size()),
                            data));
  ASSERT_TRUE(file) << file.error().to_string();
  EXPECT_EQ(file->read("h", Shape{expected.size()}).value(), expected);
}

TEST_F(SafetensorsTest, ConvertsBfloat16Exactly) {
  const std::vector<float> numbers = {1.0F, -2.5F, 0.0F, 1.17549435e-38F, 3.38953139e38F};
  const auto file = open(safetensors_file({{"b", {{5}, numbers}}}, "BF16"));
  ASSERT_TRUE(file) << file.error().to_string();
  EXPECT_EQ(file->read("b", Shape{5}).value(), numbers);
}

TEST_F(SafetensorsTest, NamesTheTensorThatCannotBeRead) {
  const std::string header =
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"i":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}})";
  const auto file = open(safetensors_file(header, std::string(16, '\0')));
  ASSERT_TRUE(file) << file.error().to_string();
  EXPECT_NE(file->read("z", Shape{2}).error().message.find("has no tensor 'z'"), std::string::npos);
  EXPECT_NE(file->read("a", Shape{2, 1})
                .error()
                .message.find("tensor 'a' has shape [2], the model's configuration "
                              "wants [2, 1]"),
            std::string::npos);
  EXPECT_NE(file->read("i", Shape{1}).error().message.find("tensor 'i' has type I64"), std::string::npos);
}

TEST_F(SafetensorsTest, RefusesNumbersThatAreNotFinite) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const auto file = open(safetensors_file({{"a", {{3}, {1, 2, bad}}}}));
    ASSERT_TRUE(file);
    const auto read = file->read("a", Shape{3});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kDamaged);
    EXPECT_NE(read.error().message.find("element 2 of tensor 'a' is not a finite number"), std::string::npos);
  }
}

TEST_F(SafetensorsTest, BelievesNoHeaderBeyondTheFile) {
  EXPECT_NE(complaint("short").find("5 bytes, too short"), std::string::npos);
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{100'000'001}, ~std::uint64_t{0}}) {
    std::string file;
    append_le(file, size);
    EXPECT_NE(complaint(file).find("claims a header of"), std::string::npos) << size;
  }
  EXPECT_NE(header_complaint("{", 0).find("is not JSON"), std::string::npos);
  EXPECT_NE(header_complaint("[]", 0).find("is not a JSON object"), std::string::npos);
}

TEST_F(SafetensorsTest, HoldsEveryClaimOfATensorAgainstTheData) {
  struct Case {
    std::string_view header;
    std::string_view complaint;
  };
  for (const Case& c : std::array<Case, 12>{{
           {R"({"a":1})", "lacks a dtype"},
           {R"({"a":{"shape":[2],"data_offsets":[0,8]}})", "lacks a dtype"},
           {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", "two data_offsets"},
           {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "a shape"},
           {R"({"a":{"dtype":"F32","shape":[0.5,1,1,1,1,1,1,1,1,1],"data_offsets":[0,8]}})", "a shape"},
           {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "claims bytes 8 to 0 of 8"},
           {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})", "claims bytes 0 to 12 of 8"},
           {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", "shape [3] claims 8 bytes"},
           {R"({"a":{"dtype":"F32","shape":[4611686018427387904,2],"data_offsets":[0,8]}})",
            "claims 8 bytes"},
           {R"({"a":{"dtype":"F7","shape":[2],"data_offsets":[0,8]}})", "unknown type 'F7'"},
           {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "a hole or an overlap at byte 4"},
           {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
            "8 bytes of data, its tensors have 4"},
       }}) {
    EXPECT_NE(header_complaint(c.header, 8).find(c.complaint), std::string::npos)
        << c.header << "\n"
        << header_complaint(c.header, 8);
  }
}

TEST_F(SafetensorsTest, SurvivesACutAtEveryByteAndAnyFlippedBit) {
  const std::string whole = safetensors_file({{"a", {{2, 2}, {1, 2, 3, 4}}}, {"b", {{2}, {5, 6}}}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(complaint(whole.substr(0, size)), "") << size;
  }
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto file = open(damaged);
    if (file) (void)file->read("a", Shape{2, 2});
  }
}

TEST_F(SafetensorsTest, ReportsAMissingFileByPath) {
  const auto file = Safetensors::open(disk_, "/none.safetensors");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kIo);
  EXPECT_NE(file.error().message.find("/none.safetensors"), std::string::npos);
}

}  // namespace
}  // namespace sextant
