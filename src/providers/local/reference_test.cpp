// The published model against token numbers and vectors made by other programs (the test data's README says
// which).
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "providers/embedder.h"
#include "providers/local/model_fixture.h"
#include "providers/local/word_piece.h"

namespace sextant {
namespace {

struct Reference {
  std::string text;
  TokenIds tokens;
  std::vector<float> vector;
};

std::string reference_path() {
  const char* data = std::getenv("SEXTANT_TEST_DATA");
  return std::string(data != nullptr ? data : SEXTANT_SOURCE_DIR "/../shared/data") +
         "/minilm-reference.jsonl.gz";
}

std::string unpack(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  std::string content;
  std::string piece(1U << 16U, '\0');
  int got = 0;
  while ((got = gzread(file, piece.data(), static_cast<unsigned>(piece.size()))) > 0) {
    content.append(piece, 0, static_cast<std::size_t>(got));
  }
  EXPECT_EQ(got, 0) << "damaged: " << path;
  gzclose(file);
  return content;
}

std::vector<Reference> read_references() {
  std::vector<Reference> references;
  const std::string content = unpack(reference_path());
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t end = std::min(content.find('\n', begin), content.size());
    const Json line = parse_json(std::string_view(content).substr(begin, end - begin)).value();
    Reference reference{.text = line.find("text")->as_string(), .tokens = {}, .vector = {}};
    const Json& tokens = *line.find("tokens");
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      reference.tokens.push_back(static_cast<std::int32_t>(tokens.element(i).as_integer()));
    }
    std::string bytes;
    EXPECT_TRUE(append_from_base64(line.find("embedding")->as_string(), bytes));
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(float))
      reference.vector.push_back(load_le<float>(bytes, i));
    references.push_back(std::move(reference));
    begin = end + 1;
  }
  return references;
}

class PublishedModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::string& needed :
         {reference_path(), testing::published_model_directory() + "/model.safetensors"}) {
      if (!std::filesystem::exists(needed)) GTEST_SKIP() << needed << " is not there";
    }
    references_ = read_references();
    ASSERT_EQ(references_.size(), 200U);
  }
  static std::unique_ptr<Embedder> open(std::string_view settings) {
    Json json = parse_json(settings).value();
    json.set("model_dir", testing::published_model_directory());
    return make_embedder("local", json).value();
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const Reference& reference : references_) all.push_back(reference.text);
    return all;
  }

  std::vector<Reference> references_;
};

TEST_F(PublishedModelTest, TokenizesAsTheReference) {
  const auto pieces =
      WordPiece::open(posix_file_system(), testing::published_model_directory() + "/vocab.txt", {}, 30522);
  ASSERT_TRUE(pieces) << pieces.error().to_string();
  for (const Reference& reference : references_) {
    EXPECT_EQ(pieces->encode(reference.text, 256).value(), reference.tokens) << reference.text;
  }
}

TEST_F(PublishedModelTest, EmbedsAsTheReference) {
  const auto embedder = open(R"({"long_texts":"cut"})");
  EXPECT_EQ(embedder->dimension(), 384U);
  EXPECT_EQ(embedder->limits().max_tokens_per_text, 256U);
  const auto vectors = embedder->embed({}, texts(), EmbeddingPurpose::kDocument).value();
  double worst = 0;
  for (std::size_t i = 0; i < references_.size(); ++i) {
    const double difference = testing::largest_difference(vectors[i], references_[i].vector);
    EXPECT_LT(difference, 1e-4) << references_[i].text;
    worst = std::max(worst, difference);
  }
  RecordProperty("largest_difference", std::to_string(worst));
}

TEST_F(PublishedModelTest, GivesATextTheSameVectorInAnyCompany) {
  const auto embedder = open(R"({"threads":2})");
  std::vector<std::string> shuffled = texts();
  const auto vectors = embedder->embed({}, shuffled, EmbeddingPurpose::kDocument).value();
  std::vector<std::size_t> order(shuffled.size());
  SeededRandom random(11);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  for (std::size_t i = 0; i < order.size(); ++i) shuffled[i] = references_[order[i]].text;
  const auto permuted = embedder->embed({}, shuffled, EmbeddingPurpose::kDocument).value();
  for (std::size_t i = 0; i < order.size(); ++i) {
    EXPECT_LT(testing::largest_difference(permuted[i], vectors[order[i]]), 1e-6) << shuffled[i];
  }
}

}  // namespace
}  // namespace sextant
