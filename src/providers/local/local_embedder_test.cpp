#include "providers/local/local_embedder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/memory_disk.h"
#include "base/random.h"
#include "providers/local/model_fixture.h"
#include "providers/local/word_piece.h"

namespace sextant {
namespace {

using testing::largest_difference;
using testing::plain_embedding;
using testing::TemporaryDirectory;
using testing::TinyModel;
using Vectors = std::vector<std::vector<float>>;

const std::vector<std::string> kTexts = {"the quick brown fox", "jumps", "",
                                         "over the lazy dog, jumps unknown", "fox fox"};

class LocalEmbedderTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Embedder>> try_open(std::string_view settings = "{}") {
    Json json = parse_json(settings).value();
    json.set("model_dir", directory_.path());
    return make_local_embedder(json);
  }
  std::unique_ptr<Embedder> open(std::string_view settings = "{}") {
    auto made = try_open(settings);
    EXPECT_TRUE(made) << made.error().to_string();
    return std::move(made).value();
  }
  Error refusal(std::string_view settings = "{}") {
    const auto made = try_open(settings);
    EXPECT_FALSE(made);
    return made ? Error{} : made.error();
  }
  static Vectors embed(Embedder& embedder, const std::vector<std::string>& texts,
                       EmbeddingPurpose purpose = EmbeddingPurpose::kDocument) {
    auto vectors = embedder.embed({}, texts, purpose);
    EXPECT_TRUE(vectors) << vectors.error().to_string();
    return std::move(vectors).value_or(Vectors{});
  }
  TokenIds tokens(const std::string& text, const TinyModel& model) const {
    const auto pieces = WordPiece::open(posix_file_system(), directory_.path() + "/vocab.txt", {}, 1000);
    return pieces.value().encode(text, model.config.positions).value();
  }
  void expect_plain_vectors(const TinyModel& model, double tolerance) {
    model.write_to(directory_);
    const auto embedder = open();
    const Vectors vectors = embed(*embedder, kTexts);
    ASSERT_EQ(vectors.size(), kTexts.size());
    for (std::size_t i = 0; i < kTexts.size(); ++i) {
      EXPECT_LT(largest_difference(vectors[i], plain_embedding(model, tokens(kTexts[i], model))), tolerance)
          << kTexts[i];
    }
  }

