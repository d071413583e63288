// The embedding contract: what every vector of a field must be, and the one place where vectors are
// normalised.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/types.h"

namespace sextant {

struct PreparedVector {
  std::vector<float> values;  // of unit length where the field normalises
  double norm = 1;            // of what was given; 1 where it was stored as given
};

/// Checks a vector against a field's contract and normalises it. Errors (without field):
/// kEmbeddingContractViolation for a dimension or model other than the contract's; kInvalidVector for NaN,
/// infinity, "Cannot normalize zero vector", or a norm that overflows float32. Norms are summed in double
/// precision. A vector whose squared norm is within kUnitTolerance of 1 is stored as it is, so that a stored
/// vector put in again is byte-identical.
Result<PreparedVector> prepare_vector(const VectorField& field, std::span<const float> values,
                                      std::string_view model);

/// What a first chunk of this dimension and model does to a field: nothing when the contract is established
/// and agrees, kEmbeddingContractViolation when it disagrees. "" as model means "not said" and agrees with
/// any established model.
Status check_contract(const VectorField& field, std::uint32_t dimension, std::string_view model);

/// A float32 vector that was normalised by division is within a few 2^-24 of length 1.
inline constexpr double kUnitTolerance = 1e-6;

std::string_view metric_name(Metric metric);  // "cosine", "dot", "l2"

}  // namespace sextant
