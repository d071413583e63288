#include "providers/local/bert_encoder.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace sextant {
namespace {

void grow(std::vector<float>& memory, std::size_t floats) {
  if (memory.size() < floats) memory.resize(floats);
}

}  // namespace

class BertEncoder::Loader {
 public:
  Loader(const Safetensors& weights, const BertConfig& config)
      : weights_(weights),
        config_(config),
        // Encoders saved with a head on top carry the encoder's name in front.
        prefix_(weights.contains("bert.embeddings.word_embeddings.weight") ? "bert." : "") {}

  Result<std::unique_ptr<const BertEncoder>> load() {
    std::unique_ptr<BertEncoder> encoder(new BertEncoder(config_));
    TRY(compile_plans());
    TRY(load_embeddings(*encoder));
    for (std::size_t i = 0; i < config_.layers; ++i) {
      TRY_ASSIGN(auto layer, load_layer("encoder.layer." + std::to_string(i) + "."));
      encoder->layers_.push_back(std::move(layer));
    }
    return std::unique_ptr<const BertEncoder>(std::move(encoder));
  }

 private:
  using Plan = std::shared_ptr<const LinearPlan>;

  Result<std::vector<float>> read(const std::string& name, std::initializer_list<std::size_t> shape) const {
    return weights_.read(prefix_ + name, {shape.begin(), shape.size()});
  }

  Status compile_plans() {
    const std::size_t hidden = config_.hidden;
    TRY_ASSIGN(project_, LinearPlan::compile({hidden, 3 * hidden, Epilogue::kNone}));
    TRY_ASSIGN(mix_, LinearPlan::compile({hidden, hidden, Epilogue::kAddToOutput}));
    TRY_ASSIGN(widen_, LinearPlan::compile({hidden, config_.inner, Epilogue::kGelu}));
    TRY_ASSIGN(narrow_, LinearPlan::compile({config_.inner, hidden, Epilogue::kAddToOutput}));
    return {};
  }

  Status load_embeddings(BertEncoder& encoder) const {
    const std::size_t hidden = config_.hidden;
    const std::string name = "embeddings.";
    TRY_ASSIGN(encoder.words_, read(name + "word_embeddings.weight", {config_.vocabulary, hidden}));
    TRY_ASSIGN(encoder.positions_, read(name + "position_embeddings.weight", {config_.positions, hidden}));
    TRY_ASSIGN(const auto types, read(name + "token_type_embeddings.weight", {config_.token_types, hidden}));
    for (std::size_t i = 0; i < encoder.positions_.size(); ++i) encoder.positions_[i] += types[i % hidden];
    TRY_ASSIGN(encoder.embedding_norm_, load_norm(name + "LayerNorm"));
    return {};
  }

  Result<Norm> load_norm(const std::string& name) const {
    Norm norm;
    TRY_ASSIGN(norm.gain, read(name + ".weight", {config_.hidden}));
    TRY_ASSIGN(norm.shift, read(name + ".bias", {config_.hidden}));
    return norm;
  }

  Result<Linear> load_linear(const Plan& plan, const std::string& name, std::size_t inputs,
                             std::size_t outputs) const {
    TRY_ASSIGN(const auto weight, read(name + ".weight", {outputs, inputs}));
    TRY_ASSIGN(const auto bias, read(name + ".bias", {outputs}));
    return Linear::pack(plan, weight, bias);
  }

  /// The three projections as one product, the queries scaled by 1 / sqrt(head width) beforehand.
  Result<Linear> load_projections(const std::string& name) const {
    const std::size_t hidden = config_.hidden;
    std::vector<float> weight;
    std::vector<float> bias;
    for (const std::string_view part : {"query", "key", "value"}) {
      const std::string part_name = name + std::string(part);
      TRY_ASSIGN(const auto part_weight, read(part_name + ".weight", {hidden, hidden}));
      TRY_ASSIGN(const auto part_bias, read(part_name + ".bias", {hidden}));
      weight.insert(weight.end(), part_weight.begin(), part_weight.end());
      bias.insert(bias.end(), part_bias.begin(), part_bias.end());
    }
    const std::size_t head_width = hidden / config_.heads;
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_width));
    for (std::size_t i = 0; i < hidden * hidden; ++i) weight[i] *= scale;
    for (std::size_t i = 0; i < hidden; ++i) bias[i] *= scale;
    return Linear::pack(project_, weight, bias);
  }

  Result<Layer> load_layer(const std::string& name) const {
    const std::size_t hidden = config_.hidden;
    TRY_ASSIGN(auto project, load_projections(name + "attention.self."));
    TRY_ASSIGN(auto mix, load_linear(mix_, name + "attention.output.dense", hidden, hidden));
    TRY_ASSIGN(auto mix_norm, load_norm(name + "attention.output.LayerNorm"));
    TRY_ASSIGN(auto widen, load_linear(widen_, name + "intermediate.dense", hidden, config_.inner));
    TRY_ASSIGN(auto narrow, load_linear(narrow_, name + "output.dense", config_.inner, hidden));
    TRY_ASSIGN(auto narrow_norm, load_norm(name + "output.LayerNorm"));
    return Layer{.project = std::move(project),
                 .mix = std::move(mix),
                 .mix_norm = std::move(mix_norm),
                 .widen = std::move(widen),
                 .narrow = std::move(narrow),
                 .narrow_norm = std::move(narrow_norm)};
  }

  const Safetensors& weights_;
  const BertConfig& config_;
  std::string prefix_;
  Plan project_;
  Plan mix_;
  Plan widen_;
  Plan narrow_;
};

