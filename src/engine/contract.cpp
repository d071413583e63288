#include "engine/contract.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace sextant {

namespace {

std::string model_text(std::string_view model) {
  return model.empty() ? std::string("an unnamed model") : fmt::format("model '{}'", model);
}

/// In double precision, in eight sums that a compiler can keep in registers: the same on every machine. Not
/// finite exactly when an element is not: no sum of squares of finite floats overflows a double.
double sum_of_squares(std::span<const float> values) {
  constexpr std::size_t kLanes = 8;
  double lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const auto x = static_cast<double>(values[i + lane]);
      lanes[lane] += x * x;
    }
  }
  for (; i < values.size(); ++i)
    lanes[i % kLanes] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace

std::string_view metric_name(Metric metric) {
  switch (metric) {
    case Metric::kCosine:
      return "cosine";
    case Metric::kDot:
      return "dot";
    case Metric::kL2:
      return "l2";
  }
  return "unknown";
}

Status check_contract(const VectorField& field, std::uint32_t dimension, std::string_view model) {
  if (field.dimension != 0 && dimension != field.dimension) {
    return fail(ErrorCode::kEmbeddingContractViolation,
                fmt::format("the vector has {} dimensions, the library's contract for field '{}' is {}",
                            dimension, field.name, field.dimension));
  }
  if (field.model.has_value() && !model.empty() && *field.model != model) {
    return fail(
        ErrorCode::kEmbeddingContractViolation,
        fmt::format("the vector comes from {}, the library's contract for field '{}' is {}: vectors of "
                    "different models cannot be compared",
                    model_text(model), field.name, model_text(*field.model)));
  }
  return {};
}

Result<PreparedVector> prepare_vector(const VectorField& field, std::span<const float> values,
                                      std::string_view model) {
  if (values.empty()) {
    return fail(ErrorCode::kInvalidVector, "the vector is empty");
  }
  TRY(check_contract(field, static_cast<std::uint32_t>(values.size()), model));
  const double squared = sum_of_squares(values);
  if (!std::isfinite(squared)) {
    const auto bad = std::ranges::find_if_not(values, [](float x) { return std::isfinite(x); });
    return fail(ErrorCode::kInvalidVector, fmt::format("element {} of the vector is {}", bad - values.begin(),
                                                       std::isnan(*bad) ? "NaN" : "infinite"));
  }
  const double norm = std::sqrt(squared);
  if (norm > static_cast<double>(std::numeric_limits<float>::max())) {
    return fail(ErrorCode::kInvalidVector, fmt::format("the vector's norm {:g} overflows float32", norm));
  }
  PreparedVector prepared{{values.begin(), values.end()}, 1};
  if (!field.normalize) return prepared;
  if (norm == 0) return fail(ErrorCode::kInvalidVector, "Cannot normalize zero vector");
  if (norm < static_cast<double>(std::numeric_limits<float>::min())) {
    return fail(ErrorCode::kInvalidVector,
                fmt::format("the vector's norm {:g} is denormal in float32", norm));
  }
  if (std::abs(squared - 1) <= kUnitTolerance) return prepared;
  prepared.norm = norm;
  const double scale = 1 / norm;
  for (float& value : prepared.values) value = static_cast<float>(static_cast<double>(value) * scale);
  return prepared;
}

}  // namespace sextant
