#include "engine/database.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <future>
#include <thread>

#include "base/fault_point.h"
#include "base/memory_disk.h"
#include "engine/state_hash.h"
#include "engine/testing/fixture.h"

namespace sextant {
namespace {

constexpr const char* kLibrary = "default.a";

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() : database_(open_database(path())) {}
  ~DatabaseTest() override { disarm_faults(); }
  std::string path() const { return directory_.path() + "/db"; }
  void reopen(DatabaseOptions options = {}) {
    database_.reset();
    database_ = open_database(path(), std::move(options));
  }
  std::uint64_t hash() const { return state_hash(*database_->snapshot()).value_or(0); }

  ScratchDirectory directory_;
  std::unique_ptr<Database> database_;
};

TEST_F(DatabaseTest, AWriteIsFoundAtOnceAndAfterReopening) {
  ASSERT_TRUE(
      commit(*database_, {create_library(kLibrary), upsert(kLibrary, "d", {chunk_of({3, 4}, "hello")})}));
  for (int round = 0; round < 2; ++round) {
    const auto hits = nearest(database_->snapshot(), kLibrary, {3, 4});
    ASSERT_TRUE(hits) << hits.error().to_string();
    ASSERT_EQ(hits->size(), 1U);
    EXPECT_EQ((*hits)[0].chunk.id, "d#0");
    EXPECT_EQ((*hits)[0].chunk.text, "hello");
    EXPECT_DOUBLE_EQ((*hits)[0].chunk.norm, 5);
    EXPECT_NEAR((*hits)[0].distance, 0, 1e-6);
    reopen();
  }
}

TEST_F(DatabaseTest, AFailedTransactionChangesNothing) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary), upsert(kLibrary, "d", {chunk_of({1, 0})})}));
  const std::uint64_t before = hash();
  EXPECT_EQ(failure(commit(*database_,
                           {upsert(kLibrary, "e", {chunk_of({0, 1})}), DeleteDocument{kLibrary, "none"}})),
            ErrorCode::kDocumentNotFound);
  EXPECT_EQ(failure(commit(*database_, {upsert(kLibrary, "e", {chunk_of({0, 1, 2})})})),
            ErrorCode::kEmbeddingContractViolation);
  EXPECT_EQ(hash(), before);
}

TEST_F(DatabaseTest, ABatchReportsItsPrefixAndStopsAtTheFirstFailure) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
  WriteRequest request;
  for (int i = 0; i < 100; ++i) {
    const std::size_t dimension = i == 49 ? 3 : 2;
    request.transactions.push_back(
        {{upsert(kLibrary, "d" + std::to_string(i), {chunk_of(std::vector<float>(dimension, 1.0F))})}, {}});
  }
  const auto result = database_->write({}, request);
  ASSERT_TRUE(result);
  ASSERT_EQ(result->transactions.size(), 50U);
  EXPECT_TRUE(result->transactions[48].has_value());
  EXPECT_EQ(failure(result->transactions[49]), ErrorCode::kEmbeddingContractViolation);
  EXPECT_EQ(describe_library(*database_->snapshot()->library(kLibrary)).documents, 49U);
  request.transactions = {{{}, {}}};
  for (int i = 0; i < 100; ++i) {
    request.transactions[0].operations.push_back(
        upsert(kLibrary, "e" + std::to_string(i), {chunk_of(std::vector<float>(i == 49 ? 3 : 2, 1.0F))}));
  }
  EXPECT_EQ(failure(database_->write({}, request)->transactions.at(0)),
            ErrorCode::kEmbeddingContractViolation);
  EXPECT_EQ(describe_library(*database_->snapshot()->library(kLibrary)).documents, 49U);
}

