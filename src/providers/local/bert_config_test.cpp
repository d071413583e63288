#include "providers/local/bert_config.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/json.h"
#include "base/memory_disk.h"

namespace sextant {
namespace {

constexpr std::string_view kConfig =
    R"({"model_type":"bert","hidden_act":"gelu","num_hidden_layers":6,"hidden_size":384,"num_attention_heads":12,)"
    R"("intermediate_size":1536,"vocab_size":30522,"max_position_embeddings":512,"type_vocab_size":2,)"
    R"("layer_norm_eps":1e-12})";

class BertConfigTest : public ::testing::Test {
 protected:
  BertConfigTest() {
    (void)disk_.make_directory("/m");
    (void)disk_.make_directory("/m/1_Pooling");
    (void)disk_.make_directory("/m/pool");
    write("config.json", kConfig);
  }
  void write(const std::string& name, std::string_view content) {
    ASSERT_TRUE(write_file_atomically(disk_, "/m/" + name, content).has_value());
  }
  BertConfig load(std::optional<Pooling> pooling = {}) {
    auto config = load_bert_config(disk_, "/m", pooling);
    EXPECT_TRUE(config) << config.error().to_string();
    return config.value_or(BertConfig{});
  }
  Error refusal(std::optional<Pooling> pooling = {}) {
    const auto config = load_bert_config(disk_, "/m", pooling);
    EXPECT_FALSE(config);
    return config ? Error{} : config.error();
  }
  /// The complaint about config.json with one member set to a JSON value.
  std::string complaint(std::string_view key, std::string_view value) {
    Json config = parse_json(kConfig).value();
    config.set(key, parse_json(value).value());
    write("config.json", config.to_string());
    const Error error = refusal();
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    EXPECT_NE(error.message.find("/m/config.json"), std::string::npos) << error.message;
    return error.message;
  }

