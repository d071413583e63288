#include "golden.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "engine/reads.h"

namespace sextant {

namespace {

constexpr std::int64_t kStart = 1'700'000'000'000;

LibrarySpec spec_of(const std::string& name, Metric metric, bool normalize) {
  LibrarySpec spec;
  spec.name = name;
  spec.field.metric = metric;
  spec.field.normalize = normalize;
  spec.metadata.set("purpose", Json("golden"));
  return spec;
}

ChunkInput chunk_of(const std::string& id, const std::string& text, std::vector<float> vector) {
  ChunkInput chunk;
  chunk.id = id;
  chunk.text = text;
  chunk.vector = std::move(vector);
  chunk.metadata.set("length", Json(static_cast<std::int64_t>(text.size())));
  return chunk;
}

UpsertDocument upsert(const std::string& library, const std::string& id, std::vector<ChunkInput> chunks) {
  UpsertDocument operation;
  operation.library = library;
  operation.document.id = id;
  operation.document.metadata.set("title", Json(id));
  operation.document.chunks = std::move(chunks);
  return operation;
}

std::vector<WriteRequest> requests() {
  const std::string a = "default.cosine";
  const std::string b = "space.l2";
  std::vector<std::vector<Operation>> transactions;
  transactions.push_back({CreateLibrary{spec_of(a, Metric::kCosine, true)}});
  transactions.push_back(
      {CreateLibrary{spec_of(b, Metric::kL2, false)}, upsert(b, "first", {chunk_of("", "unit", {0, 1, 2})})});
  transactions.push_back(
      {upsert(a, "d1", {chunk_of("", "hello", {3, 4}), chunk_of("x", "wörld ✓", {-1, 1})})});
  transactions.push_back({upsert(a, "d2", {chunk_of("", "two", {1, 0})}), upsert(b, "second", {})});
  transactions.push_back({PatchDocument{a, "d1", *parse_json(R"({"title": null, "year": 2024})"), {}}});
  transactions.push_back({PutChunk{a, "d2", chunk_of("y", "added", {0, -5}), {}}});
  PatchChunk patch;
  patch.library = a;
  patch.id = "x";
  patch.metadata_patch = *parse_json(R"({"tags": ["a", "b"]})");
  transactions.push_back({patch});
  transactions.push_back({DeleteChunk{a, "d1#0"}});
  transactions.push_back({DeleteDocument{b, "first"}});
  UpdateLibrary update;
  update.library = b;
  update.metadata_patch = *parse_json(R"({"owner": "nobody"})");
  transactions.push_back({update});
  transactions.push_back({CreateLibrary{spec_of("default.gone", Metric::kDot, true)}});
  transactions.push_back({DropLibrary{"default.gone"}});
  std::vector<WriteRequest> all;
  for (auto& operations : transactions) {
    WriteRequest request;
    request.transactions.push_back({std::move(operations), {}});
    if (all.size() == 2)
      request.idempotency = IdempotencyKey{"local POST documents", "golden-key", "golden-hash"};
    all.push_back(std::move(request));
  }
  return all;
}

}  // namespace

Status write_golden_database(const std::string& directory) {
  ManualClock clock(kStart);
  SeededRandom random(1);
  DatabaseOptions options;
  options.clock = &clock;
  options.random = &random;
  options.lane.idle_mark_ms = 3'600'000;  // marks depend on time; the bytes shall not
  TRY_ASSIGN(const auto database, Database::open(directory, options));
  for (const WriteRequest& request : requests()) {
    clock.advance_ms(1000);
    TRY_ASSIGN(const WriteResult result, database->write({}, request));
    if (!result.transactions.at(0)) return fail(result.transactions[0].error());
  }
  // Late enough that the remembered outcome is forgotten by a record.
  clock.advance_ms(25LL * 3600 * 1000);
  WriteRequest last;
  last.transactions.push_back({{upsert("default.cosine", "late", {chunk_of("", "late", {1, 1})})}, {}});
  TRY_ASSIGN(const WriteResult result, database->write({}, last));
  if (!result.transactions.at(0)) return fail(result.transactions[0].error());
  return {};
}

Result<Json> describe_database(const Snapshot& snapshot) {
  Json out = Json::object();
  out.set("sequence", Json(snapshot->sequence));
  std::vector<std::string> names;
  snapshot->libraries.for_each(
      [&](LibraryId, const auto& library) { names.push_back(library->definition->spec.name); });
  std::ranges::sort(names);
  for (const std::string& name : names) {
    TRY_ASSIGN(const LibraryView view, find_library(snapshot, name));
    const LibraryInfo info = describe_library(*view.state);
    const VectorField& field = info.definition.spec.field;
    Json library = Json::object();
    library.set("id", Json(std::int64_t{info.definition.id})).set("version", Json(info.definition.version));
    library.set("metric", Json(static_cast<int>(field.metric))).set("normalize", Json(field.normalize));
    library.set("dimension", Json(std::int64_t{field.dimension}))
        .set("model", Json(field.model.value_or("none")));
    library.set("metadata", info.definition.spec.metadata);
    library.set("created", Json(info.definition.created_ms)).set("updated", Json(info.definition.updated_ms));
    library.set("chunks", Json(info.chunks)).set("dead", Json(info.dead_chunks));
    PageRequest all;
    all.limit = 1000;
    TRY_ASSIGN(const DocumentPage page, list_documents({}, view, all));
    for (const Document& document : page.documents) {
      Json entry = Json::object();
      entry.set("version", Json(document.version)).set("metadata", document.metadata);
      entry.set("created", Json(document.created_ms)).set("updated", Json(document.updated_ms));
      TRY_ASSIGN(const auto chunks, read_chunks(view, document.rows, Include{true, true, true, false}));
      for (const Chunk& chunk : chunks) {
        Json c = Json::object();
        c.set("row", Json(chunk.row)).set("text", Json(chunk.text)).set("metadata", chunk.metadata);
        c.set("norm", Json(fmt::format("{:a}", chunk.norm)));
        const auto* bytes = reinterpret_cast<const char*>(chunk.vector.data());
        c.set("vector", Json(to_hex({bytes, chunk.vector.size() * sizeof(float)})));
        entry.set(fmt::format("chunk {}", chunk.id), std::move(c));
      }
      library.set(fmt::format("document {}", document.id), std::move(entry));
    }
    out.set(fmt::format("library {}", name), std::move(library));
  }
  return out;
}

}  // namespace sextant
