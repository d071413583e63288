#include "providers/local/model_fixture.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <stdlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/bytes.h"
#include "base/check.h"
#include "base/random.h"

namespace sextant::testing {
namespace {

/// Truncated, not rounded: that is enough to have numbers which fit the type exactly.
std::uint16_t to_half(float number) {
  const auto bits = std::bit_cast<std::uint32_t>(number);
  const auto sign = (bits >> 16U) & 0x8000U;
  const auto exponent = static_cast<int>((bits >> 23U) & 0xFFU) - 127;
  CHECK(exponent < 16);
  const std::uint32_t fraction = (bits & 0x7FFFFFU) | 0x800000U;
  if (exponent < -24) return static_cast<std::uint16_t>(sign);
  if (exponent < -14)
    return static_cast<std::uint16_t>(sign | (fraction >> static_cast<unsigned>(-exponent - 1)));
  return static_cast<std::uint16_t>(sign | (static_cast<std::uint32_t>(exponent + 15) << 10U) |
                                    ((bits >> 13U) & 0x3FFU));
}

using Matrix = std::vector<std::vector<double>>;

class PlainEncoder {
 public:
  PlainEncoder(const TinyModel& model) : model_(model) {}

  std::vector<float> embed(const TokenIds& tokens) const {
    Matrix x;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      std::vector<double> row(model_.config.hidden);
      for (std::size_t i = 0; i < row.size(); ++i) {
        row[i] = at("embeddings.word_embeddings.weight", static_cast<std::size_t>(tokens[t]), i) +
                 at("embeddings.position_embeddings.weight", t, i) +
                 at("embeddings.token_type_embeddings.weight", 0, i);
      }
      x.push_back(row);
    }
    normalise(x, "embeddings.LayerNorm");
    for (std::size_t layer = 0; layer < model_.config.layers; ++layer) {
      run_layer(x, fmt::format("encoder.layer.{}.", layer));
    }
    return pool(x);
  }

 private:
  double at(const std::string& tensor, std::size_t row, std::size_t column) const {
    const Tensor& found = model_.tensors.at(tensor);
    return rounded_to(model_.tensor_type, found.numbers[row * found.shape.back() + column]);
  }

  Matrix linear(const Matrix& x, const std::string& name) const {
    const std::size_t outputs = model_.tensors.at(name + ".bias").numbers.size();
    Matrix y(x.size(), std::vector<double>(outputs));
    for (std::size_t t = 0; t < x.size(); ++t) {
      for (std::size_t o = 0; o < outputs; ++o) {
        y[t][o] = at(name + ".bias", 0, o);
        for (std::size_t i = 0; i < x[t].size(); ++i) y[t][o] += x[t][i] * at(name + ".weight", o, i);
      }
    }
    return y;
  }

  void normalise(Matrix& x, const std::string& name) const {
    for (auto& row : x) {
      const auto n = static_cast<double>(row.size());
      double mean = 0;
      for (const double value : row) mean += value / n;
      double variance = 0;
      for (const double value : row) variance += (value - mean) * (value - mean) / n;
      for (std::size_t i = 0; i < row.size(); ++i) {
        row[i] =
            (row[i] - mean) / std::sqrt(variance + model_.config.norm_epsilon) * at(name + ".weight", 0, i) +
            at(name + ".bias", 0, i);
      }
    }
  }

  Matrix attend(const Matrix& x, const std::string& name) const {
    const Matrix q = linear(x, name + "query");
    const Matrix k = linear(x, name + "key");
    const Matrix v = linear(x, name + "value");
    const std::size_t width = model_.config.hidden / model_.config.heads;
    Matrix context(x.size(), std::vector<double>(model_.config.hidden));
    for (std::size_t head = 0; head < model_.config.heads; ++head) {
      for (std::size_t t = 0; t < x.size(); ++t) {
        std::vector<double> weights(x.size());
        double sum = 0;
        for (std::size_t u = 0; u < x.size(); ++u) {
          double score = 0;
          for (std::size_t i = head * width; i < (head + 1) * width; ++i) score += q[t][i] * k[u][i];
          weights[u] = std::exp(score / std::sqrt(static_cast<double>(width)));
          sum += weights[u];
        }
        for (std::size_t u = 0; u < x.size(); ++u) {
          for (std::size_t i = head * width; i < (head + 1) * width; ++i)
            context[t][i] += weights[u] / sum * v[u][i];
        }
      }
    }
    return context;
  }

