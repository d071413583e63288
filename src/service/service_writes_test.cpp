// Writes of documents and chunks: what is embedded, what is rejected, what is selected.
#include <algorithm>

#include "service/testing/service_fixture.h"

namespace sextant {
namespace {

using ServiceWrites = ServiceFixture;

TEST_F(ServiceWrites, TextsOfAllTransactionsAreEmbeddedTogetherAndEveryChunkGetsItsOwnVector) {
  const auto result =
      service().write(context_, request({upsert("notes", "x", {"a", "b"}),
                                         upsert("default:notes", "y", {"c"}), upsert("notes", "z", {"d"})}));
  ASSERT_TRUE(result.has_value()) << result.error().to_string();
  ASSERT_EQ(result->transactions.size(), 3U);
  for (const auto& transaction : result->transactions) EXPECT_TRUE(transaction.has_value());
  EXPECT_EQ(database_->stored("default.notes", "x#1")->vector, FakeEmbedder::vector_of("b"));
  EXPECT_EQ(database_->stored("default.notes", "y#0")->vector, FakeEmbedder::vector_of("c"));
  EXPECT_EQ(database_->stored("default.notes", "z#0")->vector, FakeEmbedder::vector_of("d"));
  ASSERT_EQ(embedder_->calls().size(), 1U);
  EXPECT_EQ(embedder_->calls()[0].texts, (std::vector<std::string>{"a", "b", "c", "d"}));
}

TEST_F(ServiceWrites, AFailureInTheMiddleRejectsItsTransactionAndNothingAfterIt) {
  embedder_->refuse("bad");
  const auto result =
      service().write(context_, request({upsert("notes", "w", {"a"}), upsert("notes", "x", {"b", "c"}),
                                         upsert("notes", "y", {"d", "bad"}), upsert("notes", "z", {"e"})}));
  ASSERT_TRUE(result.has_value()) << result.error().to_string();
  ASSERT_EQ(result->transactions.size(), 3U);
  EXPECT_TRUE(result->transactions[0].has_value());
  EXPECT_TRUE(result->transactions[1].has_value());
  EXPECT_EQ(told(result->transactions[2]),
            "limit_exceeded operations[0].document.chunks[1].text: the text is too long");
  EXPECT_EQ(database_->stored("default.notes", "x#1")->vector, FakeEmbedder::vector_of("c"));
  EXPECT_FALSE(database_->stored("default.notes", "y#0").has_value());
  EXPECT_FALSE(database_->stored("default.notes", "z#0").has_value());

  const std::vector<std::string> embedded = embedder_->embedded();
  EXPECT_EQ(embedded, (std::vector<std::string>{"a", "b", "c"}));
  const auto writes = database_->writes();
  ASSERT_EQ(writes.size(), 1U);
  ASSERT_EQ(writes[0].transactions.size(), 3U);
  EXPECT_TRUE(writes[0].transactions[2].rejected.has_value());
}

TEST_F(ServiceWrites, AFailureNamesItsOperationWithinTheTransaction) {
  embedder_->refuse("bad");
  WriteRequest all;
  all.transactions.push_back({.operations = {upsert("notes", "x", {"a"}), upsert("notes", "y", {"bad"})}});
  const auto result = service().write(context_, all);
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->transactions.size(), 1U);
  EXPECT_EQ(result->transactions[0].error().field, "operations[1].document.chunks[0].text");
  EXPECT_FALSE(database_->stored("default.notes", "x#0").has_value());
}

TEST_F(ServiceWrites, TheFirstOfSeveralFailuresInSeveralLibrariesEndsTheRequest) {
  add_library("default.other");
  embedder_->refuse("bad");
  const auto result =
      service().write(context_, request({upsert("notes", "w", {"a"}), upsert("other", "x", {"bad"}),
                                         upsert("notes", "y", {"bad"}), upsert("other", "z", {"b"})}));
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->transactions.size(), 2U);
  EXPECT_TRUE(result->transactions[0].has_value());
  EXPECT_FALSE(result->transactions[1].has_value());
  EXPECT_EQ(std::ranges::count(embedder_->embedded(), "b"), 0);
}

TEST_F(ServiceWrites, AnEmbedderThatIsDownRejectsTheFirstTransactionThatNeedsIt) {
  embedder_->break_down();
  UpsertDocument ready;
  ready.library = "notes";
  ready.document.id = "x";
  ready.document.chunks.emplace_back();
  ready.document.chunks[0].vector = {1, 0, 0, 0};
  const auto result =
      service().write(context_, request({ready, upsert("notes", "y", {"a"}), upsert("notes", "z", {"b"})}));
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->transactions.size(), 2U);
  EXPECT_TRUE(result->transactions[0].has_value());
  EXPECT_EQ(result->transactions[1].error().code, ErrorCode::kEmbeddingUnavailable);
}

