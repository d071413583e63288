// REST v1 without sockets: every route's answers, by what they say and by their schemas.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "server/testing/api_fixture.h"

namespace sextant {
namespace {

class ApiTest : public ApiFixture {
 protected:
  /// Three documents in notes: a (1 chunk), b (2 chunks, from text), c (metadata only).
  void fill() {
    make_notes();
    const HttpAnswer written = post("/v1/libraries/notes/documents", R"({"model": "fake-model", "documents": [
        {"id": "a", "metadata": {"year": 2024}, "chunks": [{"id": "a1", "text": "alpha", "vector": [1, 0, 0, 0], "metadata": {"n": 1}}]},
        {"id": "b", "metadata": {"year": 2025}, "chunks": [{"text": "beta", "vector": [0, 1, 0, 0]}, {"text": "gamma", "vector": [0, 0, 2, 0]}]},
        {"id": "c", "metadata": {"year": 2026}}]})");
    ASSERT_EQ(written.status, 200) << written.body;
  }
};

TEST_F(ApiTest, CreatesShowsChangesListsAndDropsLibraries) {
  const HttpAnswer made = post("/v1/libraries", R"({"name": "chat:messages", "metadata": {"owner": "ann"},
      "vectors": {"embedding": {"type": "dense", "metric": "l2", "normalize": false, "dimension": 4, "model": null}},
      "index": {"kind": "flat"}, "embedding": null})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(at(made, "library", "name"), "chat.messages");
  EXPECT_EQ(at(made, "library", "vectors", "embedding", "metric"), "l2");
  EXPECT_EQ(at(made, "library", "vectors", "embedding", "dimension"), 4) << made.body;
  EXPECT_TRUE(at(made, "library", "vectors", "embedding", "model").is_null());
  EXPECT_EQ(at(made, "library", "vectors", "embedding", "established"), false);
  EXPECT_TRUE(at(made, "commit").is_string());
  make_notes();

  EXPECT_EQ(at(get("/v1/libraries/chat.messages"), "metadata", "owner"), "ann");
  const HttpAnswer patched =
      ask(HttpMethod::kPatch, "/v1/libraries/chat.messages", R"({"metadata": {"owner": null, "team": "x"}})");
  EXPECT_EQ(at(patched, "library", "metadata").to_string(), R"({"team":"x"})");

  const HttpAnswer first = get("/v1/libraries?limit=1");
  EXPECT_EQ(at(first, "libraries", 0, "name"), "chat.messages");
  const HttpAnswer second = get("/v1/libraries?limit=1&cursor=" + at(first, "cursor").as_string());
  EXPECT_EQ(at(second, "libraries", 0, "name"), "default.notes");
  EXPECT_TRUE(at(second, "cursor").is_null());

  EXPECT_EQ(ask(HttpMethod::kDelete, "/v1/libraries/chat.messages").status, 200);
  EXPECT_EQ(told(get("/v1/libraries/chat.messages")), "404 library_not_found");
}

TEST_F(ApiTest, RefusesLibrariesThatCannotBe) {
  make_notes();
  EXPECT_EQ(told(post("/v1/libraries", R"({"name": "notes"})")).substr(0, 18), "409 library_exists");
  EXPECT_EQ(told(post("/v1/libraries", "{}")), "422 invalid_argument name");
  EXPECT_EQ(told(post("/v1/libraries", R"({"name": "a b"})")), "422 invalid_argument name");
  EXPECT_EQ(told(post("/v1/libraries", R"({"name": "x", "kind": "stream"})")), "422 not_supported_yet kind");
  EXPECT_EQ(told(post("/v1/libraries", R"({"name": "x", "kind": "system"})")), "422 invalid_argument kind");
  EXPECT_EQ(told(post("/v1/libraries", R"({"name": "x", "provider": "duckdb"})")),
            "422 not_supported_yet provider");
  EXPECT_EQ(told(post("/v1/libraries", R"({"name": "x", "ttl_seconds": 3})")),
            "422 not_supported_yet ttl_seconds");
  EXPECT_EQ(told(post("/v1/libraries", R"({"name": "x", "index": {"kind": "hnsw"}})")),
            "422 not_supported_yet index.kind");
  EXPECT_EQ(told(post("/v1/libraries", R"({"name": "x", "vectors": {"embedding": {"type": "sparse"}}})")),
            "422 not_supported_yet vectors.embedding.type");
  EXPECT_EQ(
      told(post("/v1/libraries", R"({"name": "x", "vectors": {"embedding": {"dimension": 5000000000}}})")),
      "422 limit_exceeded vectors.embedding.dimension");
}