  void run_layer(Matrix& x, const std::string& name) const {
    add(x, linear(attend(x, name + "attention.self."), name + "attention.output.dense"));
    normalise(x, name + "attention.output.LayerNorm");
    Matrix inner = linear(x, name + "intermediate.dense");
    for (auto& row : inner) {
      for (double& value : row) value *= 0.5 * (1 + std::erf(value / std::sqrt(2.0)));
    }
    add(x, linear(inner, name + "output.dense"));
    normalise(x, name + "output.LayerNorm");
  }

  static void add(Matrix& x, const Matrix& y) {
    for (std::size_t t = 0; t < x.size(); ++t) {
      for (std::size_t i = 0; i < x[t].size(); ++i) x[t][i] += y[t][i];
    }
  }

  std::vector<float> pool(const Matrix& x) const {
    std::vector<double> sum(model_.config.hidden);
    for (std::size_t t = 0; t < (model_.config.pooling == Pooling::kCls ? 1 : x.size()); ++t) {
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += x[t][i];
    }
    double squares = 0;
    for (const double value : sum) squares += value * value;
    std::vector<float> vector;
    for (const double value : sum) vector.push_back(static_cast<float>(value / std::sqrt(squares)));
    return vector;
  }

  const TinyModel& model_;
};

}  // namespace

TemporaryDirectory::TemporaryDirectory()
    : path_((std::filesystem::temp_directory_path() / "sextant-XXXXXX").string()) {
  CHECK(::mkdtemp(path_.data()) != nullptr);
}
TemporaryDirectory::~TemporaryDirectory() { std::filesystem::remove_all(path_); }

void TemporaryDirectory::write(std::string_view name, std::string_view content) const {
  const std::filesystem::path path = std::filesystem::path(path_) / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

void TemporaryDirectory::remove(std::string_view name) const {
  std::filesystem::remove(std::filesystem::path(path_) / name);
}

std::string safetensors_file(std::string_view header, std::string_view data) {
  std::string file;
  append_le(file, std::uint64_t{header.size()});
  file.append(header).append(data);
  return file;
}

std::string safetensors_file(const Tensors& tensors, std::string_view type) {
  std::string header = R"({"__metadata__":{"format":"pt"})";
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t begin = data.size();
    for (const float number : tensor.numbers) {
      if (type == "F32") append_le(data, number);
      if (type == "F16") append_le(data, to_half(number));
      if (type == "BF16")
        append_le(data, static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(number) >> 16U));
    }
    header += fmt::format(R"(,"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", name, type,
                          fmt::join(tensor.shape, ","), begin, data.size());
  }
  return safetensors_file(header + "}", data);
}

float rounded_to(std::string_view type, float number) {
  const auto bits = std::bit_cast<std::uint32_t>(number);
  if (type == "BF16") return std::bit_cast<float>(bits & 0xFFFF0000U);
  // The numbers used here are normal as F16, so only their fractions lose bits.
  if (type == "F16") return std::bit_cast<float>(bits & 0xFFFFE000U);
  return number;
}

BertConfig tiny_sizes() {
  BertConfig config;
  config.layers = 2;
  config.hidden = 24;
  config.heads = 3;
  config.inner = 40;
  config.positions = 16;
  config.token_types = 2;
  config.norm_epsilon = 1e-12;
  return config;
}