TEST_F(ServiceWrites, AnUnknownLibraryOrABadValueIsFoundBeforeAnythingIsEmbedded) {
  const auto unknown =
      service().write(context_, request({upsert("nowhere", "x", {"a"}), upsert("notes", "y", {"b"})}));
  ASSERT_TRUE(unknown.has_value());
  ASSERT_EQ(unknown->transactions.size(), 1U);
  EXPECT_EQ(unknown->transactions[0].error().code, ErrorCode::kLibraryNotFound);
  EXPECT_TRUE(embedder_->calls().empty());

  const auto malformed = service().write(context_, request({upsert("no such", "x", {"a"})}));
  EXPECT_EQ(malformed->transactions[0].error().field, "operations[0].library");

  const auto large = service().write(
      context_, request({upsert("notes", "x", {"a"}), upsert("notes", std::string(513, 'i'), {"b"}),
                         upsert("notes", "z", {"c"})}));
  ASSERT_EQ(large->transactions.size(), 2U);
  EXPECT_EQ(told(large->transactions[1]),
            "limit_exceeded operations[0].document.id: bytes of the id: 513, the limit is 512");
  EXPECT_EQ(embedder_->embedded(), std::vector<std::string>{"a"});
}

TEST_F(ServiceWrites, ATransactionThatWasRejectedBeforeStaysRejectedInItsPlace) {
  WriteRequest three =
      request({upsert("notes", "x", {"a"}), upsert("notes", "y", {"b"}), upsert("notes", "z", {"c"})});
  three.transactions[1].rejected = make_error(ErrorCode::kInvalidArgument, "no");
  const auto result = service().write(context_, three);
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->transactions.size(), 2U);
  EXPECT_EQ(result->transactions[1].error().message, "no");
  EXPECT_EQ(embedder_->embedded(), std::vector<std::string>{"a"});
}

TEST_F(ServiceWrites, NoMoreOperationsThanTheLimit) {
  options_.limits.max_documents_per_request = 2;
  EXPECT_TRUE(
      service().write(context_, request({upsert("notes", "x", {}), upsert("notes", "y", {})})).has_value());
  const auto result = service().write(
      context_, request({upsert("notes", "x", {}), upsert("notes", "y", {}), upsert("notes", "z", {})}));
  EXPECT_EQ(told(result),
            "limit_exceeded documents: the request changes 3 documents or chunks, the limit is 2");
  WriteRequest atomic;
  atomic.transactions.push_back(
      {.operations = {upsert("notes", "x", {}), upsert("notes", "y", {}), upsert("notes", "z", {})}});
  EXPECT_EQ(told(service().write(context_, atomic)),
            "limit_exceeded operations: the request changes 3 documents or chunks, the limit is 2");
}

TEST_F(ServiceWrites, NoMoreTextIsEmbeddedForOneRequestThanTheLimit) {
  options_.limits.max_embedded_bytes = 5;
  Operation ready = upsert("notes", "v", {"a long text beside a vector"});
  std::get<UpsertDocument>(ready).document.chunks[0].vector = {1, 0, 0, 0};
  std::get<UpsertDocument>(ready).document.chunks[0].model = embedder_->model_name();
  const auto result =
      service().write(context_, request({ready, upsert("notes", "x", {"ab", "cde"}),
                                         upsert("notes", "y", {"f"}), upsert("notes", "z", {"g"})}));
  ASSERT_TRUE(result.has_value()) << result.error().to_string();
  ASSERT_EQ(result->transactions.size(), 3U);
  EXPECT_TRUE(result->transactions[1].has_value());
  EXPECT_EQ(
      told(result->transactions[2]),
      "limit_exceeded operations[0].document.chunks[0].text: the texts to be embedded, up to this one, have "
      "6 bytes, the limit of a request is 5 (max_embedded_bytes): send fewer at a time");
  EXPECT_EQ(embedder_->embedded(), (std::vector<std::string>{"ab", "cde"}));

  std::vector<TableQuery> queries(2);
  queries[0].text = "abc";
  queries[1].text = "def";
  EXPECT_EQ(service().search(context_, "notes", queries).error().field, "queries[1].text");
  queries[1].text = "de";
  EXPECT_TRUE(service().search(context_, "notes", queries).has_value());
}

TEST_F(ServiceWrites, LibrariesAreNotChangedAmongDocuments) {
  const auto result = service().write(context_, request({DropLibrary{"default.notes"}}));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->transactions[0].error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(service().library(context_, "notes").has_value());
}