TEST_F(ApiTest, WritesDocumentsAndTellsWhatBecameOfEach) {
  make_notes();
  const HttpAnswer written = post(
      "/v1/libraries/default.notes/documents",
      R"({"documents": [{"id": "x", "text": "one line"}, {"text": "another"}], "durability": "flushed"})");
  ASSERT_EQ(written.status, 200) << written.body;
  EXPECT_EQ(at(written, "committed"), 2);
  EXPECT_EQ(at(written, "results", 0, "id"), "x");
  EXPECT_EQ(at(written, "results", 0, "effect"), "created");
  EXPECT_EQ(at(written, "results", 1, "id").as_string().size(), 36U) << "an id was given";
  EXPECT_EQ(database_->writes().back().durability, Durability::kFlushed);
  EXPECT_EQ(embedder_->embedded().size(), 2U);
  EXPECT_EQ(at(post("/v1/libraries/notes/documents", R"({"documents": [{"id": "x", "text": "new"}]})"),
               "results", 0, "effect"),
            "replaced");
  EXPECT_EQ(at(post("/v1/libraries/notes/documents", R"({"documents": []})"), "committed"), 0);
}

TEST_F(ApiTest, WritesDocumentsUpToTheFirstThatFails) {
  fill();
  const HttpAnswer some = post("/v1/libraries/notes/documents", R"({"on_conflict": "error", "documents": [
      {"id": "n1", "text": "x"}, {"id": "a", "text": "x"}, {"id": "n2", "text": "x"}]})");
  ASSERT_EQ(some.status, 200) << some.body;
  EXPECT_EQ(at(some, "committed"), 1);
  EXPECT_EQ(at(some, "results", 0, "status"), "committed");
  EXPECT_EQ(at(some, "results", 1, "status"), "failed");
  EXPECT_EQ(at(some, "results", 1, "error", "code"), "document_exists");
  EXPECT_EQ(at(some, "results", 1, "error", "status"), 409);
  EXPECT_EQ(at(some, "results", 2).to_string(), R"({"id":"n2","status":"not_attempted"})");

  const HttpAnswer none =
      post("/v1/libraries/notes/documents",
           R"({"on_conflict": "error", "documents": [{"id": "a", "text": "x"}, {"text": "y"}]})");
  EXPECT_EQ(none.status, 409);
  EXPECT_EQ(at(none, "code"), "document_exists");
  EXPECT_EQ(at(none, "results", 0, "status"), "failed");
  EXPECT_EQ(at(none, "results", 1).to_string(), R"({"status":"not_attempted"})");

  const HttpAnswer atomic = post("/v1/libraries/notes/documents", R"({"on_conflict": "error", "atomic": true,
      "documents": [{"id": "n3", "text": "x"}, {"id": "a", "text": "x"}]})");
  EXPECT_EQ(atomic.status, 409);
  EXPECT_EQ(get("/v1/libraries/notes/documents/n3").status, 404);
}

