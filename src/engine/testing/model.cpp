#include "engine/testing/model.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace sextant {

namespace {

using Failure = std::optional<ErrorCode>;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

std::vector<double> normalized(std::vector<double> v) {
  const double norm = std::sqrt(dot(v, v));
  for (double& x : v) x /= norm;
  return v;
}

std::int64_t rank_of(const ModelDocument& document, const ModelChunk& chunk) {
  const Json* n = chunk.metadata.find("n");
  if (n == nullptr) n = document.metadata.find("n");
  return n == nullptr ? 1'000'000 : n->as_integer();
}

}  // namespace

ModelDocument* Model::owner_of(ModelLibrary& library, const std::string& chunk_id, std::string* document_id) {
  for (auto& [id, document] : library.documents) {
    for (const ModelChunk& chunk : document.chunks) {
      if (chunk.id != chunk_id) continue;
      if (document_id != nullptr) *document_id = id;
      return &document;
    }
  }
  return nullptr;
}

Failure Model::make_chunk(ModelLibrary& library, const ChunkInput& input, const std::string& default_id,
                          ModelChunk& out) {
  if (library.dimension != 0 && input.vector.size() != library.dimension)
    return ErrorCode::kEmbeddingContractViolation;
  out.id = input.id.empty() ? default_id : input.id;
  out.text = input.text;
  out.metadata = input.metadata;
  out.vector.assign(input.vector.begin(), input.vector.end());
  out.norm = 1;
  if (library.normalize) {
    const double norm = std::sqrt(dot(out.vector, out.vector));
    if (norm == 0) return ErrorCode::kInvalidVector;
    out.norm = norm;
    out.vector = normalized(out.vector);
  }
  return {};
}