class ServiceSelections : public ServiceFixture {
 protected:
  void fill() {
    Operation document = upsert("notes", "x", {"a", "b", "c"});
    auto& chunks = std::get<UpsertDocument>(document).document.chunks;
    for (std::size_t i = 0; i < chunks.size(); ++i) chunks[i].metadata.set("n", Json(static_cast<int>(i)));
    ASSERT_TRUE(service().write(context_, request({document}))->transactions[0].has_value());
  }
  static ChunkSelection by_ids(std::vector<std::string> ids) {
    ChunkSelection selection;
    selection.ids = std::move(ids);
    return selection;
  }
  ChunkSelection by_filter(std::string_view where) {
    ChunkSelection selection;
    selection.by_filter = true;
    selection.where = parse_where(json(where)).value();
    return selection;
  }
  static std::size_t count(const Result<WriteResult>& result, Effect effect) {
    const auto& operations = result->transactions[0]->operations;
    return static_cast<std::size_t>(std::ranges::count(operations, effect, &OperationOutcome::effect));
  }
  std::uint64_t left() { return service().count_chunks(context_, "notes", {}, {}).value(); }
};

TEST_F(ServiceSelections, DeleteByIdsIgnoresThoseThatAreGone) {
  fill();
  const auto result = service().delete_chunks(context_, "notes", by_ids({"x#0", "nobody", "x#2"}), {});
  ASSERT_TRUE(result.has_value()) << result.error().to_string();
  EXPECT_EQ(count(result, Effect::kDeleted), 2U);
  EXPECT_EQ(count(result, Effect::kIgnored), 1U);
  EXPECT_EQ(left(), 1U);
}

TEST_F(ServiceSelections, DeleteByFilterIsOneTransaction) {
  fill();
  const auto result = service().delete_chunks(context_, "notes", by_filter(R"({"n": {"$gte": 1}})"), {});
  ASSERT_TRUE(result.has_value()) << result.error().to_string();
  ASSERT_EQ(result->transactions.size(), 1U);
  EXPECT_EQ(count(result, Effect::kDeleted), 2U);
  EXPECT_EQ(left(), 1U);
}

TEST_F(ServiceSelections, AFilterThatSelectsNothingChangesNothing) {
  fill();
  const auto result = service().delete_chunks(context_, "notes", by_filter(R"({"n": 7})"), {});
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->transactions[0]->operations.empty());
  EXPECT_EQ(left(), 3U);
}

TEST_F(ServiceSelections, TooManyChunksAreRefusedWithTheirNumberAndAWayOn) {
  options_.limits.max_selected_chunks = 2;
  fill();
  const auto all = service().delete_chunks(context_, "notes", by_filter("{}"), {});
  EXPECT_EQ(
      told(all),
      "limit_exceeded where: the filter selects 3 chunks, one request changes at most 2: list them by pages "
      "(chunks:get) and name their ids, or narrow the filter");
  EXPECT_TRUE(service().delete_chunks(context_, "notes", by_filter(R"({"n": {"$gte": 1}})"), {}).has_value());
  EXPECT_EQ(service().delete_chunks(context_, "notes", by_ids({"a", "b", "c"}), {}).error().code,
            ErrorCode::kLimitExceeded);
  EXPECT_EQ(service().delete_chunks(context_, "notes", by_ids({}), {}).error().field, "ids");
  EXPECT_EQ(left(), 1U);
}

TEST_F(ServiceSelections, PatchMergesMetadataOfWhatIsSelected) {
  fill();
  const auto result =
      service().patch_chunks(context_, "notes", by_filter(R"({"n": 1})"), json(R"({"seen": true})"), {});
  ASSERT_TRUE(result.has_value()) << result.error().to_string();
  EXPECT_EQ(count(result, Effect::kPatched), 1U);
  EXPECT_EQ(database_->stored("default.notes", "x#1")->metadata, json(R"({"n": 1, "seen": true})"));
  EXPECT_EQ(database_->stored("default.notes", "x#0")->metadata, json(R"({"n": 0})"));
  EXPECT_EQ(embedder_->calls().size(), 1U);  // the text is as it was
}

TEST_F(ServiceSelections, PatchingAnIdThatDoesNotExistIsAnErrorAndChangesNothing) {
  fill();
  const auto result =
      service().patch_chunks(context_, "notes", by_ids({"x#0", "nobody"}), json(R"({"seen": true})"), {});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kChunkNotFound);
  EXPECT_EQ(database_->stored("default.notes", "x#0")->metadata, json(R"({"n": 0})"));
  EXPECT_EQ(service().patch_chunks(context_, "notes", by_ids({"x#0"}), json("[]"), {}).error().field,
            "metadata");
}

TEST_F(ServiceSelections, AChunkThatGoesBetweenSelectionAndPatchIsAConflict) {
  fill();
  database_->before_write([&] {
    database_->before_write(nullptr);
    WriteRequest gone;
    gone.transactions.push_back({.operations = {DeleteChunk{.library = "default.notes", .id = "x#1"}}});
    ASSERT_TRUE(database_->write(context_, gone)->transactions[0].has_value());
  });
  const auto result =
      service().patch_chunks(context_, "notes", by_filter("{}"), json(R"({"seen": true})"), {});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kTransactionConflict);
  ASSERT_NE(result.error().cause, nullptr);
  EXPECT_EQ(result.error().cause->code, ErrorCode::kChunkNotFound);
}

}  // namespace
}  // namespace sextant
