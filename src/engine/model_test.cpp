// Random operations on a database and on a simple model of one, with restarts and rollbacks, compared after
// each step.
#include "engine/testing/model.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "engine/database.h"
#include "engine/search.h"
#include "engine/state_hash.h"
#include "engine/testing/fixture.h"

namespace sextant {
namespace {

enum class StepKind : std::uint8_t { kWrite, kTransaction, kRollback, kSearch, kCompare, kRestart, kKill };

// One step as numbers only, so that a sequence can be shrunk by leaving steps out.
struct Step {
  StepKind kind;
  std::uint64_t seed;
};

std::string pick(SeededRandom& random, const char* prefix, std::uint64_t count) {
  return prefix + std::to_string(random.below(count));
}

std::vector<float> random_vector(SeededRandom& random, std::size_t dimension) {
  std::vector<float> v(dimension);
  for (float& x : v) x = static_cast<float>(static_cast<double>(random.below(2001)) / 1000.0 - 1.0);
  return v;
}

// Mostly of the library's dimension, sometimes not, sometimes zero.
std::vector<float> any_vector(SeededRandom& random, const std::string& library) {
  if (random.below(40) == 0) return std::vector<float>(8, 0.0F);
  const std::size_t usual = library == "default.l0" ? 8 : 21;
  return random_vector(random, random.below(30) == 0 ? 5 : usual);
}

Json any_metadata(SeededRandom& random) {
  Json metadata = Json::object();
  if (random.below(3) != 0) metadata.set("n", Json(static_cast<std::int64_t>(random.below(10))));
  if (random.below(3) == 0) metadata.set("tag", Json(pick(random, "t", 3)));
  return metadata;
}

ChunkInput any_chunk(SeededRandom& random, const std::string& library) {
  return {random.below(2) == 0 ? std::string() : pick(random, "c", 30),
          pick(random, "text ", 100),
          any_metadata(random),
          any_vector(random, library),
          {}};
}

Operation any_operation(SeededRandom& random) {
  const std::string library = pick(random, "default.l", 2);
  const std::string document = pick(random, "d", 12);
  const auto missing = random.below(2) == 0 ? MissingPolicy::kError : MissingPolicy::kIgnore;
  switch (random.below(20)) {
    case 0: {
      LibrarySpec spec;
      spec.name = library;
      spec.field.metric = static_cast<Metric>(random.below(3));
      spec.field.normalize = random.below(2) == 0;
      return CreateLibrary{spec};
    }
    case 1:
      if (random.below(6) == 0) return DropLibrary{library};
      [[fallthrough]];
    case 2:
    case 3:
      return DeleteDocument{library, document, missing, {}};
    case 4:
    case 5:
      return PatchDocument{library, document, any_metadata(random), {}};
    case 6:
    case 7: {
      PutChunk put{library, random.below(2) == 0 ? document : std::string(), any_chunk(random, library), {}};
      if (put.chunk.id.empty()) put.chunk.id = pick(random, "c", 30);
      return put;
    }
    case 8:
    case 9: {
      PatchChunk patch;
      patch.library = library;
      patch.id = pick(random, "c", 30);
      patch.metadata_patch = any_metadata(random);
      if (random.below(2) == 0) patch.vector = any_vector(random, library);
      return patch;
    }
    case 10:
    case 11:
      return DeleteChunk{library, pick(random, "c", 30), missing, {}};
    default: {
      UpsertDocument upsert;
      upsert.library = library;
      upsert.document.id = document;
      upsert.document.metadata = any_metadata(random);
      for (std::uint64_t i = random.below(4); i > 0; --i)
        upsert.document.chunks.push_back(any_chunk(random, library));
      upsert.on_conflict =
          random.below(4) == 0 ? static_cast<OnConflict>(random.below(3)) : OnConflict::kReplace;
      return upsert;
    }
  }
}

// For people who read a failing sequence.
struct Teller {
  static std::string ids(const std::vector<ChunkInput>& chunks) {
    std::string all;
    for (const ChunkInput& chunk : chunks) all += " " + (chunk.id.empty() ? "-" : chunk.id);
    return all;
  }
  std::string operator()(const UpsertDocument& o) const {
    return "upsert " + o.library + " " + o.document.id + " on_conflict " +
           std::to_string(static_cast<int>(o.on_conflict)) + ":" + ids(o.document.chunks);
  }
  std::string operator()(const PatchDocument& o) const { return "patch " + o.library + " " + o.id; }
  std::string operator()(const DeleteDocument& o) const { return "delete " + o.library + " " + o.id; }
  std::string operator()(const PutChunk& o) const {
    return "put chunk " + o.library + " " + o.chunk.id + " in '" + o.document_id + "'";
  }
  std::string operator()(const PatchChunk& o) const { return "patch chunk " + o.library + " " + o.id; }
  std::string operator()(const DeleteChunk& o) const { return "delete chunk " + o.library + " " + o.id; }
  std::string operator()(const CreateLibrary& o) const { return "create " + o.spec.name; }
  std::string operator()(const UpdateLibrary& o) const { return "update " + o.library; }
  std::string operator()(const DropLibrary& o) const { return "drop " + o.library; }
};

std::vector<Operation> operations_of(const Step& step, SeededRandom& random) {
  std::vector<Operation> operations;
  const std::uint64_t count = step.kind == StepKind::kWrite ? 1 : 1 + random.below(4);
  for (std::uint64_t i = 0; i < count; ++i) operations.push_back(any_operation(random));
  return operations;
}

std::string tell(const Step& step) {
  std::string told =
      "{" + std::to_string(static_cast<int>(step.kind)) + ", " + std::to_string(step.seed) + "ULL}";
  if (step.kind != StepKind::kWrite && step.kind != StepKind::kTransaction) return told;
  SeededRandom random(step.seed);
  for (const Operation& operation : operations_of(step, random))
    told += "\n    " + std::visit(Teller{}, operation);
  return told;
}

class Run {
 public:
  explicit Run(std::size_t apply_threads) : threads_(apply_threads) { open(true); }