  TemporaryDirectory directory_;
};

TEST_F(LocalEmbedderTest, ComputesWhatTheTextbookDoesForEverySize) {
  struct Sizes {
    std::size_t layers, hidden, heads, inner;
  };
  for (const Sizes& sizes :
       {Sizes{1, 8, 1, 8}, Sizes{2, 24, 3, 40}, Sizes{3, 64, 2, 128}, Sizes{1, 66, 6, 30}}) {
    auto config = testing::tiny_sizes();
    config.layers = sizes.layers;
    config.hidden = sizes.hidden;
    config.heads = sizes.heads;
    config.inner = sizes.inner;
    SCOPED_TRACE(sizes.hidden);
    expect_plain_vectors(TinyModel(config), 2e-6);
  }
}

TEST_F(LocalEmbedderTest, PoolsByTheFirstTokenWhenTheModelDoes) {
  auto config = testing::tiny_sizes();
  config.pooling = Pooling::kCls;
  expect_plain_vectors(TinyModel(config), 2e-6);
}

TEST_F(LocalEmbedderTest, PoolsAsTheSettingsSay) {
  TinyModel model(testing::tiny_sizes());
  model.write_to(directory_);
  model.config.pooling = Pooling::kCls;
  const auto vectors = embed(*open(R"({"pooling":"cls"})"), kTexts);
  EXPECT_LT(largest_difference(vectors[0], plain_embedding(model, tokens(kTexts[0], model))), 2e-6);
}

TEST_F(LocalEmbedderTest, ReadsHalfPrecisionWeights) {
  for (const char* type : {"F16", "BF16"}) {
    TinyModel model(testing::tiny_sizes());
    model.tensor_type = type;
    SCOPED_TRACE(type);
    expect_plain_vectors(model, 2e-6);
  }
}

TEST_F(LocalEmbedderTest, FindsTheEncoderOfAModelWithAHead) {
  TinyModel model(testing::tiny_sizes());
  const TinyModel plain = model;
  testing::Tensors prefixed;
  for (auto& [name, tensor] : model.tensors) prefixed["bert." + name] = tensor;
  prefixed["cls.predictions.bias"] = {{2}, {1, 2}};
  model.tensors = prefixed;
  model.write_to(directory_);
  const auto vectors = embed(*open(), kTexts);
  EXPECT_LT(largest_difference(vectors[0], plain_embedding(plain, tokens(kTexts[0], plain))), 2e-6);
}

TEST_F(LocalEmbedderTest, PutsThePrefixOfThePurposeInFront) {
  TinyModel(testing::tiny_sizes()).write_to(directory_);
  const auto plain = open();
  const auto prefixed = open(R"({"query_prefix":"find: ","document_prefix":"the "})");
  EXPECT_EQ(embed(*prefixed, {"fox"}, EmbeddingPurpose::kQuery), embed(*plain, {"find: fox"}));
  EXPECT_EQ(embed(*prefixed, {"fox"}, EmbeddingPurpose::kDocument), embed(*plain, {"the fox"}));
}

TEST_F(LocalEmbedderTest, SaysWhatItIs) {
  TinyModel(testing::tiny_sizes()).write_to(directory_);
  const auto embedder = open(R"({"max_tokens":10})");
  EXPECT_EQ(embedder->provider(), "local");
  EXPECT_EQ(embedder->dimension(), 24U);
  EXPECT_EQ(embedder->limits().max_tokens_per_text, 10U);
  EXPECT_EQ(embedder->limits().max_texts_per_call, 0U);
  EXPECT_FALSE(embedder->lexical_only());
  EXPECT_TRUE(embedder->health().ready);
  EXPECT_NE(embedder->health().detail.find("2 layers, 24 dimensions, mean pooling, at most 10 tokens"),
            std::string::npos);
  EXPECT_EQ(embedder->model_name(), directory_.path().substr(directory_.path().rfind('/') + 1));
  EXPECT_EQ(open(R"({"model":"mine"})")->model_name(), "mine");
}

TEST_F(LocalEmbedderTest, AveragesThePartsOfALongText) {
  TinyModel(testing::tiny_sizes()).write_to(directory_);
  // The model reads 16 tokens: two of the frame, one of the prefix, 13 of the text.
  const auto embedder = open(R"({"document_prefix":"the "})");
  const std::string part = "fox dog dog fox fox dog dog dog fox fox ";
  const std::string other = "dog fox dog dog dog dog dog fox dog dog ";
  const auto whole = embed(*embedder, {"fox", part + other, "dog"});
  const auto parts = embed(*embedder, {part, other, "fox", "dog"});
  std::vector<float> mean(parts[0].size());
  for (std::size_t d = 0; d < mean.size(); ++d) mean[d] = parts[0][d] + parts[1][d];
  double length = 0;
  for (const float x : mean) length += double{x} * x;
  for (float& x : mean) x /= static_cast<float>(std::sqrt(length));
  EXPECT_LT(largest_difference(whole[1], mean), 1e-6);
  EXPECT_LT(largest_difference(whole[0], parts[2]), 1e-6);
  EXPECT_LT(largest_difference(whole[2], parts[3]), 1e-6);
  EXPECT_EQ(refusal(R"({"document_prefix":"the the the","max_tokens":5})").field, "document_prefix");
}

TEST_F(LocalEmbedderTest, CutsOrRefusesLongTextsOnlyWhereThatIsWanted) {
  TinyModel(testing::tiny_sizes()).write_to(directory_);
  const std::string fits = "fox fox fox fox fox fox fox fox fox fox fox fox fox fox";
  const auto cutting = open(R"({"long_texts":"cut"})");
  EXPECT_EQ(embed(*cutting, {fits + " dog"}), embed(*cutting, {fits}));
  const auto refusing = open(R"({"long_texts":"refuse","model":"tiny"})");
  EXPECT_EQ(embed(*refusing, {fits}), embed(*cutting, {fits}));
  const std::vector<std::string> texts = {"fox", fits + " dog"};
  const auto refused = refusing->embed({}, texts, EmbeddingPurpose::kDocument);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(refused.error().field, "texts[1]");
  EXPECT_EQ(refused.error().message, "a text of 17 tokens, the limit of model 'tiny' is 16");
  EXPECT_EQ(embed(*open(R"({"max_tokens":3,"long_texts":"cut"})"), {"fox dog"}), embed(*cutting, {"fox"}));
}

TEST_F(LocalEmbedderTest, KeepsTheOrderOfTheTextsHoweverTheyAreBatched) {
  TinyModel(testing::tiny_sizes()).write_to(directory_);
  SeededRandom random(7);
  const std::vector<std::string> words = {"the", "quick", "brown", "fox", "jumps", "over", "lazy", "dog"};
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 300; ++i) {
    std::string text;
    for (std::uint64_t word = random.below(12); word > 0; --word)
      text += words[random.below(words.size())] + " ";
    texts.push_back(text);
  }
  const auto many = open(R"({"threads":3})");
  const Vectors vectors = embed(*many, texts);
  ASSERT_EQ(vectors.size(), texts.size());
  const auto one = open(R"({"threads":1})");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_LT(largest_difference(vectors[i], embed(*one, {texts[i]})[0]), 1e-6) << texts[i];
  }
  EXPECT_TRUE(embed(*many, {}).empty());
}

