// FakeEmbedder: an embedder for tests that remembers what it was asked and fails where it is told to.
//
// Thread-safe.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "providers/embedder.h"

namespace sextant {

class FakeEmbedder final : public Embedder {
 public:
  struct Settings {
    std::string provider = "fake";
    std::string model = "fake-model";
    std::size_t dimension = 4;
    std::size_t max_texts_per_call = 0;
  };
  struct Call {
    std::vector<std::string> texts;
    EmbeddingPurpose purpose;
  };

  explicit FakeEmbedder(Settings settings) : settings_(std::move(settings)) {}
  FakeEmbedder() : FakeEmbedder(Settings{}) {}

  /// The vector that a text gets: of unit length, the same in every fake of this dimension.
  static std::vector<float> vector_of(const std::string& text, std::size_t dimension = 4);

  /// A call that holds this text fails with kLimitExceeded at "texts[i]".
  void refuse(const std::string& text);
  /// Every call fails with kEmbeddingUnavailable, without naming a text.
  void break_down();
  void answer_one_too_few();

  std::vector<Call> calls() const;
  /// The texts of all calls that succeeded, in order.
  std::vector<std::string> embedded() const;

  Result<std::vector<std::vector<float>>> embed(const RequestContext& context,
                                                std::span<const std::string> texts,
                                                EmbeddingPurpose purpose) override;
  std::string_view provider() const override { return settings_.provider; }
  std::string_view model_name() const override { return settings_.model; }
  std::size_t dimension() const override { return settings_.dimension; }
  EmbeddingLimits limits() const override { return {.max_texts_per_call = settings_.max_texts_per_call}; }
  EmbedderHealth health() override;
  bool lexical_only() const override { return true; }

 private:
  const Settings settings_;
  mutable Mutex mutex_;
  std::set<std::string> refused_ GUARDED_BY(mutex_);
  bool broken_ GUARDED_BY(mutex_) = false;
  bool one_too_few_ GUARDED_BY(mutex_) = false;
  std::vector<Call> calls_ GUARDED_BY(mutex_);
  std::vector<std::string> embedded_ GUARDED_BY(mutex_);
};

}  // namespace sextant