  // Empty when the step behaved as the model says.
  std::string step(const Step& step) {
    SeededRandom random(step.seed);
    switch (step.kind) {
      case StepKind::kWrite:
      case StepKind::kTransaction:
        return write(operations_of(step, random));
      case StepKind::kRollback:
        return rollback(random);
      case StepKind::kSearch:
        return search(random);
      case StepKind::kCompare:
        return compare();
      case StepKind::kRestart:
        return restart(true);
      case StepKind::kKill:
        return restart(false);
    }
    return "unknown step";
  }

 private:
  void open(bool checkpoint) {
    DatabaseOptions options;
    options.clock = &clock_;
    options.apply_threads = threads_;
    options.log_file_bytes = 1U << 16U;
    options.checkpoint_on_close = checkpoint;
    options.records.write_buffer_bytes = 1U << 20U;
    auto database = Database::open(directory_.path() + "/db", options);
    ASSERT_TRUE(database.has_value()) << database.error().to_string();
    database_ = std::move(*database);
  }

  std::string restart(bool checkpoint) {
    const auto before = state_hash(*database_->snapshot());
    database_.reset();
    open(checkpoint);  // how the next close behaves
    if (!database_) return "the database does not open";
    const auto after = state_hash(*database_->snapshot());
    if (!before || !after) return "the state cannot be hashed";
    return *before == *after ? compare() : "the state after recovery is not the state before";
  }

  // Two upserts of a document in one transaction are one to the engine, which sees no chunk id that the first
  // took and the second gave back: only what the transaction leaves must be unique. Fills `after` if it is.
  bool leaves_unique_ids(const std::vector<Operation>& operations, Model& after) const {
    Model later = model_;
    later.judge_chunk_ids_later(true);
    for (const Operation& operation : operations) {
      if (later.apply(operation)) return false;
    }
    later.judge_chunk_ids_later(false);
    if (!later.chunk_ids_are_unique()) return false;
    after = std::move(later);
    return true;
  }

  std::string write(const std::vector<Operation>& operations) {
    Model changed = model_;
    std::optional<ErrorCode> expected;
    for (const Operation& operation : operations) {
      if (!expected) expected = changed.apply(operation);
    }
    const bool drops_what_it_changes =
        operations.size() > 1 && std::ranges::any_of(operations, [](const Operation& o) {
          return std::holds_alternative<DropLibrary>(o);
        });
    WriteRequest request;
    request.transactions.push_back({operations, {}});
    request.durability = Durability::kFlushed;
    clock_.advance_ms(1);
    const auto result = database_->write(context_, request);
    if (!result) return "the write was refused: " + result.error().to_string();
    const auto& outcome = result->transactions.at(0);
    if (!outcome && drops_what_it_changes)
      return {};  // refused by rule, or failed: nothing happened either way
    if (outcome && expected == ErrorCode::kChunkIdTaken && leaves_unique_ids(operations, changed)) {
      expected.reset();
    }
    if (outcome.has_value() != !expected.has_value()) {
      return outcome ? "succeeded where the model says " + std::string(error_name(*expected))
                     : "failed where the model succeeds: " + outcome.error().to_string();
    }
    if (!outcome) {
      if (outcome.error().code == *expected || operations.size() > 1) return {};
      return "failed with " + outcome.error().to_string() + ", the model says " +
             std::string(error_name(*expected));
    }
    model_ = std::move(changed);
    return {};
  }