TEST_F(ApiTest, NamesTheFieldOfADocumentThatIsAtFault) {
  make_notes();
  const auto refusal = [&](std::string_view documents) {
    return told(post("/v1/libraries/notes/documents", "{\"documents\": [" + std::string(documents) + "]}"));
  };
  EXPECT_EQ(refusal(R"({"text": "x"}, {"chunks": [{"vector": [1, "2"]}]})"),
            "422 invalid_argument documents[1].chunks[0].vector[1]");
  EXPECT_EQ(refusal(R"({"chunks": [{"vector": [1e39, 0, 0, 0]}]})"),
            "422 invalid_vector documents[0].chunks[0].vector[0]");
  EXPECT_EQ(refusal(R"({"chunks": [{"text": "a", "metadat": {}}]})"),
            "422 invalid_argument documents[0].chunks[0].metadat");
  EXPECT_EQ(refusal(R"({"chunks": [{"id": "no text, no vector"}]})").substr(0, 46),
            "422 invalid_argument documents[0].chunks[0]");
  EXPECT_EQ(refusal(R"({"text": "  "})"), "422 invalid_argument documents[0].text");
  embedder_->refuse("bad");
  EXPECT_EQ(refusal(R"({"chunks": [{"text": "good"}, {"text": "bad"}]})"),
            "422 limit_exceeded documents[0].chunks[1].text");
  EXPECT_EQ(told(post("/v1/libraries/none/documents", R"({"documents": [{"text": "x"}]})")).substr(0, 21),
            "404 library_not_found");
}

TEST_F(ApiTest, ShowsDocuments) {
  fill();
  const HttpAnswer plain = get("/v1/libraries/notes/documents/b");
  EXPECT_EQ(at(plain, "metadata", "year"), 2025);
  EXPECT_EQ(at(plain, "chunk_ids").size(), 2U);
  EXPECT_EQ(json(plain).find("chunks"), nullptr);
  EXPECT_EQ(plain.header("ETag"), "\"" + at(plain, "etag").as_string() + "\"");
  const HttpAnswer whole = get("/v1/libraries/notes/documents/b?include=chunks,vector");
  EXPECT_EQ(at(whole, "chunks", 1, "text"), "gamma");
  EXPECT_EQ(at(whole, "chunks", 1, "vector").size(), 4U);
  EXPECT_EQ(
      json(get("/v1/libraries/notes/documents/b?include=chunks")).find("chunks")->element(0).find("vector"),
      nullptr);
  EXPECT_EQ(told(get("/v1/libraries/notes/documents/b?include=size")), "422 invalid_argument include[0]");
  EXPECT_EQ(told(get("/v1/libraries/notes/documents/none")), "404 document_not_found id");
}

TEST_F(ApiTest, ListsAndCountsDocumentsByPagesAndFilter) {
  fill();
  const HttpAnswer first = get("/v1/libraries/notes/documents?limit=2");
  EXPECT_EQ(at(first, "documents", 0, "id"), "a");
  EXPECT_EQ(at(first, "documents", 1, "chunks"), 2);
  const HttpAnswer rest =
      get("/v1/libraries/notes/documents?limit=2&cursor=" + at(first, "cursor").as_string());
  EXPECT_EQ(at(rest, "documents").size(), 1U);
  EXPECT_TRUE(at(rest, "cursor").is_null());
  const HttpAnswer found =
      get("/v1/libraries/notes/documents?where=%7B%22year%22:%7B%22$gt%22:2024%7D%7D&count=true&limit=1");
  EXPECT_EQ(at(found, "documents", 0, "id"), "b");
  EXPECT_EQ(at(found, "total"), 2);
  EXPECT_EQ(told(get("/v1/libraries/notes/documents?limit=x")), "422 invalid_argument limit");
  EXPECT_EQ(told(get("/v1/libraries/notes/documents?limit=0")), "422 invalid_argument limit");
  EXPECT_EQ(told(get("/v1/libraries/notes/documents?limit=10001")), "422 limit_exceeded limit");
  EXPECT_EQ(told(get("/v1/libraries/notes/documents?cursor=zz")), "422 invalid_argument cursor");
  EXPECT_EQ(told(get("/v1/libraries/notes/documents?where=x")), "422 invalid_argument where");
  EXPECT_EQ(told(get("/v1/libraries/notes/documents?offset=3")), "422 invalid_argument offset");
  EXPECT_EQ(told(get("/v1/libraries/notes?limit=3")), "422 invalid_argument limit");
}