TinyModel::TinyModel(const BertConfig& sizes, std::uint64_t seed) : config(sizes) {
  vocabulary = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the",  "quick", "brown", "fox",
                "jump",  "##s",   "over",  "lazy",  "dog",    "find", ":",     "un",    "##known"};
  config.vocabulary = vocabulary.size();
  config_json = Json(Json::Object{{"model_type", "bert"},
                                  {"hidden_act", "gelu"},
                                  {"num_hidden_layers", std::uint64_t{config.layers}},
                                  {"hidden_size", std::uint64_t{config.hidden}},
                                  {"num_attention_heads", std::uint64_t{config.heads}},
                                  {"intermediate_size", std::uint64_t{config.inner}},
                                  {"vocab_size", std::uint64_t{config.vocabulary}},
                                  {"max_position_embeddings", std::uint64_t{config.positions}},
                                  {"type_vocab_size", std::uint64_t{config.token_types}},
                                  {"layer_norm_eps", config.norm_epsilon}});
  SeededRandom random(seed);
  const auto add = [&](const std::string& name, std::vector<std::size_t> shape, float center, float spread) {
    std::size_t count = 1;
    for (const std::size_t extent : shape) count *= extent;
    Tensor tensor{.shape = std::move(shape), .numbers = {}};
    for (std::size_t i = 0; i < count; ++i) {
      const auto unit = static_cast<float>(random.unit());
      // Kept away from 0, where F16 has few bits.
      const float magnitude = spread * (0.1F + unit);
      tensor.numbers.push_back(center + (random.below(2) == 0 ? magnitude : -magnitude));
    }
    tensors[name] = std::move(tensor);
  };
  const auto add_norm = [&](const std::string& name) {
    add(name + ".weight", {config.hidden}, 1.0F, 0.2F);
    add(name + ".bias", {config.hidden}, 0.0F, 0.2F);
  };
  const auto add_linear = [&](const std::string& name, std::size_t outputs, std::size_t inputs) {
    add(name + ".weight", {outputs, inputs}, 0.0F, 1.5F / std::sqrt(static_cast<float>(inputs)));
    add(name + ".bias", {outputs}, 0.0F, 0.2F);
  };
  add("embeddings.word_embeddings.weight", {config.vocabulary, config.hidden}, 0.0F, 1.0F);
  add("embeddings.position_embeddings.weight", {config.positions, config.hidden}, 0.0F, 0.3F);
  add("embeddings.token_type_embeddings.weight", {config.token_types, config.hidden}, 0.0F, 0.3F);
  add_norm("embeddings.LayerNorm");
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    const std::string name = fmt::format("encoder.layer.{}.", layer);
    for (const char* part : {"query", "key", "value"}) {
      add_linear(name + "attention.self." + part, config.hidden, config.hidden);
    }
    add_linear(name + "attention.output.dense", config.hidden, config.hidden);
    add_norm(name + "attention.output.LayerNorm");
    add_linear(name + "intermediate.dense", config.inner, config.hidden);
    add_linear(name + "output.dense", config.hidden, config.inner);
    add_norm(name + "output.LayerNorm");
  }
}

void TinyModel::write_to(const TemporaryDirectory& directory) const {
  directory.write("config.json", config_json.to_string());
  directory.write("vocab.txt", fmt::format("{}\n", fmt::join(vocabulary, "\n")));
  directory.write("model.safetensors", safetensors_file(tensors, tensor_type));
  if (config.pooling == Pooling::kCls) {
    directory.write("1_Pooling/config.json",
                    R"({"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":false})");
  }
}

std::vector<float> plain_embedding(const TinyModel& model, const TokenIds& tokens) {
  return PlainEncoder(model).embed(tokens);
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(double{a[i]} - double{b[i]}));
  return largest;
}

std::string published_model_directory() {
  const char* wanted = std::getenv("SEXTANT_MODEL_DIR");
  return wanted != nullptr ? wanted : SEXTANT_SOURCE_DIR "/models/all-MiniLM-L6-v2";
}

}  // namespace sextant::testing