  std::string rollback(SeededRandom& random) {
    const auto before = state_hash(*database_->snapshot());
    {
      Transaction transaction = database_->begin();
      Model changed = model_;
      for (int i = 0; i < 4; ++i) {
        const Operation operation = any_operation(random);
        if (std::holds_alternative<DropLibrary>(operation)) continue;
        Model tried = changed;
        const auto expected = tried.apply(operation);
        const auto staged = transaction.apply(operation);
        // What only the lane settles (a chunk id of another document) may still be open here.
        if (staged && !expected) changed = std::move(tried);
        if (!staged && !expected) return "staging failed: " + staged.error().to_string();
        if (staged && expected) return {};
      }
      for (const auto& [name, library] : changed.libraries()) {
        if (auto difference = compare_search(
                library,
                [&](const SearchQuery& query) { return transaction.search(context_, name, {&query, 1}); },
                random);
            !difference.empty()) {
          return "inside the transaction: " + difference;
        }
      }
      if (random.below(2) == 0) transaction.rollback();
    }
    const auto after = state_hash(*database_->snapshot());
    if (!before || !after) return "the state cannot be hashed";
    return *before == *after ? std::string() : "a rolled back transaction changed the state";
  }

  template <typename Search>
  std::string compare_search(const ModelLibrary& library, Search&& run, SeededRandom& random) {
    if (library.dimension == 0) return {};
    const std::int64_t limit = static_cast<std::int64_t>(random.below(12));
    SearchQuery query;
    query.vector = random_vector(random, library.dimension);
    query.k = 1 + random.below(15);
    auto where = parse_where(*parse_json("{\"n\": {\"$lt\": " + std::to_string(limit) + "}}"));
    if (!where) return where.error().to_string();
    const bool filtered = random.below(2) == 0;
    if (filtered) query.where = *where;
    const auto expected = Model::search(library, query.vector, filtered ? limit : INT64_MAX);
    const auto results = run(query);
    if (!results) return "search failed: " + results.error().to_string();
    const auto& hits = results->at(0).hits;
    if (hits.size() != std::min(query.k, expected.size())) {
      return "search gave " + std::to_string(hits.size()) + " of " + std::to_string(expected.size()) +
             " hits";
    }
    std::map<std::string, double> distances;
    for (const ModelHit& hit : expected) distances[hit.chunk_id] = hit.distance;
    for (std::size_t i = 0; i < hits.size(); ++i) {
      const double found = static_cast<double>(hits[i].distance);
      if (!distances.contains(hits[i].chunk.id))
        return "search found " + hits[i].chunk.id + ", which does not match";
      if (std::abs(found - expected[i].distance) > 1e-4 ||
          std::abs(found - distances[hits[i].chunk.id]) > 1e-4) {
        return "hit " + std::to_string(i) + " is " + hits[i].chunk.id + " at " + std::to_string(found) +
               ", the model says " + expected[i].chunk_id + " at " + std::to_string(expected[i].distance);
      }
      distances.erase(hits[i].chunk.id);
    }
    return {};
  }

  std::string search(SeededRandom& random) {
    for (const auto& [name, library] : model_.libraries()) {
      const auto view = find_library(database_->snapshot(), name);
      if (!view) return view.error().to_string();
      const auto difference = compare_search(
          library, [&](const SearchQuery& query) { return sextant::search(context_, *view, {&query, 1}); },
          random);
      if (!difference.empty()) return name + ": " + difference;
    }
    return {};
  }

  std::string compare_document(const LibraryView& view, const ModelDocument& expected,
                               const Document& found) {
    if (!(found.metadata == expected.metadata)) return "metadata " + found.metadata.to_string();
    const auto chunks = read_chunks(view, found.rows, Include{true, true, true, false});
    if (!chunks) return chunks.error().to_string();
    if (chunks->size() != expected.chunks.size()) return std::to_string(chunks->size()) + " chunks";
    for (std::size_t i = 0; i < chunks->size(); ++i) {
      const Chunk& chunk = (*chunks)[i];
      const ModelChunk& model = expected.chunks[i];
      const auto place = find_chunk(view, chunk.id);
      if (chunk.id != model.id || chunk.text != model.text || !(chunk.metadata == model.metadata))
        return "chunk " + chunk.id;
      if (!place || !*place || (*place)->row != found.rows[i] || (*place)->document_id != found.id)
        return "place of " + chunk.id;
      if (std::abs(chunk.norm - model.norm) > 1e-6 * model.norm) return "norm of " + chunk.id;
      for (std::size_t e = 0; e < model.vector.size(); ++e) {
        if (std::abs(static_cast<double>(chunk.vector.at(e)) - model.vector[e]) > 1e-6)
          return "vector of " + chunk.id;
      }
    }
    return {};
  }

