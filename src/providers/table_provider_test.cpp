#include "providers/table_provider.h"

#include <gtest/gtest.h>

#include "providers/testing/fake_database.h"
#include "providers/testing/fake_embedder.h"

namespace sextant {
namespace {

constexpr const char* kLibrary = "default.notes";

ChunkInput text_chunk(std::string text) {
  ChunkInput chunk;
  chunk.text = std::move(text);
  return chunk;
}

ChunkInput vector_chunk(std::vector<float> vector) {
  ChunkInput chunk;
  chunk.vector = std::move(vector);
  return chunk;
}

Operation upsert(std::string id, std::vector<ChunkInput> chunks) {
  UpsertDocument operation;
  operation.library = kLibrary;
  operation.document.id = std::move(id);
  operation.document.chunks = std::move(chunks);
  return operation;
}

const std::vector<ChunkInput>& chunks_of(const Operation& operation) {
  return std::get<UpsertDocument>(operation).document.chunks;
}

class TableProviderTest : public ::testing::Test {
 protected:
  void SetUp() override { library({}); }

  void library(VectorField field, Json chunking = Json::object()) {
    LibrarySpec spec;
    spec.name = kLibrary;
    spec.field = std::move(field);
    spec.chunking = std::move(chunking);
    database_->add_library(std::move(spec));
  }
  TableProvider table() { return TableProvider(kLibrary, database_, embedder_); }

  std::expected<void, OperationError> complete(std::vector<Operation>& operations) {
    std::vector<Operation*> pointers;
    for (Operation& operation : operations) pointers.push_back(&operation);
    return table().complete(context_, pointers);
  }
  TableQuery text_query(std::string text) {
    TableQuery query;
    query.text = std::move(text);
    return query;
  }