TEST_F(LocalEmbedderTest, ServesManyCallersAtOnce) {
  TinyModel(testing::tiny_sizes()).write_to(directory_);
  const auto embedder = open(R"({"threads":2})");
  const Vectors expected = embed(*embedder, kTexts);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        const Vectors vectors = embed(*embedder, kTexts);
        for (std::size_t t = 0; t < kTexts.size(); ++t) {
          if (largest_difference(vectors[t], expected[t]) > 1e-6) ++wrong;
        }
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

/// Goes on by a millisecond each time it is asked.
class TickingClock final : public Clock {
 public:
  std::int64_t unix_ms() override { return 0; }
  std::int64_t monotonic_ns() override { return now_ns_.fetch_add(1'000'000); }

 private:
  std::atomic<std::int64_t> now_ns_ = 0;
};

TEST_F(LocalEmbedderTest, StopsBetweenBatchesAtTheDeadline) {
  TinyModel(testing::tiny_sizes()).write_to(directory_);
  const auto embedder = open(R"({"threads":2})");
  const std::vector<std::string> texts(100, "the quick brown fox jumps over the lazy dog");
  TickingClock clock;
  RequestContext context;
  context.clock = &clock;
  // Time enough to tokenize all, and for the first of the batches.
  context.deadline_ns = 102'000'000;
  const auto vectors = embedder->embed(context, texts, EmbeddingPurpose::kDocument);
  ASSERT_FALSE(vectors);
  EXPECT_EQ(vectors.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_NE(vectors.error().message.find("embedding texts"), std::string::npos) << vectors.error().message;
  EXPECT_EQ(embed(*embedder, texts).size(), texts.size()) << "the embedder goes on";
}

TEST_F(LocalEmbedderTest, NamesTheTensorThatIsMissingOrHasAnotherShape) {
  TinyModel model(testing::tiny_sizes());
  const std::string name = "encoder.layer.1.attention.self.key.bias";
  model.tensors.erase(name);
  model.write_to(directory_);
  const Error missing = refusal();
  EXPECT_EQ(missing.code, ErrorCode::kDamaged);
  EXPECT_EQ(missing.field, "model_dir");
  EXPECT_NE(missing.message.find("has no tensor '" + name + "'"), std::string::npos) << missing.message;

  model.tensors[name] = {{3, 8}, std::vector<float>(24)};
  model.write_to(directory_);
  EXPECT_NE(
      refusal().message.find("tensor '" + name + "' has shape [3, 8], the model's configuration wants [24]"),
      std::string::npos);
}

TEST_F(LocalEmbedderTest, RefusesWeightsThatAreCutOff) {
  const TinyModel model(testing::tiny_sizes());
  model.write_to(directory_);
  const std::string whole = testing::safetensors_file(model.tensors);
  directory_.write("model.safetensors", whole.substr(0, whole.size() - 1));
  const Error error = refusal();
  EXPECT_EQ(error.code, ErrorCode::kDamaged);
  EXPECT_NE(error.message.find("truncated or damaged"), std::string::npos) << error.message;
}

TEST_F(LocalEmbedderTest, RefusesAVocabularyLargerThanTheModels) {
  TinyModel model(testing::tiny_sizes());
  model.vocabulary.emplace_back("extra");
  model.write_to(directory_);
  EXPECT_NE(refusal().message.find("has more than the 18 tokens of the model"), std::string::npos);
}

TEST_F(LocalEmbedderTest, NamesTheFileThatIsMissing) {
  for (const char* file : {"config.json", "vocab.txt", "model.safetensors"}) {
    TinyModel(testing::tiny_sizes()).write_to(directory_);
    directory_.remove(file);
    const Error error = refusal();
    EXPECT_EQ(error.code, ErrorCode::kIo);
    EXPECT_EQ(error.field, "model_dir");
    EXPECT_NE(error.message.find(directory_.path() + "/" + file), std::string::npos) << error.message;
  }
}

TEST_F(LocalEmbedderTest, RefusesMoreTokensThanTheModelHasPositions) {
  TinyModel(testing::tiny_sizes()).write_to(directory_);
  const Error error = refusal(R"({"max_tokens":17})");
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.field, "max_tokens");
  EXPECT_NE(error.message.find("setting 'max_tokens' is 17"), std::string::npos);
  EXPECT_NE(error.message.find("has positions for 16"), std::string::npos);
}

TEST_F(LocalEmbedderTest, NamesTheTextThatTheModelGivesNoDirection) {
  TinyModel model(testing::tiny_sizes());
  const std::string last = "encoder.layer.1.output.LayerNorm";
  for (const char* part : {".weight", ".bias"}) model.tensors[last + part].numbers.assign(24, 0.0F);
  model.write_to(directory_);
  const std::vector<std::string> texts = {"fox"};
  const auto vectors = open()->embed({}, texts, EmbeddingPurpose::kDocument);
  ASSERT_FALSE(vectors);
  EXPECT_EQ(vectors.error().code, ErrorCode::kEmbeddingUnavailable);
  EXPECT_EQ(vectors.error().field, "texts[0]");
}

TEST_F(LocalEmbedderTest, SurvivesDamageAnywhereInItsFiles) {
  auto config = testing::tiny_sizes();
  config.layers = 1;
  const TinyModel model(config);
  const std::vector<std::pair<std::string, std::string>> files = {
      {"config.json", model.config_json.to_string()},
      {"model.safetensors", testing::safetensors_file(model.tensors)}};
  SeededRandom random(3);
  for (const auto& [name, whole] : files) {
    model.write_to(directory_);
    for (int round = 0; round < 60; ++round) {
      std::string damaged = whole;
      // Mostly in what is parsed, which is at the front.
      const std::size_t reach = round % 2 == 0 ? std::min<std::size_t>(damaged.size(), 2000) : damaged.size();
      for (int i = 0; i < 3; ++i) damaged[random.below(reach)] = static_cast<char>(random.below(256));
      directory_.write(name, damaged);
      const auto made = try_open(R"({"threads":1})");
      if (made) (void)(*made)->embed({}, kTexts, EmbeddingPurpose::kDocument);
    }
  }
}

}  // namespace
}  // namespace sextant