TEST_F(ApiTest, PutsPatchesAndDeletesADocument) {
  make_notes();
  const std::string path = "/v1/libraries/notes/documents/d%2F1";
  const HttpAnswer created =
      ask(HttpMethod::kPut, path, R"({"text": "hello", "metadata": {"a": 1, "b": 2}})");
  EXPECT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(at(created, "id"), "d/1");
  EXPECT_EQ(at(created, "effect"), "created");
  const HttpAnswer replaced =
      ask(HttpMethod::kPut, path, R"({"chunks": [{"vector": [1, 0, 0, 0]}], "metadata": {"a": 1, "b": 2}})");
  EXPECT_EQ(replaced.status, 200);
  EXPECT_EQ(at(replaced, "effect"), "replaced");
  const HttpAnswer patched = ask(HttpMethod::kPatch, path, R"({"metadata": {"b": null, "c": 3}})");
  EXPECT_EQ(at(patched, "effect"), "patched");
  EXPECT_EQ(patched.header("ETag"), get(path).header("ETag"));
  EXPECT_EQ(at(get(path), "metadata").to_string(), R"({"a":1,"c":3})");
  const HttpAnswer deleted = ask(HttpMethod::kDelete, path);
  EXPECT_EQ(at(deleted, "id"), "d/1");
  EXPECT_EQ(told(ask(HttpMethod::kDelete, path)).substr(0, 22), "404 document_not_found");
  EXPECT_EQ(told(ask(HttpMethod::kPatch, path, "{}")), "422 invalid_argument metadata");
  EXPECT_EQ(told(ask(HttpMethod::kPut, path, R"({"id": "other"})")), "422 invalid_argument id");
}

TEST_F(ApiTest, HonoursPreconditions) {
  fill();
  const std::string path = "/v1/libraries/notes/documents/a";
  const std::string etag = get(path).header("ETag");
  const std::string body = R"({"text": "new"})";
  EXPECT_EQ(told(ask(HttpMethod::kPut, path, body, {{"If-Match", "\"ffff\""}})).substr(0, 23),
            "412 precondition_failed");
  EXPECT_EQ(told(ask(HttpMethod::kPut, path, body, {{"If-Match", "\"other\""}})),
            "412 precondition_failed If-Match");
  EXPECT_EQ(told(ask(HttpMethod::kPut, path, body, {{"If-Match", "x y"}})), "422 invalid_argument If-Match");
  EXPECT_EQ(told(ask(HttpMethod::kPut, path, body, {{"If-None-Match", "*"}})).substr(0, 23),
            "412 precondition_failed");
  EXPECT_EQ(ask(HttpMethod::kPut, path, body, {{"If-Match", etag}}).status, 200);
  EXPECT_EQ(ask(HttpMethod::kDelete, path, {}, {{"If-Match", etag}}).status, 412)
      << "the version is another now";
  EXPECT_EQ(ask(HttpMethod::kDelete, path, {}, {{"If-Match", "*"}}).status, 200);
  EXPECT_EQ(ask(HttpMethod::kDelete, path, {}, {{"If-Match", "*"}}).status, 412);
  EXPECT_EQ(ask(HttpMethod::kPut, path, body, {{"If-Match", "*"}}).status, 412);
  EXPECT_EQ(ask(HttpMethod::kPut, path, body, {{"If-None-Match", "*"}}).status, 201);
  EXPECT_EQ(told(post("/v1/libraries/notes/documents",
                      R"({"documents": [{"id": "b", "if_match": "ffff", "text": "x"}]})"))
                .substr(0, 23),
            "412 precondition_failed");
  EXPECT_EQ(told(post("/v1/libraries/notes/documents",
                      R"({"documents": [{"id": "none", "if_match": "*", "text": "x"}]})")),
            "412 precondition_failed documents[0].if_match");
}