Result<std::unique_ptr<const BertEncoder>> BertEncoder::load(const Safetensors& weights,
                                                             const BertConfig& config) {
  return Loader(weights, config).load();
}

Status BertEncoder::encode(std::span<const TokenIds* const> texts, EncoderWorkspace& workspace,
                           std::span<float> vectors) const {
  const std::size_t hidden = config_.hidden;
  CHECK(vectors.size() == texts.size() * hidden);
  std::size_t tokens = 0;
  for (const TokenIds* text : texts) {
    CHECK(!text->empty() && text->size() <= config_.positions);
    tokens += text->size();
  }
  const std::size_t padded = LinearPlan::padded_rows(tokens);
  grow(workspace.states_, padded * hidden);
  grow(workspace.projected_, padded * 3 * hidden);
  grow(workspace.context_, padded * hidden);
  grow(workspace.inner_, std::min(padded, LinearPlan::kBlockRows) * config_.inner);
  // Rows of padding are computed with the others: left to themselves they would grow from call to call.
  std::fill_n(workspace.states_.data() + tokens * hidden, (padded - tokens) * hidden, 0.0F);
  std::fill_n(workspace.context_.data() + tokens * hidden, (padded - tokens) * hidden, 0.0F);

  embed_tokens(texts, workspace.states_.data());
  for (const Layer& layer : layers_) TRY(run_layer(layer, texts, tokens, workspace));
  pool(texts, workspace.states_.data(), vectors);
  return {};
}

void BertEncoder::normalise(const Norm& norm, float* rows, std::size_t count) const {
  kernels_.layer_norm(rows, count, config_.hidden,
                      {.gain = norm.gain.data(),
                       .shift = norm.shift.data(),
                       .epsilon = static_cast<float>(config_.norm_epsilon)});
}

void BertEncoder::embed_tokens(std::span<const TokenIds* const> texts, float* states) const {
  const std::size_t hidden = config_.hidden;
  float* state = states;
  for (const TokenIds* text : texts) {
    const float* position = positions_.data();
    for (const std::int32_t token : *text) {
      CHECK(token >= 0 && static_cast<std::size_t>(token) < config_.vocabulary);
      const float* word = words_.data() + static_cast<std::size_t>(token) * hidden;
      for (std::size_t i = 0; i < hidden; ++i) state[i] = word[i] + position[i];
      state += hidden;
      position += hidden;
    }
  }
  normalise(embedding_norm_, states, static_cast<std::size_t>(state - states) / hidden);
}

void BertEncoder::attend(std::span<const TokenIds* const> texts, EncoderWorkspace& workspace) const {
  const float* projected = workspace.projected_.data();
  float* context = workspace.context_.data();
  for (const TokenIds* text : texts) {
    const AttentionShape shape{
        .tokens = text->size(), .heads = config_.heads, .head_width = config_.hidden / config_.heads};
    grow(workspace.scratch_, attention_scratch_floats(shape));
    kernels_.attention(shape, projected, context, workspace.scratch_.data());
    projected += text->size() * 3 * config_.hidden;
    context += text->size() * config_.hidden;
  }
}

Status BertEncoder::run_layer(const Layer& layer, std::span<const TokenIds* const> texts, std::size_t tokens,
                              EncoderWorkspace& workspace) const {
  TRY(layer.project.run(workspace.states_.data(), workspace.projected_.data(), tokens));
  attend(texts, workspace);
  // From here on no row needs another: a block of them goes through to the layer's end while it is in the
  // cache.
  for (std::size_t first = 0; first < tokens; first += LinearPlan::kBlockRows) {
    const std::size_t rows = std::min(LinearPlan::kBlockRows, tokens - first);
    float* states = workspace.states_.data() + first * config_.hidden;
    TRY(layer.mix.run(workspace.context_.data() + first * config_.hidden, states, rows));
    normalise(layer.mix_norm, states, rows);
    TRY(layer.widen.run(states, workspace.inner_.data(), rows));
    TRY(layer.narrow.run(workspace.inner_.data(), states, rows));
    normalise(layer.narrow_norm, states, rows);
  }
  return {};
}

void BertEncoder::pool(std::span<const TokenIds* const> texts, const float* states,
                       std::span<float> vectors) const {
  const std::size_t hidden = config_.hidden;
  for (std::size_t text = 0; text < texts.size(); ++text) {
    const std::size_t tokens = texts[text]->size();
    float* vector = vectors.data() + text * hidden;
    std::copy(states, states + hidden, vector);
    if (config_.pooling == Pooling::kMean) {
      for (std::size_t t = 1; t < tokens; ++t) {
        for (std::size_t i = 0; i < hidden; ++i) vector[i] += states[t * hidden + i];
      }
      for (std::size_t i = 0; i < hidden; ++i) vector[i] /= static_cast<float>(tokens);
    }
    states += tokens * hidden;
  }
}

}  // namespace sextant
