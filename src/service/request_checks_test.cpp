#include "service/request_checks.h"

#include <gtest/gtest.h>

namespace sextant {
namespace {

std::string told(const Status& status) {
  if (status) return "ok";
  return std::string(error_name(status.error().code)) + " " + status.error().field;
}

class RequestChecks : public ::testing::Test {
 protected:
  RequestChecks() {
    limits_.max_id_bytes = 4;
    limits_.max_text_bytes = 10;
    limits_.max_metadata_bytes = 12;
    limits_.max_chunks_per_document = 2;
    limits_.max_dimension = 3;
    chunk_.id = "abcd";
    chunk_.text = "ten bytes.";
    chunk_.vector = {1, 2, 3};
    chunk_.metadata.set("a", "1234");  // {"a":"1234"}
  }
  std::string upsert(ChunkInput chunk) {
    UpsertDocument operation;
    operation.document.id = "abcd";
    operation.document.metadata = chunk_.metadata;
    operation.document.chunks = {chunk_, std::move(chunk)};
    return told(check_operation(operation, limits_));
  }

  ServiceLimits limits_;
  ChunkInput chunk_;
};

TEST_F(RequestChecks, ADocumentAtEveryLimitPasses) { EXPECT_EQ(upsert(chunk_), "ok"); }

TEST_F(RequestChecks, EachLimitNamesItsField) {
  ChunkInput chunk = chunk_;
  chunk.id = "abcde";
  EXPECT_EQ(upsert(chunk), "limit_exceeded document.chunks[1].id");
  chunk = chunk_;
  chunk.text += ".";
  EXPECT_EQ(upsert(chunk), "limit_exceeded document.chunks[1].text");
  chunk = chunk_;
  chunk.vector.push_back(4);
  EXPECT_EQ(upsert(chunk), "limit_exceeded document.chunks[1].vector");
  chunk = chunk_;
  chunk.metadata.set("a", "12345");
  EXPECT_EQ(upsert(chunk), "limit_exceeded document.chunks[1].metadata");
  chunk.metadata = Json("text");
  EXPECT_EQ(upsert(chunk), "invalid_argument document.chunks[1].metadata");

  UpsertDocument document;
  document.document.chunks.resize(3);
  EXPECT_EQ(told(check_operation(document, limits_)), "limit_exceeded document.chunks");
  document.document.chunks.clear();
  document.document.id = "abcde";
  EXPECT_EQ(told(check_operation(document, limits_)), "limit_exceeded document.id");
}

TEST_F(RequestChecks, AnIdIsNeededWhereSomethingIsNamed) {
  EXPECT_EQ(told(check_operation(PatchDocument{.library = "", .id = "", .metadata_patch = Json::object()},
                                 limits_)),
            "invalid_argument id");
  EXPECT_EQ(told(check_operation(DeleteDocument{.library = "", .id = ""}, limits_)), "invalid_argument id");
  EXPECT_EQ(told(check_operation(DeleteChunk{.library = "", .id = ""}, limits_)), "invalid_argument id");
  EXPECT_EQ(told(check_operation(PatchChunk{.library = "", .id = ""}, limits_)), "invalid_argument id");
  EXPECT_EQ(told(check_operation(PutChunk{}, limits_)), "invalid_argument chunk.id");
  EXPECT_EQ(told(check_operation(UpsertDocument{}, limits_)), "ok");  // it is given one
}

TEST_F(RequestChecks, ChunksByThemselvesAreCheckedToo) {
  PutChunk put{.library = "", .document_id = "abcde", .chunk = chunk_};
  EXPECT_EQ(told(check_operation(put, limits_)), "limit_exceeded document_id");
  put.document_id = "";
  EXPECT_EQ(told(check_operation(put, limits_)), "ok");
  put.chunk.text += ".";
  EXPECT_EQ(told(check_operation(put, limits_)), "limit_exceeded chunk.text");
  PatchChunk patch{.library = "", .id = "a", .text = "more than ten"};
  EXPECT_EQ(told(check_operation(patch, limits_)), "limit_exceeded text");
  patch.text.reset();
  patch.vector = {1, 2, 3, 4};
  EXPECT_EQ(told(check_operation(patch, limits_)), "limit_exceeded vector");
}

TEST_F(RequestChecks, OperationsOnLibrariesAreNotForWrites) {
  EXPECT_EQ(told(check_operation(CreateLibrary{}, limits_)), "invalid_argument ");
  EXPECT_EQ(told(check_operation(UpdateLibrary{}, limits_)), "invalid_argument ");
  EXPECT_EQ(told(check_operation(DropLibrary{}, limits_)), "invalid_argument ");
}

TEST_F(RequestChecks, AQuerysTextHasTheLimitOfAChunks) {
  TableQuery query;
  query.text = "more than ten";
  EXPECT_EQ(told(check_query(query, limits_)), "limit_exceeded text");
  query.text = "ten";
  EXPECT_EQ(told(check_query(query, limits_)), "ok");
}

}  // namespace
}  // namespace sextant
