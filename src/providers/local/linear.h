// Linear layers, out = epilogue(in * W^T + b), by oneDNN with weights packed once for this machine.
//
// Every product runs on the calling thread alone: parallelism is one batch a thread, above this.
// No exception leaves; a failure of the library is kEmbeddingUnavailable. Any thread may run any layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace sextant {

enum class Epilogue : std::uint8_t {
  kNone,
  kGelu,         // x -> x * (1 + erf(x / sqrt 2)) / 2
  kAddToOutput,  // the sum of the product and what `out` held: a residual connection
};

struct LinearShape {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  Epilogue epilogue = Epilogue::kNone;
};

/// The compiled products of one shape, shared by all layers that have it.
class LinearPlan {
 public:
  /// Rows are computed in groups of this many, so `in` and `out` must have room for rows rounded up to it.
  /// What is in the room never reaches the rows.
  static constexpr std::size_t kRowGroup = 4;
  /// The most rows of one product: enough to run at full speed, few enough that their activations stay in the
  /// cache.
  static constexpr std::size_t kBlockRows = 128;
  static std::size_t padded_rows(std::size_t rows) { return (rows + kRowGroup - 1) / kRowGroup * kRowGroup; }

  static Result<std::shared_ptr<const LinearPlan>> compile(const LinearShape& shape);
  ~LinearPlan();
  LinearPlan(const LinearPlan&) = delete;
  LinearPlan& operator=(const LinearPlan&) = delete;

 private:
  friend class Linear;
  struct Compiled;
  explicit LinearPlan(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

class Linear {
 public:
  /// weight: [outputs, inputs]; bias: [outputs]. Both are copied.
  static Result<Linear> pack(std::shared_ptr<const LinearPlan> plan, std::span<const float> weight,
                             std::span<const float> bias);
  Linear(Linear&&) noexcept;
  Linear& operator=(Linear&&) noexcept;
  ~Linear();

  /// in: [rows, inputs]; out: [rows, outputs]; both dense.
  Status run(const float* in, float* out, std::size_t rows) const;

 private:
  struct Packed;
  Linear(std::shared_ptr<const LinearPlan> plan, std::unique_ptr<Packed> packed);
  std::shared_ptr<const LinearPlan> plan_;
  std::unique_ptr<Packed> packed_;
};

/// The instruction set the products run on, for people.
std::string linear_instruction_set();

}  // namespace sextant