  MemoryDisk disk_;
};

TEST_F(BertConfigTest, ReadsTheSizes) {
  const BertConfig config = load();
  EXPECT_EQ(config.layers, 6U);
  EXPECT_EQ(config.hidden, 384U);
  EXPECT_EQ(config.heads, 12U);
  EXPECT_EQ(config.inner, 1536U);
  EXPECT_EQ(config.vocabulary, 30522U);
  EXPECT_EQ(config.positions, 512U);
  EXPECT_EQ(config.token_types, 2U);
  EXPECT_EQ(config.norm_epsilon, 1e-12);
}

TEST_F(BertConfigTest, HasTheUsualDefaultsWithoutTheOtherFiles) {
  const BertConfig config = load();
  EXPECT_EQ(config.pooling, Pooling::kMean);
  EXPECT_EQ(config.max_tokens, 512U);
  EXPECT_TRUE(config.text.lower_case);
  EXPECT_TRUE(config.text.strip_accents);
  EXPECT_TRUE(config.text.split_cjk);
}

TEST_F(BertConfigTest, TakesTextHandlingFromTheTokenizer) {
  write("tokenizer_config.json",
        R"({"do_lower_case":false,"strip_accents":null,"tokenize_chinese_chars":false})");
  EXPECT_FALSE(load().text.lower_case);
  EXPECT_FALSE(load().text.strip_accents);
  EXPECT_FALSE(load().text.split_cjk);
  write("tokenizer_config.json", R"({"do_lower_case":false,"strip_accents":true})");
  EXPECT_TRUE(load().text.strip_accents);
  write("sentence_bert_config.json", R"({"do_lower_case":true})");
  EXPECT_TRUE(load().text.lower_case);
}

TEST_F(BertConfigTest, TakesTheSmallestLimitOfTokens) {
  write("tokenizer_config.json", R"({"model_max_length":1000000000000000019884624838656})");
  EXPECT_EQ(load().max_tokens, 512U);
  write("tokenizer_config.json", R"({"model_max_length":128})");
  EXPECT_EQ(load().max_tokens, 128U);
  write("sentence_bert_config.json", R"({"max_seq_length":64})");
  EXPECT_EQ(load().max_tokens, 64U);
  write("sentence_bert_config.json", R"({"max_seq_length":2})");
  EXPECT_EQ(refusal().message,
            "model file '/m/sentence_bert_config.json': \"max_seq_length\" must be a number above 2");
}

TEST_F(BertConfigTest, FindsThePoolingModule) {
  write("1_Pooling/config.json", R"({"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":false})");
  EXPECT_EQ(load().pooling, Pooling::kCls);
  EXPECT_EQ(load(Pooling::kMean).pooling, Pooling::kMean);
  write("pool/config.json", R"({"pooling_mode_cls_token":false,"pooling_mode_mean_tokens":true})");
  write("modules.json", R"([{"path":"","type":"sentence_transformers.models.Transformer"},
                            {"path":"pool","type":"sentence_transformers.models.Pooling"},
                            {"path":"n","type":"sentence_transformers.models.Normalize"}])");
  EXPECT_EQ(load().pooling, Pooling::kMean);
}

TEST_F(BertConfigTest, RefusesPoolingItCannotDo) {
  write("1_Pooling/config.json", R"({"pooling_mode_max_tokens":true})");
  EXPECT_EQ(refusal().message,
            "model file '/m/1_Pooling/config.json': \"pooling_mode_max_tokens\" is true; this encoder pools "
            "by mean or cls");
  EXPECT_EQ(load(Pooling::kCls).pooling, Pooling::kCls) << "an explicit choice holds";
  write("1_Pooling/config.json", R"({"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":true})");
  EXPECT_NE(refusal().message.find("want one of the two"), std::string::npos);
}

TEST_F(BertConfigTest, RefusesModulesItCannotRun) {
  write("modules.json", R"([{"path":"2_Dense","type":"sentence_transformers.models.Dense"}])");
  EXPECT_EQ(refusal().message,
            "model file '/m/modules.json': module 0 of type 'sentence_transformers.models.Dense' is "
            "none that this encoder can run");
  EXPECT_EQ(refusal(Pooling::kMean).code, ErrorCode::kInvalidArgument);
  write("modules.json", "{}");
  EXPECT_EQ(refusal().code, ErrorCode::kDamaged);
}

TEST_F(BertConfigTest, RefusesModelsOfAnotherKindByKey) {
  EXPECT_NE(complaint("model_type", R"("roberta")")
                .find(R"("model_type" is "roberta"; this encoder does only "bert")"),
            std::string::npos);
  EXPECT_NE(complaint("model_type", "null").find("\"model_type\" is missing"), std::string::npos);
  EXPECT_NE(complaint("hidden_act", R"("relu")").find("\"hidden_act\""), std::string::npos);
  EXPECT_NE(complaint("position_embedding_type", R"("relative_key")").find("\"absolute\""),
            std::string::npos);
}

TEST_F(BertConfigTest, RefusesImpossibleSizesByKey) {
  for (const std::string key :
       {"num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "vocab_size",
        "max_position_embeddings", "type_vocab_size"}) {
    for (const std::string_view value : {"0", "-1", "1.5", R"("6")", "16777217", "null"}) {
      EXPECT_NE(complaint(key, value).find("\"" + key + "\" must be an integer from 1 to 16777216"),
                std::string::npos);
    }
  }
  EXPECT_NE(complaint("num_attention_heads", "7").find("does not divide \"hidden_size\" 384"),
            std::string::npos);
  EXPECT_NE(complaint("max_position_embeddings", "2").find("must be above 2"), std::string::npos);
  for (const std::string_view value : {"0", "-1e-5", "2", "null", R"("x")"}) {
    EXPECT_NE(complaint("layer_norm_eps", value).find("\"layer_norm_eps\" must be"), std::string::npos);
  }
}

TEST_F(BertConfigTest, RefusesFilesThatAreNoJsonObject) {
  for (const std::string_view content : {"", "{", "[1]", "{\"model_type\":"}) {
    write("config.json", content);
    EXPECT_EQ(refusal().code, ErrorCode::kDamaged) << content;
  }
  ASSERT_TRUE(disk_.remove("/m/config.json").has_value());
  EXPECT_EQ(refusal().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace sextant
