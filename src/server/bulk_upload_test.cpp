#include "server/bulk_upload.h"

#include <gtest/gtest.h>

#include "server/testing/api_fixture.h"

namespace sextant {
namespace {

class BulkUpload : public ApiFixture {
 protected:
  BulkUpload() { service_options_.limits.max_request_bytes = 1000; }  // lines have limits of their own
  static std::string line(int i) {
    return R"({"id": "d)" + std::to_string(i) + R"(", "chunks": [{"vector": [1, 0, 0, )" + std::to_string(i) +
           "]}]}\n";
  }
  static std::string lines(int count) {
    std::string all;
    for (int i = 1; i <= count; ++i) all += line(i);
    return all;
  }
  std::vector<std::size_t> batches() const {
    std::vector<std::size_t> sizes;
    for (const WriteRequest& write : database_->writes()) sizes.push_back(write.transactions.size());
    sizes.erase(sizes.begin());  // the creation of the library
    return sizes;
  }

  const std::string path_ = "/v1/libraries/notes/documents";
};

TEST_F(BulkUpload, CommitsLinesInBatchesThatDoNotDependOnHowTheyArrive) {
  const std::string text = lines(2500);
  for (const std::size_t piece : {std::size_t{1} << 20U, std::size_t{777}}) {
    reset();
    database_ = std::make_shared<HookedDatabase>();
    make_notes();
    const HttpAnswer answer = upload(path_, text, piece);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(at(answer, "committed"), 2500);
    EXPECT_TRUE(at(answer, "commit").is_string());
    EXPECT_EQ(batches(), (std::vector<std::size_t>{1000, 1000, 500}));
  }
  EXPECT_EQ(get(path_ + "/d2500").status, 200);
}

TEST_F(BulkUpload, TakesBlankLinesAndALastLineWithoutEnd) {
  make_notes();
  const HttpAnswer answer =
      upload(path_, "\n" + line(1) + "\r\n  \n" + R"({"id": "last", "metadata": {"n": 1}})", 3);
  EXPECT_EQ(at(answer, "committed"), 2);
  EXPECT_EQ(get(path_ + "/last").status, 200);
  EXPECT_EQ(at(upload(path_, "\n", 1), "committed"), 0);
}

TEST_F(BulkUpload, StopsAtTheFirstLineThatFailsAndNamesIt) {
  make_notes();
  const HttpAnswer malformed = upload(path_, lines(3) + "{\"id\": \n" + line(5), 1 << 20);
  ASSERT_EQ(malformed.status, 200) << malformed.body;
  EXPECT_EQ(at(malformed, "committed"), 3) << "what stands before it is kept";
  EXPECT_EQ(at(malformed, "failed", "line"), 4);
  EXPECT_EQ(at(malformed, "failed", "error", "code"), "invalid_argument");
  EXPECT_EQ(get(path_ + "/d5").status, 404);

  const HttpAnswer unknown = upload(path_, line(7) + "\n" + R"({"id": "x", "txt": "a"})", 1 << 20);
  EXPECT_EQ(at(unknown, "failed", "line"), 3);
  EXPECT_EQ(at(unknown, "failed", "error", "field"), "txt");

  const HttpAnswer conflict = upload(path_ + "?on_conflict=error", line(8) + line(1) + line(9), 1 << 20);
  EXPECT_EQ(at(conflict, "committed"), 1);
  EXPECT_EQ(at(conflict, "failed", "line"), 2);
  EXPECT_EQ(at(conflict, "failed", "error", "code"), "document_exists");
  EXPECT_EQ(get(path_ + "/d9").status, 404);
}

TEST_F(BulkUpload, IsAProblemWhenNothingWasCommitted) {
  make_notes();
  const HttpAnswer first = upload(path_, "nonsense\n" + line(1), 1 << 20);
  EXPECT_EQ(first.status, 400);
  EXPECT_EQ(at(first, "code"), "invalid_argument");
  EXPECT_EQ(at(first, "failed", "line"), 1);
  EXPECT_EQ(at(first, "committed"), 0);
  const HttpAnswer nowhere = upload("/v1/libraries/none/documents", line(1), 1 << 20);
  EXPECT_EQ(nowhere.status, 404);
  EXPECT_EQ(at(nowhere, "code"), "library_not_found");
}

TEST_F(BulkUpload, RefusesALineThatIsTooLong) {
  make_notes();
  const std::string text = line(1) + "{\"text\": \"" + std::string(kMaxLineBytes, 'x');
  const HttpAnswer answer = upload(path_, text, 1 << 20);
  EXPECT_EQ(at(answer, "committed"), 1);
  EXPECT_EQ(at(answer, "failed", "line"), 2);
  EXPECT_EQ(at(answer, "failed", "error", "code"), "payload_too_large");
}

TEST_F(BulkUpload, EndsABatchBySizeToo) {
  make_notes();
  std::string text;
  for (int i = 0; i < 12; ++i) {
    text += R"({"metadata": {}, "chunks": [{"vector": [1, 0, 0, 0], "text": ")" +
            std::string(1'000'000, 't') + "\"}]}\n";
  }
  EXPECT_EQ(at(upload(path_, text, 1 << 20), "committed"), 12);
  EXPECT_EQ(batches(), (std::vector<std::size_t>{9, 3}));
}

TEST_F(BulkUpload, TakesItsSettingsFromTheQuery) {
  make_notes();
  EXPECT_EQ(upload(path_ + "?durability=flushed&model=m", line(1), 100).status, 200);
  EXPECT_EQ(database_->writes().back().durability, Durability::kFlushed);
  EXPECT_EQ(told(upload(path_ + "?durability=never", line(1), 100)), "422 invalid_argument durability");
  EXPECT_EQ(told(upload(path_ + "?atomic=true", line(1), 100)), "422 invalid_argument atomic");
  EXPECT_EQ(told(post(path_ + "?durability=flushed", R"({"documents": []})")),
            "422 invalid_argument durability");
}

TEST_F(BulkUpload, GivesEveryBatchAnIdempotencyKeyOfItsOwn) {
  make_notes();
  const auto keys = [&] {
    upload(path_, lines(1500), 5000, {{"Idempotency-Key", "up"}});
    const auto writes = database_->writes();
    return std::pair(*writes[writes.size() - 2].idempotency, *writes.back().idempotency);
  };
  const auto [first, second] = keys();
  EXPECT_EQ(first.key, "up");
  EXPECT_NE(first.scope, second.scope);
  EXPECT_NE(first.request_hash, second.request_hash);
  const auto [again, after] = keys();
  EXPECT_EQ(again.scope, first.scope);
  EXPECT_EQ(again.request_hash, first.request_hash);
  EXPECT_EQ(after.request_hash, second.request_hash);
}

}  // namespace
}  // namespace sextant
