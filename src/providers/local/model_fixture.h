// Small models made up in the tests, and a slow, plain encoder to hold the fast one against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "providers/local/bert_config.h"
#include "providers/local/bert_encoder.h"

namespace sextant::testing {

/// A directory of its own, removed with everything in it at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }
  void write(std::string_view name, std::string_view content) const;
  void remove(std::string_view name) const;

 private:
  std::string path_;
};

struct Tensor {
  std::vector<std::size_t> shape;
  std::vector<float> numbers;
};
using Tensors = std::map<std::string, Tensor>;

/// The bytes of a safetensors file with all tensors of one type: F32, F16 or BF16.
std::string safetensors_file(const Tensors& tensors, std::string_view type = "F32");
/// A safetensors file from its two parts.
std::string safetensors_file(std::string_view header, std::string_view data);
/// The number as it is after it was written as F16 or BF16.
float rounded_to(std::string_view type, float number);

/// Everything a model directory is made of, for a test to change before it is written.
struct TinyModel {
  explicit TinyModel(const BertConfig& sizes, std::uint64_t seed = 1);

  BertConfig config;
  Json config_json;
  std::vector<std::string> vocabulary;
  Tensors tensors;
  std::string tensor_type = "F32";

  void write_to(const TemporaryDirectory& directory) const;
};

/// 2 layers of 24 dimensions, 3 heads, 40 inside, 16 positions.
BertConfig tiny_sizes();

/// The unit vector of a text by the textbook, in double precision.
std::vector<float> plain_embedding(const TinyModel& model, const TokenIds& tokens);

/// The largest difference of two elements at the same place; infinite for different sizes.
double largest_difference(const std::vector<float>& a, const std::vector<float>& b);

/// The published model's directory: SEXTANT_MODEL_DIR, or models/all-MiniLM-L6-v2 in the repository.
std::string published_model_directory();

}  // namespace sextant::testing
