#include "providers/hashed_embedder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/clock.h"

namespace sextant {
namespace {

class HashedEmbedderTest : public ::testing::Test {
 protected:
  std::vector<float> embed(const std::string& text) {
    const std::vector<std::string> texts = {text};
    return embedder_->embed({}, texts, EmbeddingPurpose::kDocument).value().at(0);
  }
  double similarity(const std::string& a, const std::string& b) {
    const auto x = embed(a);
    const auto y = embed(b);
    double dot = 0;
    for (std::size_t i = 0; i < x.size(); ++i) dot += double{x[i]} * y[i];
    return dot;
  }

  std::unique_ptr<Embedder> embedder_ = make_hashed_embedder(Json()).value();
};

TEST_F(HashedEmbedderTest, SaysWhatItIs) {
  EXPECT_EQ(embedder_->provider(), "hashed");
  EXPECT_EQ(embedder_->model_name(), "hashed-v1-384");
  EXPECT_EQ(embedder_->dimension(), 384U);
  EXPECT_TRUE(embedder_->lexical_only());
  EXPECT_TRUE(embedder_->health().ready);
  EXPECT_EQ(make_hashed_embedder(parse_json(R"({"dimension":64})").value()).value()->model_name(),
            "hashed-v1-64");
}

TEST_F(HashedEmbedderTest, GivesTheSameBitsEverywhere) {
  // Libraries keep these vectors: a change of any bit is a new model name.
  const auto vector = embed("The Quick brown fox, naïve café 東京タワー; quick quick 42!");
  std::string bytes(vector.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), vector.data(), bytes.size());
  EXPECT_EQ(xxh3(bytes), 15'112'591'614'613'406'541ULL);
}

TEST_F(HashedEmbedderTest, ReturnsUnitVectorsInOrder) {
  const std::vector<std::string> texts = {"alpha beta", "", "gamma", "!?", "δ"};
  const auto vectors = embedder_->embed({}, texts, EmbeddingPurpose::kQuery).value();
  ASSERT_EQ(vectors.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(vectors[i], embed(texts[i])) << texts[i];
    double squares = 0;
    for (const float x : vectors[i]) squares += double{x} * x;
    EXPECT_NEAR(squares, 1.0, 1e-6) << texts[i];
  }
}

TEST_F(HashedEmbedderTest, GivesTextsWithoutWordsOneFixedVector) {
  const auto empty = embed("");
  EXPECT_EQ(empty[0], 1.0F);
  EXPECT_EQ(std::count(empty.begin(), empty.end(), 0.0F), 383);
  EXPECT_EQ(embed(" \n--- …"), empty);
  EXPECT_EQ(embed("\xff\xfe"), empty);
}

TEST_F(HashedEmbedderTest, SeesNoCaseAndNoPunctuation) {
  EXPECT_EQ(embed("Vector-Database: ÜBER!"), embed("vector database über"));
}

TEST_F(HashedEmbedderTest, RanksBySharedWords) {
  const std::string query = "reduce the gas cost of storage access";
  const double same = similarity(query, "gas cost reduction for accessing storage");
  const double near = similarity(query, "storage rent for contracts");
  const double far = similarity(query, "a wallet shows a list of the permissions of a site");
  EXPECT_GT(same, 0.4);
  EXPECT_GT(same, near + 0.1);
  EXPECT_GT(near, far + 0.05);
}

TEST_F(HashedEmbedderTest, FindsOtherFormsOfAWordByItsParts) {
  EXPECT_GT(similarity("tokenization", "tokenizer"), 0.3);
  EXPECT_LT(std::abs(similarity("tokenization", "elephant")), 0.15);
}

TEST_F(HashedEmbedderTest, CountsFunctionWordsLittle) {
  EXPECT_GT(similarity("the storage of the data", "storage data"), 0.9);
}

TEST_F(HashedEmbedderTest, FindsWordsInsideTextsWithoutSpaces) {
  EXPECT_GT(similarity("東京は日本の首都です", "日本の首都"),
            similarity("東京は日本の首都です", "中国的大城市") + 0.3);
  EXPECT_GT(similarity("สวัสดีชาวโลก", "ชาวโลก"), 0.5);
}

TEST_F(HashedEmbedderTest, StopsAtTheDeadline) {
  ManualClock clock;
  RequestContext context;
  context.clock = &clock;
  context.deadline_ns = clock.monotonic_ns();
  const std::vector<std::string> texts = {"late"};
  const auto vectors = embedder_->embed(context, texts, EmbeddingPurpose::kDocument);
  ASSERT_FALSE(vectors);
  EXPECT_EQ(vectors.error().code, ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace sextant
