#include "engine/contract.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/random.h"

namespace sextant {
namespace {

VectorField field_of(std::uint32_t dimension, bool normalize = true) {
  VectorField field;
  field.dimension = dimension;
  field.normalize = normalize;
  if (dimension != 0) field.model = "m";
  return field;
}

ErrorCode code_of(const VectorField& field, std::vector<float> values, std::string_view model = "") {
  const auto prepared = prepare_vector(field, values, model);
  return prepared ? ErrorCode::kInternal : prepared.error().code;
}

TEST(Contract, RefusesAnotherDimensionOrModelNamingBoth) {
  const auto wrong = prepare_vector(field_of(3), std::vector<float>{1, 2}, "");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kEmbeddingContractViolation);
  EXPECT_NE(wrong.error().message.find("2 dimensions"), std::string::npos) << wrong.error().message;
  EXPECT_NE(wrong.error().message.find("is 3"), std::string::npos) << wrong.error().message;
  EXPECT_EQ(code_of(field_of(2), {1, 2}, "other"), ErrorCode::kEmbeddingContractViolation);
  EXPECT_TRUE(prepare_vector(field_of(2), std::vector<float>{1, 2}, "m"));
  EXPECT_TRUE(prepare_vector(field_of(2), std::vector<float>{1, 2}, ""));
}

TEST(Contract, RefusesWhatCannotBeNormalised) {
  const float inf = std::numeric_limits<float>::infinity();
  const float max = std::numeric_limits<float>::max();
  EXPECT_EQ(code_of(field_of(0), {1, std::nanf("")}), ErrorCode::kInvalidVector);
  EXPECT_EQ(code_of(field_of(0), {1, -inf}), ErrorCode::kInvalidVector);
  EXPECT_EQ(code_of(field_of(0), {max, max}), ErrorCode::kInvalidVector);
  EXPECT_EQ(code_of(field_of(0), {1e-40F, 0}), ErrorCode::kInvalidVector);
  EXPECT_EQ(code_of(field_of(0), {}), ErrorCode::kInvalidVector);
  const auto zero = prepare_vector(field_of(0), std::vector<float>{0, 0}, "");
  ASSERT_FALSE(zero);
  EXPECT_EQ(zero.error().message, "Cannot normalize zero vector");
  EXPECT_TRUE(prepare_vector(field_of(2, false), std::vector<float>{0, 0}, "m"));
}

TEST(Contract, StoredVectorsGoInAgainByteIdenticalAndTheOriginalComesBack) {
  SeededRandom random(7);
  for (const std::uint32_t dimension : {2U, 3U, 384U, 1536U, 2048U}) {
    for (int round = 0; round < 200; ++round) {
      std::vector<float> original(dimension);
      const double scale = std::pow(10.0, random.unit() * 30 - 15);
      for (float& x : original) x = static_cast<float>((random.unit() - 0.5) * scale);
      const auto first = prepare_vector(field_of(0), original, "");
      ASSERT_TRUE(first) << first.error().message;
      const auto again = prepare_vector(field_of(0), first->values, "");
      ASSERT_TRUE(again);
      EXPECT_EQ(again->norm, 1.0);
      ASSERT_EQ(std::memcmp(first->values.data(), again->values.data(), dimension * sizeof(float)), 0);
      for (std::size_t i = 0; i < dimension; ++i) {
        const double back = static_cast<double>(first->values[i]) * first->norm;
        ASSERT_NEAR(back, static_cast<double>(original[i]),
                    1e-6 * std::abs(static_cast<double>(original[i])));
      }
    }
  }
}

}  // namespace
}  // namespace sextant