TEST_F(DatabaseTest, OfTwoFirstChunksOneEstablishesTheContractAndTheOtherViolatesIt) {
  const std::uint64_t rounds = setting("SEXTANT_RACE_ROUNDS", 10'000 / kSanitizerDivisor);
  std::barrier start(2);
  std::vector<std::array<std::optional<ErrorCode>, 2>> outcomes(rounds);
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
  const auto race = [&](std::size_t thread) {
    for (std::uint64_t round = 0; round < rounds; ++round) {
      // Even rounds race on the dimension, odd ones on the model.
      const bool by_model = round % 2 == 1;
      const std::size_t dimension = by_model ? 4 : 4 + thread;
      const std::string model = by_model ? (thread == 0 ? "m0" : "m1") : "";
      start.arrive_and_wait();
      outcomes[round][thread] =
          failure(commit(*database_, {upsert(kLibrary, "d" + std::to_string(thread),
                                             {chunk_of(std::vector<float>(dimension, 1.0F), "t", model)})}));
      start.arrive_and_wait();
      if (thread == 0) {
        const LibraryInfo info = describe_library(*database_->snapshot()->library(kLibrary));
        const bool first_won = !outcomes[round][0].has_value();
        EXPECT_EQ(info.definition.spec.field.dimension, by_model || first_won ? 4U : 5U);
        if (by_model) {
          EXPECT_EQ(info.definition.spec.field.model, first_won ? "m0" : "m1");
        }
        EXPECT_EQ(info.chunks, 1U);
        ASSERT_TRUE(commit(*database_, {DropLibrary{kLibrary}}));
        ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
      }
      start.arrive_and_wait();
    }
  };
  std::thread other([&] { race(1); });
  race(0);
  other.join();
  int won[2] = {0, 0};
  for (const auto& outcome : outcomes) {
    ASSERT_NE(outcome[0].has_value(), outcome[1].has_value());
    EXPECT_EQ(outcome[0] ? outcome[0] : outcome[1], ErrorCode::kEmbeddingContractViolation);
    ++won[outcome[0].has_value() ? 1 : 0];
  }
  RecordProperty("first_thread_won", won[0]);
  RecordProperty("second_thread_won", won[1]);
}

TEST_F(DatabaseTest, ARolledBackWinnerEstablishesNothing) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
  EXPECT_EQ(failure(commit(*database_,
                           {upsert(kLibrary, "d", {chunk_of({1, 2, 3})}), DeleteDocument{kLibrary, "none"}})),
            ErrorCode::kDocumentNotFound);
  {
    Transaction transaction = database_->begin();
    ASSERT_TRUE(transaction.apply(upsert(kLibrary, "d", {chunk_of({1, 2, 3})})));
  }
  EXPECT_FALSE(database_->snapshot()->library(kLibrary)->definition->spec.field.established());
  ASSERT_TRUE(commit(*database_, {upsert(kLibrary, "d", {chunk_of({1, 2})})}));
  ASSERT_TRUE(commit(*database_, {DeleteDocument{kLibrary, "d"}}));
  reopen();
  EXPECT_EQ(failure(commit(*database_, {upsert(kLibrary, "d", {chunk_of({1, 2, 3})})})),
            ErrorCode::kEmbeddingContractViolation);
}

TEST_F(DatabaseTest, AFailureBeforeTheCommitPointLeavesTheStateAsItWas) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary), upsert(kLibrary, "d", {chunk_of({1, 0})})}));
  const std::uint64_t before = hash();
  for (const char* point : {"commit.before_append", "log.append.before_write", "log.append.after_write"}) {
    arm_fault(point, 1, FaultAction::kFail);
    EXPECT_EQ(failure(commit(*database_, {upsert(kLibrary, "e", {chunk_of({0, 1})})})), ErrorCode::kIo)
        << point;
    disarm_faults();
    EXPECT_EQ(hash(), before) << point;
  }
  ASSERT_TRUE(commit(*database_, {upsert(kLibrary, "e", {chunk_of({0, 1})})}));
  reopen();
  EXPECT_EQ(describe_library(*database_->snapshot()->library(kLibrary)).documents, 2U);
}

TEST_F(DatabaseTest, AFailureAfterTheCommitPointIsUnknownAndThereAfterReopening) {
  for (const char* point : {"commit.before_apply", "commit.before_publish"}) {
    std::atomic<bool> stopped{false};
    DatabaseOptions options;
    options.lane.on_stop = [&](const Error&) { stopped = true; };
    options.checkpoint_on_close = false;
    reopen(std::move(options));
    const std::string library = std::string("default.") + (point + 14);
    ASSERT_TRUE(commit(*database_, {create_library(library)}));
    arm_fault(point, 1, FaultAction::kFail);
    EXPECT_EQ(failure(commit(*database_, {upsert(library, "e", {chunk_of({0, 1})})})),
              ErrorCode::kOutcomeUnknown);
    disarm_faults();
    EXPECT_EQ(failure(commit(*database_, {upsert(library, "f", {chunk_of({0, 1})})})),
              ErrorCode::kStorePoisoned);
    EXPECT_FALSE(database_->health());
    reopen();  // joins the lane, which tells its owner last
    EXPECT_TRUE(stopped);
    EXPECT_EQ(describe_library(*database_->snapshot()->library(library)).documents, 1U);
  }
}