  RequestContext context_;
  std::shared_ptr<FakeDatabase> database_ = std::make_shared<FakeDatabase>();
  std::shared_ptr<FakeEmbedder> embedder_ = std::make_shared<FakeEmbedder>();
};

TEST_F(TableProviderTest, EmbedsAllTextsOfAllOperationsInOneCallAndKeepsTheirOrder) {
  PutChunk put;
  put.chunk = text_chunk("c");
  put.chunk.id = "c1";
  PatchChunk patch;
  patch.id = "c2";
  patch.text = "d";
  std::vector<Operation> operations = {
      upsert("x", {text_chunk("a"), vector_chunk({1, 0, 0, 0}), text_chunk("b")}), put, DeleteDocument{},
      patch};
  ASSERT_TRUE(complete(operations).has_value());

  ASSERT_EQ(embedder_->calls().size(), 1U);
  EXPECT_EQ(embedder_->calls()[0].texts, (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(embedder_->calls()[0].purpose, EmbeddingPurpose::kDocument);
  const auto& chunks = chunks_of(operations[0]);
  EXPECT_EQ(chunks[0].vector, FakeEmbedder::vector_of("a"));
  EXPECT_EQ(chunks[1].vector, (std::vector<float>{1, 0, 0, 0}));
  EXPECT_EQ(chunks[2].vector, FakeEmbedder::vector_of("b"));
  EXPECT_EQ(std::get<PutChunk>(operations[1]).chunk.vector, FakeEmbedder::vector_of("c"));
  EXPECT_EQ(std::get<PatchChunk>(operations[3]).vector, FakeEmbedder::vector_of("d"));
}

TEST_F(TableProviderTest, NamesTheModelOfWhatItEmbeddedAndOfNothingElse) {
  std::vector<Operation> operations = {upsert("x", {text_chunk("a"), vector_chunk({1, 0, 0, 0})})};
  ASSERT_TRUE(complete(operations).has_value());
  EXPECT_EQ(chunks_of(operations[0])[0].model, "fake-model");
  EXPECT_EQ(chunks_of(operations[0])[1].model, "");
}

TEST_F(TableProviderTest, GivesIdsWhereTheyAreMissing) {
  ChunkInput named = text_chunk("b");
  named.id = "mine";
  std::vector<Operation> operations = {upsert("", {text_chunk("a"), named, text_chunk("c")}), upsert("", {})};
  ASSERT_TRUE(complete(operations).has_value());
  const std::string id = std::get<UpsertDocument>(operations[0]).document.id;
  EXPECT_EQ(id.size(), 36U);
  EXPECT_EQ(id[14], '7');  // the version of the UUID
  EXPECT_NE(id, std::get<UpsertDocument>(operations[1]).document.id);
  EXPECT_EQ(chunks_of(operations[0])[0].id, id + "#0");
  EXPECT_EQ(chunks_of(operations[0])[1].id, "mine");
  EXPECT_EQ(chunks_of(operations[0])[2].id, id + "#2");
}

TEST_F(TableProviderTest, WritesWithVectorsNeedNoEmbedderAndNoLookAtTheLibrary) {
  embedder_ = nullptr;
  std::vector<Operation> operations = {upsert("x", {vector_chunk({1, 2})})};
  EXPECT_TRUE(complete(operations).has_value());
  EXPECT_EQ(database_->library_reads(), 0U);
}

TEST_F(TableProviderTest, AChunkNeedsTextOrAVector) {
  std::vector<Operation> operations = {upsert("x", {text_chunk("a")}),
                                       upsert("y", {text_chunk("b"), text_chunk("")})};
  const auto completed = complete(operations);
  ASSERT_FALSE(completed.has_value());
  EXPECT_EQ(completed.error().operation, 1U);
  EXPECT_EQ(completed.error().error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(completed.error().error.field, "document.chunks[1]");
  EXPECT_NE(completed.error().error.message.find("needs text or a vector"), std::string::npos);
  EXPECT_TRUE(embedder_->calls().empty());

  PutChunk put;
  std::vector<Operation> puts = {put};
  EXPECT_EQ(complete(puts).error().error.field, "chunk");
  PatchChunk patch;
  patch.text = "";
  std::vector<Operation> patches = {patch};
  EXPECT_EQ(complete(patches).error().error.field, "text");
}

TEST_F(TableProviderTest, CutsCallsToTheEmbeddersLimit) {
  embedder_ = std::make_shared<FakeEmbedder>(FakeEmbedder::Settings{.max_texts_per_call = 2});
  std::vector<Operation> operations = {upsert("x", {text_chunk("a"), text_chunk("b"), text_chunk("c")}),
                                       upsert("y", {text_chunk("d"), text_chunk("e")})};
  ASSERT_TRUE(complete(operations).has_value());
  ASSERT_EQ(embedder_->calls().size(), 3U);
  EXPECT_EQ(embedder_->calls()[2].texts, std::vector<std::string>{"e"});
  EXPECT_EQ(chunks_of(operations[1])[1].vector, FakeEmbedder::vector_of("e"));
}

TEST_F(TableProviderTest, SaysWhichTextCouldNotBeEmbedded) {
  for (const std::size_t per_call : {0U, 2U}) {
    embedder_ = std::make_shared<FakeEmbedder>(FakeEmbedder::Settings{.max_texts_per_call = per_call});
    embedder_->refuse("d");
    std::vector<Operation> operations = {upsert("x", {text_chunk("a"), text_chunk("b")}),
                                         upsert("y", {text_chunk("c"), text_chunk("d")}),
                                         upsert("z", {text_chunk("e")})};
    const auto completed = complete(operations);
    ASSERT_FALSE(completed.has_value());
    EXPECT_EQ(completed.error().operation, 1U);
    EXPECT_EQ(completed.error().error.code, ErrorCode::kLimitExceeded);
    EXPECT_EQ(completed.error().error.field, "document.chunks[1].text");
    EXPECT_TRUE(chunks_of(operations[2])[0].vector.empty());
  }
}

TEST_F(TableProviderTest, AnEmbedderThatIsDownFailsTheFirstTextWithoutBlamingIt) {
  embedder_->break_down();
  std::vector<Operation> operations = {upsert("x", {vector_chunk({1})}), upsert("y", {text_chunk("a")})};
  const auto completed = complete(operations);
  ASSERT_FALSE(completed.has_value());
  EXPECT_EQ(completed.error().operation, 1U);
  EXPECT_EQ(completed.error().error.code, ErrorCode::kEmbeddingUnavailable);
  EXPECT_EQ(completed.error().error.field, "");
}

TEST_F(TableProviderTest, AnAnswerOfTheWrongLengthIsAnError) {
  embedder_->answer_one_too_few();
  std::vector<Operation> operations = {upsert("x", {text_chunk("a"), text_chunk("b")})};
  const auto completed = complete(operations);
  ASSERT_FALSE(completed.has_value());
  EXPECT_EQ(completed.error().error.code, ErrorCode::kEmbeddingUnavailable);
  EXPECT_NE(completed.error().error.message.find("1 vectors for 2 texts"), std::string::npos);
}

TEST_F(TableProviderTest, TextWithoutAnEmbedderIsUnavailable) {
  embedder_ = nullptr;
  std::vector<Operation> operations = {upsert("x", {text_chunk("a")})};
  const auto completed = complete(operations);
  ASSERT_FALSE(completed.has_value());
  EXPECT_EQ(completed.error().error.code, ErrorCode::kEmbeddingUnavailable);
  EXPECT_EQ(completed.error().error.field, "document.chunks[0].text");
  EXPECT_EQ(table().search(context_, {text_query("a")}).error().code, ErrorCode::kEmbeddingUnavailable);
}

TEST_F(TableProviderTest, AContractOfAnotherModelIsRefusedBeforeAnythingIsEmbedded) {
  VectorField field;
  field.dimension = 4;
  field.model = "other-model";
  library(field);
  std::vector<Operation> operations = {upsert("x", {text_chunk("a")})};
  const auto completed = complete(operations);
  ASSERT_FALSE(completed.has_value());
  const Error& written = completed.error().error;
  const auto searched = table().search(context_, {text_query("a")});
  ASSERT_FALSE(searched.has_value());
  for (const Error& error : {written, searched.error()}) {
    EXPECT_EQ(error.code, ErrorCode::kEmbeddingContractViolation);
    EXPECT_NE(error.message.find("'other-model'"), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("'fake-model'"), std::string::npos) << error.message;
  }
  EXPECT_EQ(written.field, "document.chunks[0].text");
  EXPECT_EQ(searched.error().field, "text");
  EXPECT_TRUE(embedder_->calls().empty());
}

TEST_F(TableProviderTest, ALibraryOfUnnamedVectorsTakesNoText) {
  VectorField field;
  field.dimension = 4;
  field.model = "";
  library(field);
  std::vector<Operation> operations = {upsert("x", {text_chunk("a")})};
  const auto completed = complete(operations);
  ASSERT_FALSE(completed.has_value());
  EXPECT_EQ(completed.error().error.code, ErrorCode::kEmbeddingContractViolation);
}

TEST_F(TableProviderTest, AModelNamedBesideATextMustBeTheEmbedders) {
  ChunkInput chunk = text_chunk("b");
  chunk.model = "their-model";
  std::vector<Operation> operations = {upsert("x", {text_chunk("a"), chunk})};
  const auto completed = complete(operations);
  ASSERT_FALSE(completed.has_value());
  EXPECT_EQ(completed.error().error.code, ErrorCode::kEmbeddingContractViolation);
  EXPECT_EQ(completed.error().error.field, "document.chunks[1].model");
  EXPECT_TRUE(embedder_->calls().empty());
}

TEST_F(TableProviderTest, ADroppedLibraryIsNotFound) {
  TableProvider gone("default.gone", database_, embedder_);
  EXPECT_EQ(gone.info(context_).error().code, ErrorCode::kLibraryNotFound);
  std::vector<Operation> operations = {upsert("x", {text_chunk("a")})};
  Operation* const pointers[] = {operations.data()};
  const auto completed = gone.complete(context_, pointers);
  ASSERT_FALSE(completed.has_value());
  EXPECT_EQ(completed.error().error.code, ErrorCode::kLibraryNotFound);
  EXPECT_EQ(completed.error().error.field, "");
}

class TableSearchTest : public TableProviderTest {
 protected:
  void SetUp() override {
    TableProviderTest::SetUp();
    WriteRequest request;
    request.transactions.push_back(
        {.operations = {upsert("x", {text_chunk("a"), text_chunk("b"), text_chunk("c")})}});
    Operation* const pointers[] = {request.transactions[0].operations.data()};
    ASSERT_TRUE(table().complete(context_, pointers).has_value());
    ASSERT_TRUE(database_->write(context_, request)->transactions[0].has_value());
  }
};

TEST_F(TableSearchTest, TextsAreEmbeddedTogetherAsQueriesAndEachFindsItsOwn) {
  TableQuery by_vector;
  by_vector.query.vector = FakeEmbedder::vector_of("c");
  const auto results = table().search(context_, {text_query("b"), by_vector, text_query("a")});
  ASSERT_TRUE(results.has_value()) << results.error().to_string();
  ASSERT_EQ(results->size(), 3U);
  EXPECT_EQ((*results)[0].hits[0].chunk.id, "x#1");
  EXPECT_EQ((*results)[1].hits[0].chunk.id, "x#2");
  EXPECT_EQ((*results)[2].hits[0].chunk.id, "x#0");
  const auto calls = embedder_->calls();
  ASSERT_EQ(calls.size(), 2U);  // the first was the writing
  EXPECT_EQ(calls[1].texts, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(calls[1].purpose, EmbeddingPurpose::kQuery);
}

TEST_F(TableSearchTest, AQueryHasEitherATextOrAVector) {
  TableQuery both = text_query("a");
  both.query.vector = {1, 0, 0, 0};
  EXPECT_EQ(table().search(context_, {both}).error().field, "text");
  EXPECT_EQ(table().search(context_, {text_query("a"), {}}).error().field, "queries[1].text");
  EXPECT_EQ(table().search(context_, {text_query("a"), text_query("")}).error().field, "queries[1].text");
}

TEST_F(TableSearchTest, AQueryThatCannotBeEmbeddedIsNamed) {
  embedder_->refuse("long");
  const auto results = table().search(
      context_, {TableQuery{{.vector = {1, 0, 0, 0}}, {}}, text_query("a"), text_query("long")});
  ASSERT_FALSE(results.has_value());
  EXPECT_EQ(results.error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(results.error().field, "queries[2].text");
}

TEST_F(TableSearchTest, SimilarLeavesOutTheChunkItWasAskedAbout) {
  const auto similar = table().similar(context_, "x#1", {});
  ASSERT_TRUE(similar.has_value());
  ASSERT_EQ(similar->hits.size(), 2U);
  for (const Hit& hit : similar->hits) EXPECT_NE(hit.chunk.id, "x#1");
  EXPECT_EQ(embedder_->calls().size(), 1U);
  const auto missing = table().similar(context_, "nobody", {});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::kChunkNotFound);
}

TEST_F(TableProviderTest, SplitsByTheLibrarysChunkingSettings) {
  const std::string text = "# Title\n\n" + std::string(150, 'a') + "\n\n" + std::string(150, 'b') + "\n";
  library({}, Json(Json::Object{{"max_bytes", 200}, {"min_bytes", 0}}));
  const auto markdown = table().split(context_, text);
  ASSERT_TRUE(markdown.has_value()) << markdown.error().to_string();
  ASSERT_EQ(markdown->size(), 2U);
  EXPECT_TRUE((*markdown)[0].text.starts_with("Title\n"));
  library({}, Json(Json::Object{{"format", "plain"}}));
  const auto plain = table().split(context_, text);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ((*plain)[0].text.find("# Title"), 0U);
  EXPECT_EQ(table().split(context_, " \n ").error().field, "text");
}

}  // namespace
}  // namespace sextant