TEST_F(ApiTest, WritesAndShowsSingleChunks) {
  fill();
  const std::string path = "/v1/libraries/notes/chunks/a1";
  EXPECT_EQ(at(get(path), "text"), "alpha");
  EXPECT_EQ(at(get(path + "?include=vector"), "vector").to_string(), "[1,0,0,0]");
  const HttpAnswer created = ask(HttpMethod::kPut, "/v1/libraries/notes/chunks/a2",
                                 R"({"document_id": "a", "vector": [0, 0, 0, 1]})");
  EXPECT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(at(created, "document_id"), "a");
  const HttpAnswer replaced = ask(HttpMethod::kPut, path, R"({"text": "new alpha", "metadata": {"k": "v"}})");
  EXPECT_EQ(at(replaced, "effect"), "replaced");
  EXPECT_EQ(at(replaced, "etag"), at(get("/v1/libraries/notes/documents/a"), "etag"));
  const HttpAnswer patched = ask(HttpMethod::kPatch, path, R"({"metadata": {"k": null, "l": 1}})");
  EXPECT_EQ(at(patched, "effect"), "patched");
  EXPECT_EQ(at(get(path), "metadata").to_string(), R"({"l":1})");
  EXPECT_EQ(at(get(path), "text"), "new alpha");
  EXPECT_EQ(ask(HttpMethod::kDelete, path, {}, {{"If-Match", "*"}}).status, 200);
  EXPECT_EQ(told(get(path)), "404 chunk_not_found");
  EXPECT_EQ(ask(HttpMethod::kDelete, path, {}, {{"If-Match", "*"}}).status, 412);
  EXPECT_EQ(ask(HttpMethod::kPatch, path, R"({"text": "x"})").status, 404);
}

TEST_F(ApiTest, ReadsAndCountsManyChunks) {
  fill();
  const std::string path = "/v1/libraries/notes/chunks";
  const HttpAnswer by_id = post(path + ":get", R"({"ids": ["b#1", "none", "a1"], "include": ["vector"]})");
  ASSERT_EQ(at(by_id, "chunks").size(), 2U);
  EXPECT_EQ(at(by_id, "chunks", 0, "id"), "b#1");
  EXPECT_EQ(json(by_id).find("chunks")->element(0).find("text"), nullptr);
  const HttpAnswer first = post(path + ":get", R"({"limit": 2, "cursor": null})");
  EXPECT_EQ(at(first, "chunks", 0, "id"), "a1");
  const HttpAnswer rest =
      post(path + ":get", R"({"limit": 2, "cursor": ")" + at(first, "cursor").as_string() + "\"}");
  EXPECT_EQ(at(rest, "chunks").size(), 1U);
  EXPECT_EQ(at(post(path + ":get", R"({"where": {"year": 2025}, "where_document": {"$contains": "gam"}})"),
               "chunks", 0, "text"),
            "gamma");
  EXPECT_EQ(at(post(path + ":count", "{}"), "count"), 3);
  EXPECT_EQ(at(post(path + ":count", R"({"where": {"n": 1}})"), "count"), 1);
  EXPECT_EQ(told(post(path + ":get", R"({"ids": ["a"], "where": {}})")), "422 invalid_argument ids");
  EXPECT_EQ(told(post(path + ":get", R"({"ids": ["a"], "limit": 3})")), "422 invalid_argument limit");
  EXPECT_EQ(told(post(path + ":count", R"({"where": {"$and": {}}})")).substr(0, 26),
            "422 invalid_argument where");
}

TEST_F(ApiTest, PatchesAndDeletesManyChunks) {
  fill();
  const std::string path = "/v1/libraries/notes/chunks";
  EXPECT_EQ(at(post(path + ":patch", R"({"where": {"year": 2025}, "metadata": {"seen": true}})"), "patched"),
            2);
  EXPECT_EQ(at(post(path + ":count", R"({"where": {"seen": true}})"), "count"), 2);
  EXPECT_EQ(told(post(path + ":patch", R"({"ids": ["none"], "metadata": {}})")).substr(0, 19),
            "404 chunk_not_found");
  EXPECT_EQ(told(post(path + ":delete", "{}")), "422 invalid_argument where");
  EXPECT_EQ(told(post(path + ":delete", R"({"ids": []})")), "422 invalid_argument ids");
  const HttpAnswer one = post(path + ":delete", R"({"ids": ["a1", "none"]})");
  EXPECT_EQ(at(one, "deleted"), 1);
  EXPECT_TRUE(at(one, "commit").is_string());
  EXPECT_EQ(at(post(path + ":delete", R"({"where": {}})"), "deleted"), 2);
  const HttpAnswer nothing = post(path + ":delete", R"({"where": {}})");
  EXPECT_EQ(at(nothing, "deleted"), 0);
  EXPECT_TRUE(at(nothing, "commit").is_null());
}