TEST_F(DatabaseTest, AFailedSyncPoisonsTheStore) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
  arm_fault("log.sync.before", 1, FaultAction::kFail);
  EXPECT_EQ(failure(commit(*database_, {upsert(kLibrary, "e", {chunk_of({0, 1})})}, Durability::kFsync)),
            ErrorCode::kOutcomeUnknown);
  disarm_faults();
  EXPECT_EQ(failure(commit(*database_, {upsert(kLibrary, "f", {chunk_of({0, 1})})}, Durability::kFsync)),
            ErrorCode::kStorePoisoned);
}

TEST_F(DatabaseTest, ASyncThatFailedElsewhereStopsALaneThatNobodyWritesTo) {
  std::promise<Error> stopped;
  DatabaseOptions options;
  options.lane.idle_mark_ms = 1;
  options.lane.on_stop = [&](const Error& error) { stopped.set_value(error); };
  reopen(options);
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
  arm_fault("log.sync.before", 1, FaultAction::kFail);
  EXPECT_FALSE(database_->checkpoint());
  EXPECT_EQ(stopped.get_future().get().code, ErrorCode::kStorePoisoned);
  database_.reset();
}

TEST_F(DatabaseTest, WhatIsAnsweredWithFsyncIsSyncedAlsoWhereNothingHadToBeWritten) {
  DatabaseOptions options;
  options.lane.idle_mark_ms = 3'600'000;
  reopen(options);
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary), upsert(kLibrary, "d", {chunk_of({1, 0})})}));
  ASSERT_LT(database_->stats().durable_through, database_->stats().sequence);
  UpsertDocument unless_there = upsert(kLibrary, "d", {chunk_of({0, 1})});
  unless_there.on_conflict = OnConflict::kIgnore;
  const auto outcome = commit(*database_, {unless_there}, Durability::kFsync);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->operations[0].effect, Effect::kIgnored);
  EXPECT_EQ(database_->stats().durable_through, database_->stats().sequence);
}

TEST_F(DatabaseTest, AnIdempotentRepeatGetsTheFirstOutcomeAlsoAfterReopening) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
  WriteRequest request;
  request.idempotency = IdempotencyKey{"user POST documents", "key", "hash"};
  request.transactions.push_back({{upsert(kLibrary, "d", {chunk_of({1, 0}, "first")})}, {}});
  const auto first = database_->write({}, request);
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->repeated);
  ASSERT_TRUE(commit(*database_, {upsert(kLibrary, "d", {chunk_of({1, 0}, "second")})}));
  for (int round = 0; round < 2; ++round) {
    const auto again = database_->write({}, request);
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->sequence, first->sequence);
    ASSERT_EQ(again->transactions.size(), 1U);
    EXPECT_EQ(again->transactions[0]->operations[0].effect, Effect::kCreated);
    EXPECT_EQ(again->transactions[0]->operations[0].version, first->transactions[0]->operations[0].version);
    EXPECT_EQ(nearest(database_->snapshot(), kLibrary, {1, 0})->at(0).chunk.text, "second");
    reopen();
  }
  request.idempotency->request_hash = "other";
  EXPECT_EQ(failure(database_->write({}, request)), ErrorCode::kIdempotencyKeyReused);
}

TEST_F(DatabaseTest, ARepeatOfWhatChangedNothingChangesNothing) {
  ASSERT_TRUE(
      commit(*database_, {create_library(kLibrary), upsert(kLibrary, "d", {chunk_of({1, 0}, "first")})}));
  UpsertDocument unless_there = upsert(kLibrary, "d", {chunk_of({1, 0}, "second")});
  unless_there.on_conflict = OnConflict::kIgnore;
  WriteRequest request;
  request.idempotency = IdempotencyKey{"scope", "key", "hash"};
  request.transactions.push_back({{unless_there}, {}});
  const auto first = database_->write({}, request);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->transactions[0]->operations[0].effect, Effect::kIgnored);
  ASSERT_TRUE(commit(*database_, {DeleteDocument{.library = kLibrary, .id = "d"}}));
  reopen();
  const auto again = database_->write({}, request);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->transactions[0]->operations[0].effect, Effect::kIgnored);
  EXPECT_EQ(describe_library(*database_->snapshot()->library(kLibrary)).documents, 0U);
}

