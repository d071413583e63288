#include "service/schema_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.h"

namespace sextant {

namespace {

constexpr std::int64_t kRetryAfterNs = SchemaCache::kRetryAfterMs * 1'000'000;

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

// Definitions stored by versions that took any setting from a library: where a model lies and how many
// threads run it changes no vector, so these count for nothing now; the others would.
Status check_stored_settings(const Json& settings) {
  constexpr std::array<std::string_view, 5> kHarmless = {"provider", "model", "dimension", "model_dir",
                                                         "threads"};
  for (const auto& [key, value] : settings.as_object()) {
    if (std::ranges::find(kHarmless, key) != kHarmless.end()) continue;
    return fail(
        field_error(ErrorCode::kInvalidArgument, key,
                    fmt::format("the library's embedder has its own '{}', which is no longer taken from "
                                "a library: it is set in the server's configuration",
                                key)));
  }
  return {};
}

Status check_model(const Json* model, const Embedder& embedder, std::string_view whose) {
  if (model == nullptr || (model->is_string() && model->as_string() == embedder.model_name())) return {};
  return fail(field_error(ErrorCode::kEmbeddingContractViolation, "model",
                          fmt::format("{} '{}' embedder has model '{}', not {}", whose, embedder.provider(),
                                      embedder.model_name(), model->to_string())));
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
                         std::shared_ptr<Embedder> default_embedder, EmbedderFactory make_embedder,
                         Clock& clock)
    : database_(std::move(database)),
      default_embedder_(std::move(default_embedder)),
      make_embedder_(std::move(make_embedder)),
      clock_(clock) {}

std::shared_ptr<TableProvider> SchemaCache::kept(const LibraryName& parts, std::uint64_t& forgotten) {
  {
    const SharedLock lock(mutex_);
    forgotten = forgotten_;
    const auto found = providers_.find(parts);
    if (found == providers_.end()) return nullptr;
    const Entry& entry = found->second;
    if (entry.retry_at_ns == 0 || !entry.is_due(clock_.monotonic_ns())) return entry.table;
  }
  const ExclusiveLock lock(mutex_);
  forgotten = forgotten_;
  const auto found = providers_.find(parts);
  if (found == providers_.end()) return nullptr;
  const std::int64_t now_ns = clock_.monotonic_ns();
  if (!found->second.is_due(now_ns)) return found->second.table;
  found->second.retry_at_ns = now_ns + kRetryAfterNs;  // the others go on with what there is
  return nullptr;
}

Result<std::shared_ptr<TableProvider>> SchemaCache::provider(const RequestContext& context,
                                                             std::string_view name) {
  const auto parsed = parse_library_name(name);
  if (!parsed) return fail(in_field("library", parsed.error()));
  const LibraryName& parts = *parsed;
  while (true) {
    std::uint64_t forgotten = 0;
    if (auto table = kept(parts, forgotten)) return table;
    // Outside of the lock: the catalogue is read, and a model may have to be loaded.
    std::string full = parts.full();
    TRY_ASSIGN(const LibraryInfo info, database_->library(context, full));
    Entry made = make_entry(info.definition.spec, full);

    const ExclusiveLock lock(mutex_);
    const auto found = providers_.find(parts);
    if (found != providers_.end() && found->second.retry_at_ns == 0) return found->second.table;
    if (forgotten_ != forgotten) continue;  // what was read may be of a library that was dropped meanwhile
    auto table = made.table;
    providers_.insert_or_assign(std::move(full), std::move(made));
    return table;
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
  TRY(check_stored_settings(settings));
  const Json* const model = settings.find("model");
  const Json* const dimension = settings.find("dimension");
  if (default_embedder_ != nullptr && default_embedder_->provider() == provider &&
      (dimension == nullptr || *dimension == Json(std::uint64_t{default_embedder_->dimension()}))) {
    TRY(check_model(model, *default_embedder_, "the server's"));
    return default_embedder_;
  }
  Json own = Json::object();
  if (dimension != nullptr) own.set("dimension", *dimension);
  const std::string key = provider + ' ' + own.to_string();
  const MutexLock lock(embedder_mutex_);
  std::erase_if(embedders_, [](const auto& entry) { return entry.second.expired(); });
  std::shared_ptr<Embedder> made;
  if (const auto found = embedders_.find(key); found != embedders_.end()) made = found->second.lock();
  if (made == nullptr) {
    TRY_ASSIGN(made, make_embedder_(provider, own));
    embedders_[key] = made;
  }
  TRY(check_model(model, *made, "the library's"));
  return made;
}

SchemaCache::Entry SchemaCache::make_entry(const LibrarySpec& spec, const std::string& full) {
  auto made = embedder(spec.embedding);
  if (made) return {std::make_shared<TableProvider>(full, database_, *std::move(made))};
  const Json* named = spec.embedding.find("provider");
  const std::string provider = named != nullptr && named->is_string() ? named->as_string() : "unknown";
  log_warning("embedder_unavailable",
              {{"library", spec.name}, {"provider", provider}, {"reason", made.error().to_string()}});
  auto unavailable = std::make_shared<UnavailableEmbedder>(spec, provider, std::move(made).error());
  return {std::make_shared<TableProvider>(full, database_, std::move(unavailable)),
          clock_.monotonic_ns() + kRetryAfterNs};
}

}  // namespace sextant
