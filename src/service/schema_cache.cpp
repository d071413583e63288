#include "service/schema_cache.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace sextant {

namespace {

/// Stands for an embedder that could not be made: says why, whenever it is asked for a vector.
class UnavailableEmbedder final : public Embedder {
 public:
  UnavailableEmbedder(const LibrarySpec& spec, std::string provider, Error reason)
      : provider_(std::move(provider)),
        model_(spec.field.model.value_or("")),
        dimension_(spec.field.dimension),
        reason_(std::move(reason)) {}

  Result<std::vector<std::vector<float>>> embed(const RequestContext&, std::span<const std::string>,
                                                EmbeddingPurpose) override {
    return fail(caused_by(ErrorCode::kEmbeddingUnavailable,
                          fmt::format("the embedder '{}' could not be made: {}", provider_, reason_.message),
                          reason_));
  }
  std::string_view provider() const override { return provider_; }
  std::string_view model_name() const override { return model_; }
  std::size_t dimension() const override { return dimension_; }
  EmbeddingLimits limits() const override { return {}; }
  EmbedderHealth health() override { return {.ready = false, .detail = reason_.message}; }
  bool lexical_only() const override { return false; }

 private:
  const std::string provider_;
  const std::string model_;
  const std::size_t dimension_;
  const Error reason_;
};

Result<std::string> provider_of(const Json& settings) {
  if (!settings.is_object()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("must be an object, not {}", settings.type_name()));
  }
  const Json* provider = settings.find("provider");
  if (provider == nullptr || !provider->is_string()) {
    return fail(field_error(ErrorCode::kInvalidArgument, "provider", "must name an embedding provider"));
  }
  return provider->as_string();
}

// The same text for the same settings in any order.
std::string settings_key(const Json& settings) {
  Json sorted = settings;
  std::ranges::sort(sorted.as_object(), {}, &Json::Member::first);
  return sorted.to_string();
}

std::size_t mix(std::size_t space, std::size_t name) { return space * 0x9e3779b97f4a7c15ULL + name; }

}  // namespace

std::size_t SchemaCache::NameHash::operator()(const LibraryName& parts) const {
  return mix(std::hash<std::string_view>()(parts.space), std::hash<std::string_view>()(parts.name));
}

std::size_t SchemaCache::NameHash::operator()(std::string_view full) const {
  const std::size_t separator = full.find('.');  // a part holds none
  return (*this)(LibraryName{full.substr(0, separator), full.substr(separator + 1)});
}

bool SchemaCache::NameEqual::operator()(const LibraryName& parts, std::string_view full) const {
  return full.size() == parts.space.size() + 1 + parts.name.size() && full.starts_with(parts.space) &&
         full.ends_with(parts.name) && full[parts.space.size()] == '.';
}

SchemaCache::SchemaCache(std::shared_ptr<DatabaseProvider> database,
                         std::shared_ptr<Embedder> default_embedder, EmbedderFactory make_embedder)
    : database_(std::move(database)),
      default_embedder_(std::move(default_embedder)),
      make_embedder_(std::move(make_embedder)) {}

Result<std::shared_ptr<TableProvider>> SchemaCache::provider(const RequestContext& context,
                                                             std::string_view name) {
  const auto parsed = parse_library_name(name);
  if (!parsed) return fail(in_field("library", parsed.error()));
  const LibraryName& parts = *parsed;
  while (true) {
    std::uint64_t forgotten = 0;
    {
      const SharedLock lock(mutex_);
      if (const auto found = providers_.find(parts); found != providers_.end()) return found->second;
      forgotten = forgotten_;
    }
    // Outside of the lock: the catalogue is read, and a model may have to be loaded.
    std::string full = parts.full();
    TRY_ASSIGN(const LibraryInfo info, database_->library(context, full));
    auto embedder = embedder_or_reason(info.definition.spec);

    const ExclusiveLock lock(mutex_);
    if (const auto found = providers_.find(parts); found != providers_.end()) return found->second;
    if (forgotten_ != forgotten) continue;  // what was read may be of a library that was dropped meanwhile
    auto made = std::make_shared<TableProvider>(full, database_, std::move(embedder));
    providers_.emplace(std::move(full), made);
    return made;
  }
}

void SchemaCache::forget(std::string_view name) {
  const auto parts = parse_library_name(name);
  if (!parts) return;
  const ExclusiveLock lock(mutex_);
  ++forgotten_;
  if (const auto found = providers_.find(*parts); found != providers_.end()) providers_.erase(found);
}

std::size_t SchemaCache::provider_count() const {
  const SharedLock lock(mutex_);
  return providers_.size();
}

Result<std::shared_ptr<Embedder>> SchemaCache::embedder(const Json& settings) {
  if (settings.is_null()) return default_embedder_;
  TRY_ASSIGN(const std::string provider, provider_of(settings));
  if (default_embedder_ != nullptr && default_embedder_->provider() == provider) {
    const Json* model = settings.find("model");
    if (settings.size() == (model == nullptr ? 1U : 2U)) {
      if (model == nullptr || (model->is_string() && model->as_string() == default_embedder_->model_name())) {
        return default_embedder_;
      }
      return fail(field_error(ErrorCode::kEmbeddingContractViolation, "model",
                              fmt::format("the server's '{}' embedder has model '{}', not {}", provider,
                                          default_embedder_->model_name(), model->to_string())));
    }
  }
  const std::string key = settings_key(settings);
  const MutexLock lock(embedder_mutex_);
  std::erase_if(embedders_, [](const auto& entry) { return entry.second.expired(); });
  if (const auto found = embedders_.find(key); found != embedders_.end()) {
    if (auto embedder = found->second.lock()) return embedder;
  }
  Json own = settings;
  own.erase("provider");
  TRY_ASSIGN(auto made, make_embedder_(provider, own));
  embedders_[key] = made;
  return made;
}

std::shared_ptr<Embedder> SchemaCache::embedder_or_reason(const LibrarySpec& spec) {
  auto made = embedder(spec.embedding);
  if (made) return *std::move(made);
  const Json* named = spec.embedding.find("provider");
  const std::string provider = named != nullptr && named->is_string() ? named->as_string() : "unknown";
  log_warning("embedder_unavailable",
              {{"library", spec.name}, {"provider", provider}, {"reason", made.error().to_string()}});
  return std::make_shared<UnavailableEmbedder>(spec, provider, std::move(made).error());
}

}  // namespace sextant
