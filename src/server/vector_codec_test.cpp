#include "server/vector_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/bytes.h"
#include "base/random.h"

namespace sextant {
namespace {

Result<std::vector<float>> read(std::string_view json) {
  const FieldPath root;
  return read_vector(*parse_json(json), FieldPath(root, "vector"));
}

std::string base64_of(const std::vector<float>& vector) {
  return to_base64({reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)});
}

TEST(VectorCodec, ReadsNumbersShortAndLongWholeAndNot) {
  EXPECT_EQ(read("[1, 2.5, -3e0]").value(), (std::vector<float>{1, 2.5F, -3}));
  EXPECT_EQ(read("[1,2,3,4,5,6,7,8,9]").value().size(), 9U);
  EXPECT_EQ(read("[1,2,3,4,5,6,7,8,9.5]").value().back(), 9.5F);
}

TEST(VectorCodec, ReadsBase64BitByBit) {
  SeededRandom random(7);
  for (std::size_t size = 1; size < 70; ++size) {
    std::vector<float> vector(size);
    for (float& value : vector) value = static_cast<float>(random.unit() - 0.5);
    EXPECT_EQ(read("\"" + base64_of(vector) + "\"").value(), vector);
  }
  // What only base64 can carry is not refused here: the engine does, for every surface.
  const auto nan = read("\"" + base64_of({std::numeric_limits<float>::quiet_NaN()}) + "\"");
  EXPECT_TRUE(std::isnan(nan.value()[0]));
}

TEST(VectorCodec, RefusesWhatIsNoVectorAndSaysWhere) {
  const auto refusal = [](std::string_view json) { return read(json).error().to_string(); };
  EXPECT_EQ(refusal("1"),
            "invalid_argument: must be an array of numbers or a base64 string, not an integer (vector)");
  EXPECT_EQ(refusal("[]"), "invalid_argument: must not be empty (vector)");
  EXPECT_EQ(refusal("\"\""), "invalid_argument: must not be empty (vector)");
  EXPECT_EQ(refusal("[1, null]"), "invalid_argument: must be a number, not null (vector[1])");
  EXPECT_EQ(refusal("\"AAAA\""),
            "invalid_argument: holds 3 bytes, which are no whole number of float32 (vector)");
  EXPECT_EQ(refusal("\"AAAA AAA\""), "invalid_argument: is not base64 (with padding) (vector)");
  EXPECT_EQ(refusal("[0, 3.5e38]"), "invalid_vector: the number does not fit a float32 (vector[1])");
  EXPECT_EQ(refusal("[0.5,1,2,3,4,5,6,7,-1e300]"),
            "invalid_vector: the number does not fit a float32 (vector[8])");
  EXPECT_TRUE(read("[3.4e38, -3.4e38]").has_value());
}

}  // namespace
}  // namespace sextant