TEST_F(DatabaseTest, AChunkIdGoesFromOneDocumentToAnotherInOneTransaction) {
  const auto owned = [](std::string id, float x) {
    ChunkInput chunk = chunk_of({x, 1}, "chunk of " + id);
    chunk.id = std::move(id);
    return chunk;
  };
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary), upsert(kLibrary, "giver", {owned("c", 1)}),
                                  upsert(kLibrary, "taker", {owned("own", 2)})}));
  PatchChunk patch{.library = kLibrary, .id = "own"};
  patch.metadata_patch.set("touched", Json(true));
  ASSERT_TRUE(commit(*database_, {patch, DeleteDocument{.library = kLibrary, .id = "giver"},
                                  upsert(kLibrary, "taker", {owned("c", 3)})}));
  const auto expect_taken = [&] {
    const LibraryView view = find_library(database_->snapshot(), kLibrary).value();
    const auto place = find_chunk(view, "c").value();
    ASSERT_TRUE(place);
    EXPECT_EQ(place->document_id, "taker");
    EXPECT_FALSE(find_chunk(view, "own").value());
  };
  expect_taken();
  reopen();
  expect_taken();
  // And back, where what gives it up is touched last.
  ASSERT_TRUE(commit(*database_,
                     {DeleteChunk{.library = kLibrary, .id = "c"}, upsert(kLibrary, "giver", {owned("c", 4)}),
                      PatchDocument{kLibrary, "taker", Json::object(), {}}}));
  const LibraryView view = find_library(database_->snapshot(), kLibrary).value();
  EXPECT_EQ(find_chunk(view, "c").value()->document_id, "giver");
  EXPECT_EQ(find_document(view, "taker").value()->chunk_ids.size(), 0U);
}

TEST_F(DatabaseTest, WhatATransactionMadeAndDeletedAgainWasNeverThere) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
  for (const OnConflict on_conflict : {OnConflict::kReplace, OnConflict::kIgnore, OnConflict::kError}) {
    UpsertDocument made = upsert(kLibrary, "d", {chunk_of({1, 0})});
    made.on_conflict = on_conflict;
    const auto outcome = commit(*database_, {made, DeleteDocument{.library = kLibrary, .id = "d"}});
    ASSERT_TRUE(outcome) << static_cast<int>(on_conflict) << ": " << outcome.error().to_string();
    EXPECT_EQ(outcome->operations[1].effect, Effect::kDeleted);
  }
  EXPECT_EQ(describe_library(*database_->snapshot()->library(kLibrary)).documents, 0U);
}

TEST_F(DatabaseTest, AnOperationThatFailsLeavesItsTransactionAsItWas) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary), upsert(kLibrary, "d", {})}));
  Transaction transaction = database_->begin();
  UpsertDocument taken = upsert(kLibrary, "d", {chunk_of({1, 2, 3})});
  taken.on_conflict = OnConflict::kError;
  EXPECT_EQ(failure(transaction.apply(taken)), ErrorCode::kDocumentExists);
  taken.on_conflict = OnConflict::kIgnore;
  taken.if_match = 999;
  EXPECT_EQ(failure(transaction.apply(taken)), ErrorCode::kPreconditionFailed);
  UpdateLibrary update{.library = kLibrary};
  update.metadata_patch.set("kept", Json(true));
  update.index_patch.set("a\xff", Json(1));
  EXPECT_EQ(failure(transaction.apply(update)), ErrorCode::kInvalidArgument);
  // Neither the dimension of the refused chunk nor the first half of the refused update is left.
  ASSERT_TRUE(transaction.apply(upsert(kLibrary, "e", {chunk_of({1, 2})})));
  ASSERT_TRUE(transaction.commit());
  const LibraryState& library = *database_->snapshot()->library(kLibrary);
  EXPECT_EQ(library.definition->spec.field.dimension, 2U);
  EXPECT_EQ(library.definition->spec.metadata.find("kept"), nullptr);
}