TEST_F(ApiTest, SearchesByVectorAndText) {
  fill();
  const std::string path = "/v1/libraries/notes/search";
  const HttpAnswer plain = post(path, R"({"vector": [0, 1, 0, 0.1], "k": 2})");
  ASSERT_EQ(at(plain, "hits").size(), 2U) << plain.body;
  EXPECT_EQ(at(plain, "hits", 0, "chunk_id"), "b#0");
  EXPECT_EQ(at(plain, "hits", 0, "text"), "beta");
  EXPECT_EQ(at(plain, "exact"), true);
  EXPECT_TRUE(at(plain, "commit").is_string());
  EXPECT_EQ(json(plain).find("explain"), nullptr);

  const float query[] = {0, 0, 1, 0};
  const std::string base64 = to_base64({reinterpret_cast<const char*>(query), sizeof(query)});
  const HttpAnswer full =
      post(path, R"({"vectors": {"embedding": ")" + base64 + R"("}, "k": 1, "explain": true,
      "include": ["vector", "document"], "target_recall": 0.95, "consistency": "strong", "timeout_ms": 60000})");
  EXPECT_EQ(at(full, "hits", 0, "chunk_id"), "b#1");
  EXPECT_EQ(at(full, "hits", 0, "document", "metadata", "year"), 2025);
  EXPECT_EQ(json(full).find("hits")->element(0).find("text"), nullptr);
  EXPECT_TRUE(at(full, "explain").is_object());

  EXPECT_EQ(post(path, R"({"text": "beta", "where": {"year": {"$in": [2024]}}, "min_score": -1})").status,
            200);
  EXPECT_EQ(told(post(path, "{}")), "422 invalid_argument vector");
  EXPECT_EQ(told(post(path, R"({"vector": [1, 0, 0, 0], "k": 0})")), "422 invalid_argument k");
  EXPECT_EQ(told(post(path, R"({"vector": [1, 0, 0, 0], "k": 10001})")), "422 limit_exceeded k");
  EXPECT_EQ(told(post(path, R"({"vector": [1, 0, 0, 0], "priority": 1})")), "422 not_supported_yet priority");
}

TEST_F(ApiTest, AnswersSeveralQueriesAtOnce) {
  fill();
  const HttpAnswer answer = post(
      "/v1/libraries/notes/search",
      R"({"queries": [{"vector": [1, 0, 0, 0], "k": 1, "include": []}, {"text": "x", "k": 2, "explain": true}]})");
  ASSERT_EQ(at(answer, "results").size(), 2U) << answer.body;
  EXPECT_EQ(at(answer, "results", 0, "hits", 0, "chunk_id"), "a1");
  EXPECT_EQ(at(answer, "results", 0, "hits", 0).size(), 4U);
  EXPECT_TRUE(at(answer, "results", 1, "explain").is_object());
  EXPECT_EQ(
      told(post("/v1/libraries/notes/search", R"({"queries": [{"text": "x"}, {"text": "x", "k": 10001}]})")),
      "422 limit_exceeded queries[1].k");
}

TEST_F(ApiTest, FindsNeighboursOfAChunk) {
  fill();
  const HttpAnswer answer = post("/v1/libraries/notes/similar", R"({"chunk_id": "a1", "k": 5})");
  EXPECT_EQ(at(answer, "hits").size(), 2U) << answer.body;
  EXPECT_EQ(told(post("/v1/libraries/notes/similar", R"({"chunk_id": "none"})")).substr(0, 19),
            "404 chunk_not_found");
  EXPECT_EQ(told(post("/v1/libraries/notes/similar", R"({"vector": [1]})")), "422 invalid_argument vector");
}