  std::string compare() {
    const Snapshot snapshot = database_->snapshot();
    if (snapshot->libraries.size() != model_.libraries().size()) return "the number of libraries differs";
    for (const auto& [name, library] : model_.libraries()) {
      const auto view = find_library(snapshot, name);
      if (!view) return view.error().to_string();
      PageRequest all;
      all.limit = 100'000;
      const auto documents = list_documents(context_, *view, all);
      if (!documents) return documents.error().to_string();
      if (documents->documents.size() != library.documents.size())
        return name + ": the number of documents differs";
      std::size_t chunks = 0;
      auto expected = library.documents.begin();
      for (const Document& document : documents->documents) {
        if (document.id != expected->first)
          return name + ": document " + document.id + " is not in the model";
        if (auto difference = compare_document(*view, expected->second, document); !difference.empty()) {
          return name + ": document " + document.id + ": " + difference;
        }
        chunks += expected->second.chunks.size();
        ++expected;
      }
      const LibraryInfo info = describe_library(*view->state);
      if (info.documents != library.documents.size() || info.chunks != chunks)
        return name + ": counts differ";
      const auto listed = list_chunks(context_, *view, all, Include{});
      if (!listed || listed->chunks.size() != chunks) return name + ": the list of chunks differs";
    }
    return {};
  }

  std::size_t threads_;
  ScratchDirectory directory_;
  ManualClock clock_;
  RequestContext context_;
  std::unique_ptr<Database> database_;
  Model model_;
};

std::string run(const std::vector<Step>& steps, std::size_t threads, std::size_t* failed_at = nullptr) {
  Run run(threads);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::string difference = run.step(steps[i]);
    if (difference.empty()) continue;
    if (failed_at != nullptr) *failed_at = i;
    return difference;
  }
  return {};
}

std::vector<Step> any_steps(std::uint64_t seed, std::size_t count) {
  SeededRandom random(seed);
  std::vector<Step> steps;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t roll = random.below(100);
    StepKind kind = StepKind::kWrite;
    if (roll >= 70) kind = StepKind::kTransaction;
    if (roll >= 82) kind = StepKind::kRollback;
    if (roll >= 88) kind = StepKind::kSearch;
    if (roll >= 96) kind = StepKind::kCompare;
    if (roll >= 98) kind = random.below(2) == 0 ? StepKind::kRestart : StepKind::kKill;
    steps.push_back({kind, random.next()});
  }
  return steps;
}

// Leaves out ever smaller runs of steps as long as what is left still fails (delta debugging; Zeller and
// Hildebrandt, 2002).
std::vector<Step> shrink(std::vector<Step> steps, std::size_t threads) {
  for (std::size_t length = steps.size() / 2; length >= 1; length /= 2) {
    for (std::size_t begin = 0; begin + length <= steps.size();) {
      std::vector<Step> fewer = steps;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(begin),
                  fewer.begin() + static_cast<std::ptrdiff_t>(begin + length));
      if (run(fewer, threads).empty()) {
        begin += length;
      } else {
        steps = std::move(fewer);
      }
    }
  }
  return steps;
}

// SEXTANT_MODEL_OPERATIONS and SEXTANT_MODEL_SEED make longer and other runs; a failing seed is printed with
// its shortest sequence.
TEST(Model, RandomOperationsWithRestartsAgreeWithMapsAndBruteForce) {
  const std::uint64_t operations = setting("SEXTANT_MODEL_OPERATIONS", 20'000 / kSanitizerDivisor);
  const std::uint64_t first_seed = setting("SEXTANT_MODEL_SEED", 1);
  constexpr std::size_t kLength = 500;
  for (std::uint64_t seed = first_seed; (seed - first_seed) * kLength < operations; ++seed) {
    const std::size_t threads = 1 + seed % 3;
    std::vector<Step> steps = any_steps(seed, kLength);
    std::size_t failed_at = 0;
    const std::string difference = run(steps, threads, &failed_at);
    if (difference.empty()) continue;
    steps.resize(failed_at + 1);
    steps = shrink(std::move(steps), threads);
    std::string story;
    for (const Step& step : steps) {
      story += "\n  " + tell(step);
    }
    FAIL() << "seed " << seed << ": " << difference << "; shortest failing sequence (" << run(steps, threads)
           << "):" << story;
  }
}

}  // namespace
}  // namespace sextant