TEST_F(DatabaseTest, RepeatsInFlightJoinTheFirst) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
  WriteRequest request;
  request.idempotency = IdempotencyKey{"scope", "key", "hash"};
  request.transactions.push_back({{upsert(kLibrary, "d", {chunk_of({1, 0})})}, {}});
  std::vector<std::thread> threads;
  std::atomic<int> originals{0};
  std::mutex mutex;
  std::set<Sequence> sequences;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      const auto result = database_->write({}, request);
      ASSERT_TRUE(result);
      originals += result->repeated ? 0 : 1;
      const std::lock_guard lock(mutex);
      sequences.insert(result->sequence);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(originals, 1);
  EXPECT_EQ(sequences.size(), 1U);
}

TEST_F(DatabaseTest, OutcomesAreForgottenAfterTheirLifetime) {
  ManualClock clock;
  DatabaseOptions options;
  options.clock = &clock;
  reopen(options);
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
  WriteRequest request;
  request.idempotency = IdempotencyKey{"scope", "key", "hash"};
  request.transactions.push_back({{upsert(kLibrary, "d", {chunk_of({1, 0})})}, {}});
  ASSERT_TRUE(database_->write({}, request));
  clock.advance_ms(23LL * 3600 * 1000);
  EXPECT_TRUE(database_->write({}, request)->repeated);
  clock.advance_ms(2LL * 3600 * 1000);
  ASSERT_TRUE(commit(*database_, {upsert(kLibrary, "e", {chunk_of({1, 0})})}));
  EXPECT_FALSE(database_->write({}, request)->repeated);
  const std::uint64_t before = hash();
  reopen(options);
  EXPECT_EQ(hash(), before);
}

TEST_F(DatabaseTest, ATransactionReadsItsOwnWritesAndOthersDoNot) {
  ASSERT_TRUE(
      commit(*database_, {create_library(kLibrary), upsert(kLibrary, "old", {chunk_of({1, 0}, "old")})}));
  Transaction transaction = database_->begin();
  ASSERT_TRUE(transaction.apply(upsert(kLibrary, "new", {chunk_of({0, 1}, "new")})));
  ASSERT_TRUE(transaction.apply(DeleteDocument{kLibrary, "old"}));
  EXPECT_EQ(failure(transaction.document(kLibrary, "old")), ErrorCode::kDocumentNotFound);
  EXPECT_EQ(transaction.document(kLibrary, "new")->chunks.at(0).text, "new");
  SearchQuery query;
  query.vector = {1, 0};
  const auto inside = transaction.search({}, kLibrary, {&query, 1});
  ASSERT_TRUE(inside);
  ASSERT_EQ(inside->at(0).hits.size(), 1U);
  EXPECT_EQ(inside->at(0).hits[0].chunk.id, "new#0");
  EXPECT_EQ(nearest(database_->snapshot(), kLibrary, {1, 0})->at(0).chunk.id, "old#0");
  ASSERT_TRUE(transaction.commit());
  EXPECT_EQ(nearest(database_->snapshot(), kLibrary, {1, 0})->at(0).chunk.id, "new#0");
  EXPECT_FALSE(transaction.commit());
}

TEST_F(DatabaseTest, ATransactionMayCreateALibraryAndFillIt) {
  Transaction transaction = database_->begin();
  ASSERT_TRUE(transaction.apply(create_library(kLibrary)));
  ASSERT_TRUE(transaction.apply(upsert(kLibrary, "d", {chunk_of({1, 0})})));
  EXPECT_EQ(failure(transaction.apply(upsert(kLibrary, "e", {chunk_of({1, 0, 0})}))),
            ErrorCode::kEmbeddingContractViolation);
  EXPECT_EQ(database_->snapshot()->library(kLibrary), nullptr);
  ASSERT_TRUE(transaction.commit());
  EXPECT_EQ(nearest(database_->snapshot(), kLibrary, {1, 0})->size(), 1U);
}

