#include "service/metered_embedder.h"

namespace sextant {

namespace {

class MeteredEmbedder final : public Embedder {
 public:
  MeteredEmbedder(std::shared_ptr<Embedder> inner, Metrics& metrics, Clock& clock)
      : inner_(std::move(inner)), metrics_(metrics), clock_(clock) {}

  Result<std::vector<std::vector<float>>> embed(const RequestContext& context,
                                                std::span<const std::string> texts,
                                                EmbeddingPurpose purpose) override {
    const std::int64_t begin = clock_.monotonic_ns();
    auto vectors = inner_->embed(context, texts, purpose);
    metrics_.count_embedding(provider(), purpose, texts.size(), vectors.has_value(),
                             clock_.monotonic_ns() - begin);
    return vectors;
  }
  std::string_view provider() const override { return inner_->provider(); }
  std::string_view model_name() const override { return inner_->model_name(); }
  std::size_t dimension() const override { return inner_->dimension(); }
  EmbeddingLimits limits() const override { return inner_->limits(); }
  EmbedderHealth health() override { return inner_->health(); }
  bool lexical_only() const override { return inner_->lexical_only(); }

 private:
  const std::shared_ptr<Embedder> inner_;
  Metrics& metrics_;
  Clock& clock_;
};

}  // namespace

std::shared_ptr<Embedder> metered(std::shared_ptr<Embedder> inner, Metrics& metrics, Clock& clock) {
  if (inner == nullptr) return nullptr;
  return std::make_shared<MeteredEmbedder>(std::move(inner), metrics, clock);
}

}  // namespace sextant
