#include "providers/testing/fake_embedder.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "base/random.h"

namespace sextant {

std::vector<float> FakeEmbedder::vector_of(const std::string& text, std::size_t dimension) {
  SeededRandom random(std::hash<std::string>()(text));
  std::vector<double> values(dimension);
  double squares = 0;
  for (double& value : values) {
    value = random.unit() - 0.5;
    squares += value * value;
  }
  std::vector<float> unit;
  unit.reserve(dimension);
  for (const double value : values) unit.push_back(static_cast<float>(value / std::sqrt(squares)));
  return unit;
}

void FakeEmbedder::refuse(const std::string& text) {
  const MutexLock lock(mutex_);
  refused_.insert(text);
}

void FakeEmbedder::break_down() {
  const MutexLock lock(mutex_);
  broken_ = true;
}

void FakeEmbedder::answer_one_too_few() {
  const MutexLock lock(mutex_);
  one_too_few_ = true;
}

std::vector<FakeEmbedder::Call> FakeEmbedder::calls() const {
  const MutexLock lock(mutex_);
  return calls_;
}

std::vector<std::string> FakeEmbedder::embedded() const {
  const MutexLock lock(mutex_);
  return embedded_;
}

EmbedderHealth FakeEmbedder::health() {
  const MutexLock lock(mutex_);
  return {.ready = !broken_, .detail = broken_ ? "broken down" : ""};
}

Result<std::vector<std::vector<float>>> FakeEmbedder::embed(const RequestContext& context,
                                                            std::span<const std::string> texts,
                                                            EmbeddingPurpose purpose) {
  const MutexLock lock(mutex_);
  calls_.push_back({{texts.begin(), texts.end()}, purpose});
  TRY(context.check_deadline("embedding"));
  if (broken_) return fail(ErrorCode::kEmbeddingUnavailable, "the embedder broke down");
  std::vector<std::vector<float>> vectors;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (refused_.contains(texts[i])) {
      return fail(
          field_error(ErrorCode::kLimitExceeded, fmt::format("texts[{}]", i), "the text is too long"));
    }
    vectors.push_back(vector_of(texts[i], settings_.dimension));
  }
  if (one_too_few_) {
    vectors.pop_back();
    return vectors;
  }
  embedded_.insert(embedded_.end(), texts.begin(), texts.end());
  return vectors;
}

}  // namespace sextant