TEST_F(DatabaseTest, OfTwoTransactionsOnOneDocumentTheSecondToCommitConflicts) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary), upsert(kLibrary, "d", {chunk_of({1, 0})})}));
  for (const bool deletes : {false, true}) {
    Transaction first = database_->begin();
    Transaction second = database_->begin();
    ASSERT_TRUE(first.apply(PatchDocument{kLibrary, "d", *parse_json("{\"a\": 1}"), {}}));
    ASSERT_TRUE(second.apply(PatchDocument{kLibrary, "d", *parse_json("{\"a\": 2}"), {}}));
    if (deletes) {
      ASSERT_TRUE(commit(*database_, {DeleteDocument{kLibrary, "d"}}));
    } else {
      ASSERT_TRUE(first.commit());
    }
    EXPECT_EQ(failure(second.commit()), ErrorCode::kTransactionConflict);
  }
}

TEST_F(DatabaseTest, IfMatchSeesEveryChange) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
  const Version version =
      commit(*database_, {upsert(kLibrary, "d", {chunk_of({1, 0})})})->operations[0].version;
  UpsertDocument again = upsert(kLibrary, "d", {chunk_of({0, 1})});
  again.if_match = version;
  ASSERT_TRUE(commit(*database_, {again}));
  EXPECT_EQ(failure(commit(*database_, {again})), ErrorCode::kPreconditionFailed);
  DeleteDocument erase{kLibrary, "d", MissingPolicy::kError, version};
  EXPECT_EQ(failure(commit(*database_, {erase})), ErrorCode::kPreconditionFailed);
}

TEST_F(DatabaseTest, ConcurrentPatchesOfOneDocumentAllArrive) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary), upsert(kLibrary, "d", {chunk_of({1, 0})})}));
  std::vector<std::thread> threads;
  std::atomic<int> conflicts{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        Json patch = Json::object();
        patch.set("t" + std::to_string(t) + "_" + std::to_string(i), Json(i));
        // Each patch reads the document it changes; the engine repeats it on conflict, and a caller may go
        // on.
        while (!commit(*database_, {PatchDocument{kLibrary, "d", patch, {}}})) ++conflicts;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto view = find_library(database_->snapshot(), kLibrary);
  EXPECT_EQ((*find_document(*view, "d"))->metadata.size(), 100U);
}

TEST_F(DatabaseTest, ASnapshotStaysWhatItWas) {
  ASSERT_TRUE(
      commit(*database_, {create_library(kLibrary), upsert(kLibrary, "d", {chunk_of({1, 0}, "before")})}));
  const Snapshot before = database_->snapshot();
  const std::uint64_t hash_before = *state_hash(*before);
  ASSERT_TRUE(commit(*database_, {upsert(kLibrary, "d", {chunk_of({0, 1}, "after")})}));
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(commit(*database_, {upsert(kLibrary, "e" + std::to_string(i), {chunk_of({1, 1})})}));
  EXPECT_EQ(nearest(before, kLibrary, {1, 0})->at(0).chunk.text, "before");
  ASSERT_TRUE(commit(*database_, {DropLibrary{kLibrary}}));
  EXPECT_EQ(nearest(before, kLibrary, {1, 0})->size(), 1U);
  EXPECT_EQ(*state_hash(*before), hash_before);
}

TEST_F(DatabaseTest, OneLogGivesOneStateForAnyNumberOfThreads) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary), create_library("default.b")}));
  SeededRandom random(5);
  for (int round = 0; round < 30; ++round) {
    WriteRequest request;
    request.durability = Durability::kFlushed;
    for (int i = 0; i < 40; ++i) {
      UpsertDocument document =
          upsert(random.below(2) == 0 ? kLibrary : "default.b", "d" + std::to_string(random.below(200)), {});
      for (std::uint64_t c = random.below(4); c > 0; --c) {
        ChunkInput chunk = chunk_of({}, "text " + std::to_string(random.next()));
        for (int e = 0; e < 24; ++e) chunk.vector.push_back(static_cast<float>(random.unit() - 0.5));
        chunk.metadata.set("n", Json(static_cast<std::int64_t>(random.below(100))));
        document.document.chunks.push_back(std::move(chunk));
      }
      request.transactions.push_back({{document}, {}});
    }
    ASSERT_TRUE(database_->write({}, request));
  }
  const std::uint64_t before = hash();
  for (const std::size_t threads : {1U, 2U, 7U}) {
    DatabaseOptions options;
    options.apply_threads = threads;
    options.checkpoint_on_close = false;
    reopen(options);
    EXPECT_EQ(hash(), before) << threads << " threads";
    // Once more with nothing in the record store, so that every record is applied to it again.
    database_.reset();
    std::filesystem::remove_all(path() + "/records");
    database_ = open_database(path(), options);
    EXPECT_EQ(hash(), before) << threads << " threads, records rebuilt";
  }
}