TEST_F(ApiTest, ReadsWaitForTheCommitsTheyName) {
  fill();
  const std::string token =
      at(ask(HttpMethod::kPut, "/v1/libraries/notes/documents/z", R"({"text": "z"})"), "commit").as_string();
  EXPECT_EQ(get("/v1/libraries/notes/documents/z?after=" + token).status, 200);
  EXPECT_EQ(post("/v1/libraries/notes/search", R"({"text": "z", "after": [")" + token + "\"]}").status, 200);
  EXPECT_EQ(told(post("/v1/libraries/notes/chunks:count", R"({"after": "nonsense"})")),
            "422 invalid_argument after");
  EXPECT_EQ(told(post("/v1/libraries/notes/search", R"({"text": "z", "after": 3})")),
            "422 invalid_argument after");
}

TEST_F(ApiTest, TransactionsSpanLibraries) {
  fill();
  ASSERT_EQ(post("/v1/libraries", R"({"name": "other", "vectors": {"embedding": {"dimension": 4}}})").status,
            201);
  const HttpAnswer done = post("/v1/transactions", R"({"operations": [
      {"library": "notes", "upsert_documents": [{"id": "t1", "text": "x"}, {"id": "t2", "metadata": {}}]},
      {"library": "default:other", "upsert_documents": [{"id": "t3", "chunks": [{"vector": [1, 0, 0, 0]}]}], "on_conflict": "error"},
      {"library": "notes", "delete_documents": ["c", {"id": "b"}]},
      {"library": "notes", "patch_chunks": [{"id": "a1", "metadata": {"p": 1}}]}]})");
  ASSERT_EQ(done.status, 200) << done.body;
  ASSERT_EQ(at(done, "results").size(), 6U);
  EXPECT_EQ(at(done, "results", 2, "library"), "default:other");
  EXPECT_EQ(at(done, "results", 3, "effect"), "deleted");
  EXPECT_EQ(at(done, "results", 5, "effect"), "patched");
  EXPECT_EQ(get("/v1/libraries/notes/documents/b").status, 404);

  const HttpAnswer failed = post("/v1/transactions", R"({"operations": [
      {"library": "notes", "upsert_documents": [{"id": "t9", "text": "x"}]},
      {"library": "notes", "delete_documents": ["a", "none"]}]})");
  EXPECT_EQ(told(failed).substr(0, 59), "404 document_not_found operations[1].delete_documents[1].id")
      << failed.body;
  EXPECT_EQ(get("/v1/libraries/notes/documents/t9").status, 404);
  EXPECT_EQ(get("/v1/libraries/notes/documents/a").status, 200);
}

TEST_F(ApiTest, RefusesTransactionsThatAreNone) {
  make_notes();
  const auto refusal = [&](std::string_view operation) {
    return told(post("/v1/transactions", "{\"operations\": [" + std::string(operation) + "]}"));
  };
  EXPECT_EQ(refusal(R"({"library": "notes"})"), "422 invalid_argument operations[0]");
  EXPECT_EQ(refusal(R"({"library": "notes", "delete_documents": [], "patch_chunks": []})"),
            "422 invalid_argument operations[0]");
  EXPECT_EQ(refusal(R"({"library": "notes", "delete_documents": [], "model": "m"})"),
            "422 invalid_argument operations[0]");
  EXPECT_EQ(refusal(R"({"delete_documents": []})"), "422 invalid_argument operations[0].library");
  EXPECT_EQ(refusal(R"({"library": "notes", "upsert_documents": [{"id": "a"}, {"text": " "}]})"),
            "422 invalid_argument operations[0].upsert_documents[1].text");
  EXPECT_EQ(refusal(R"({"library": "notes", "delete_documents": [{"id": "x", "if_match": "*"}]})"),
            "412 precondition_failed operations[0].delete_documents[0].if_match");
  EXPECT_EQ(told(post("/v1/transactions", "{}")), "422 invalid_argument operations");
}

}  // namespace
}  // namespace sextant