Failure Model::apply(const Operation& operation) {
  if (const auto* create = std::get_if<CreateLibrary>(&operation)) {
    if (libraries_.contains(create->spec.name)) return ErrorCode::kLibraryExists;
    ModelLibrary library;
    library.metric = create->spec.field.metric;
    library.normalize = create->spec.field.normalize || library.metric == Metric::kCosine;
    libraries_[create->spec.name] = library;
    return {};
  }
  if (const auto* drop = std::get_if<DropLibrary>(&operation)) {
    return libraries_.erase(drop->library) == 0 ? Failure(ErrorCode::kLibraryNotFound) : Failure();
  }
  const std::string name = std::visit(
      [](const auto& o) -> std::string {
        if constexpr (requires { o.library; }) return o.library;
        return {};
      },
      operation);
  const auto it = libraries_.find(name);
  if (it == libraries_.end()) return ErrorCode::kLibraryNotFound;
  ModelLibrary& library = it->second;

  if (const auto* upsert = std::get_if<UpsertDocument>(&operation)) {
    ModelDocument document;
    document.metadata = upsert->document.metadata;
    std::set<std::string> ids;
    std::size_t dimension = library.dimension;
    for (std::size_t i = 0; i < upsert->document.chunks.size(); ++i) {
      ModelLibrary contract = {library.metric, library.normalize, dimension, {}};
      const ChunkInput& input = upsert->document.chunks[i];
      const std::string default_id = upsert->document.id + "#" + std::to_string(i);
      if (!ids.insert(input.id.empty() ? default_id : input.id).second) return ErrorCode::kInvalidArgument;
      ModelChunk chunk;
      if (const auto f = make_chunk(contract, input, default_id, chunk)) return f;
      dimension = chunk.vector.size();
      document.chunks.push_back(std::move(chunk));
    }
    if (library.documents.contains(upsert->document.id)) {
      if (upsert->on_conflict == OnConflict::kError) return ErrorCode::kDocumentExists;
      if (upsert->on_conflict == OnConflict::kIgnore) return {};
    }
    for (const std::string& id : ids) {
      std::string owner;
      if (!later_ && owner_of(library, id, &owner) != nullptr && owner != upsert->document.id)
        return ErrorCode::kChunkIdTaken;
    }
    library.dimension = dimension;
    library.documents[upsert->document.id] = std::move(document);
    return {};
  }
  if (const auto* patch = std::get_if<PatchDocument>(&operation)) {
    const auto d = library.documents.find(patch->id);
    if (d == library.documents.end()) return ErrorCode::kDocumentNotFound;
    d->second.metadata.merge_patch(patch->metadata_patch);
    return {};
  }
  if (const auto* erase = std::get_if<DeleteDocument>(&operation)) {
    if (library.documents.erase(erase->id) == 0 && erase->missing == MissingPolicy::kError)
      return ErrorCode::kDocumentNotFound;
    return {};
  }
  if (const auto* put = std::get_if<PutChunk>(&operation)) {
    std::string owner;
    ModelDocument* document = owner_of(library, put->chunk.id, &owner);
    if (document == nullptr && put->document_id.empty()) return ErrorCode::kChunkNotFound;
    if (document != nullptr && !put->document_id.empty() && owner != put->document_id)
      return ErrorCode::kChunkIdTaken;
    if (document == nullptr) {
      const auto d = library.documents.find(put->document_id);
      if (d == library.documents.end()) return ErrorCode::kDocumentNotFound;
      document = &d->second;
    }
    ModelChunk chunk;
    if (const auto f = make_chunk(library, put->chunk, put->chunk.id, chunk)) return f;
    library.dimension = chunk.vector.size();
    const auto at = std::ranges::find(document->chunks, chunk.id, &ModelChunk::id);
    if (at == document->chunks.end())
      document->chunks.push_back(std::move(chunk));
    else
      *at = std::move(chunk);
    return {};
  }
  if (const auto* patch = std::get_if<PatchChunk>(&operation)) {
    ModelDocument* document = owner_of(library, patch->id, nullptr);
    if (document == nullptr) return ErrorCode::kChunkNotFound;
    ModelChunk& chunk = *std::ranges::find(document->chunks, patch->id, &ModelChunk::id);
    ModelChunk changed = chunk;
    changed.metadata.merge_patch(patch->metadata_patch);
    if (!patch->vector.empty()) {
      ChunkInput input{chunk.id, patch->text.value_or(chunk.text), changed.metadata, patch->vector, {}};
      if (const auto f = make_chunk(library, input, chunk.id, changed)) return f;
    }
    chunk = std::move(changed);
    return {};
  }
  if (const auto* erase = std::get_if<DeleteChunk>(&operation)) {
    ModelDocument* document = owner_of(library, erase->id, nullptr);
    if (document == nullptr)
      return erase->missing == MissingPolicy::kError ? Failure(ErrorCode::kChunkNotFound) : Failure();
    std::erase_if(document->chunks, [&](const ModelChunk& chunk) { return chunk.id == erase->id; });
    return {};
  }
  return ErrorCode::kInternal;
}

bool Model::chunk_ids_are_unique() const {
  for (const auto& [name, library] : libraries_) {
    std::set<std::string> seen;
    for (const auto& [id, document] : library.documents) {
      for (const ModelChunk& chunk : document.chunks) {
        if (!seen.insert(chunk.id).second) return false;
      }
    }
  }
  return true;
}

std::vector<ModelHit> Model::search(const ModelLibrary& library, const std::vector<float>& query,
                                    std::int64_t limit) {
  std::vector<double> q(query.begin(), query.end());
  if (library.normalize) q = normalized(q);
  std::vector<ModelHit> hits;
  for (const auto& [id, document] : library.documents) {
    for (const ModelChunk& chunk : document.chunks) {
      if (rank_of(document, chunk) >= limit) continue;
      double distance = 0;
      switch (library.metric) {
        case Metric::kCosine:
          distance = 1 - dot(q, chunk.vector);
          break;
        case Metric::kDot:
          distance = -dot(q, chunk.vector);
          break;
        case Metric::kL2:
          for (std::size_t i = 0; i < q.size(); ++i)
            distance += (q[i] - chunk.vector[i]) * (q[i] - chunk.vector[i]);
          distance = std::sqrt(distance);
          break;
      }
      hits.push_back({chunk.id, distance});
    }
  }
  std::ranges::sort(hits, {}, &ModelHit::distance);
  return hits;
}

}  // namespace sextant