TEST_F(DatabaseTest, ASecondOpeningIsRefusedNamingTheOwner) {
  const auto second = Database::open(path() + "/../db", {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kOwnerLockHeld);
  EXPECT_NE(second.error().message.find("Could not set lock on file"), std::string::npos)
      << second.error().message;
  EXPECT_NE(second.error().message.find(std::to_string(getpid())), std::string::npos)
      << second.error().message;
}

TEST_F(DatabaseTest, ADirectoryOfSomethingElseIsRefused) {
  const std::string other = directory_.path() + "/other";
  std::filesystem::create_directories(other);
  ASSERT_TRUE(write_file_atomically(posix_file_system(), other + "/photo.jpg", "x"));
  const auto opened = Database::open(other, {});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("photo.jpg"), std::string::npos) << opened.error().message;
  EXPECT_EQ(posix_file_system().list(other)->size(), 2U) << "only the lock file may have been added";
}

TEST_F(DatabaseTest, ATransactionBeyondTheLimitIsRefusedAndNamesIt) {
  DatabaseOptions options;
  options.limits.max_transaction_bytes = 1000;
  reopen(options);
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
  const auto refused = commit(*database_, {upsert(kLibrary, "d", {chunk_of(std::vector<float>(400, 1.0F))})});
  ASSERT_EQ(failure(refused), ErrorCode::kPayloadTooLarge);
  EXPECT_NE(refused.error().message.find("1000"), std::string::npos);
}

TEST_F(DatabaseTest, WhatCouldNotBeReadBackIsRefused) {
  ASSERT_TRUE(commit(*database_, {create_library(kLibrary)}));
  UpsertDocument bad = upsert(kLibrary, "d", {chunk_of({1, 0}, "\xff\xfe")});
  EXPECT_EQ(failure(commit(*database_, {bad})), ErrorCode::kInvalidArgument);
  bad = upsert(kLibrary, "\xff", {});
  EXPECT_EQ(failure(commit(*database_, {bad})), ErrorCode::kInvalidArgument);
  bad = upsert(kLibrary, "d", {});
  Json deep = Json::object();
  for (int i = 0; i < 100; ++i) {
    Json outer = Json::object();
    outer.set("x", std::move(deep));
    deep = std::move(outer);
  }
  bad.document.metadata = deep;
  EXPECT_EQ(failure(commit(*database_, {bad})), ErrorCode::kInvalidArgument);
  bad.document.metadata = Json::object();
  bad.document.metadata.set("a\xff", Json(1));
  EXPECT_EQ(failure(commit(*database_, {bad})), ErrorCode::kInvalidArgument);
  LibrarySpec spec;
  spec.name = "another";
  spec.embedding = deep;
  EXPECT_EQ(failure(commit(*database_, {CreateLibrary{spec}})), ErrorCode::kInvalidArgument);
  reopen();
  EXPECT_EQ(describe_library(*database_->snapshot()->library(kLibrary)).documents, 0U);
}

TEST_F(DatabaseTest, ReadersAndWritersDoNotDisturbEachOther) {
  ASSERT_TRUE(commit(
      *database_, {create_library(kLibrary), upsert(kLibrary, "d", {chunk_of({1, 0}), chunk_of({1, 0})})}));
  std::atomic<bool> stop{false};
  std::atomic<int> halves{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto hits = nearest(database_->snapshot(), kLibrary, {1, 0});
        // The document always has two chunks of the same text.
        if (!hits || hits->size() != 2 || (*hits)[0].chunk.text != (*hits)[1].chunk.text) ++halves;
      }
    });
  }
  for (int i = 0; i < 300; ++i) {
    const std::string text = "version " + std::to_string(i);
    ASSERT_TRUE(
        commit(*database_, {upsert(kLibrary, "d", {chunk_of({1, 0}, text), chunk_of({1, 0}, text)})}));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(halves, 0);
}

}  // namespace
}  // namespace sextant
