#include "providers/local/bert_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "providers/local/word_piece.h"

namespace sextant {
namespace {

constexpr std::int64_t kMaxExtent = std::int64_t{1} << 24U;  // far beyond any model, far below any overflow

/// One of the directory's JSON objects, with errors that name file and key. An absent file is an empty
/// object.
class ModelFile {
 public:
  static Result<ModelFile> open(FileSystem& files, std::string path) {
    ModelFile result;
    result.path_ = std::move(path);
    TRY_ASSIGN(const std::string text, read_file(files, result.path_));
    auto parsed = parse_json(text);
    if (!parsed) {
      return fail(caused_by(ErrorCode::kDamaged, fmt::format("model file '{}' is not JSON", result.path_),
                            std::move(parsed).error()));
    }
    if (!parsed->is_object()) {
      return fail(ErrorCode::kDamaged, fmt::format("model file '{}' is not a JSON object", result.path_));
    }
    result.content_ = std::move(*parsed);
    return result;
  }
  static Result<ModelFile> open_if_present(FileSystem& files, const std::string& path) {
    TRY_ASSIGN(const bool present, files.exists(path));
    if (present) return open(files, path);
    return ModelFile();
  }

  /// Null and absent are the same to the writers of these files.
  const Json* find(std::string_view key) const {
    const Json* value = content_.find(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  Result<std::size_t> extent(std::string_view key) const {
    const Json* value = find(key);
    if (value == nullptr || !value->is_integer() || value->as_integer() < 1 ||
        value->as_integer() > kMaxExtent) {
      return fail(wrong(key, fmt::format("must be an integer from 1 to {}", kMaxExtent)));
    }
    return static_cast<std::size_t>(value->as_integer());
  }
  Result<bool> boolean(std::string_view key, bool absent) const {
    const Json* value = find(key);
    if (value == nullptr) return absent;
    if (!value->is_bool()) return fail(wrong(key, "must be true or false"));
    return value->as_bool();
  }
  Status require(std::string_view key, std::string_view wanted) const {
    const Json* value = find(key);
    if (value == nullptr || (value->is_string() && value->as_string() == wanted)) return {};
    return fail(wrong(key, fmt::format("is {}; this encoder does only \"{}\"", value->to_string(), wanted)));
  }
  /// The smaller of `limit` and the number under `key`, which some writers give as 1e30 for "none".
  Result<std::size_t> at_most(std::string_view key, std::size_t limit) const {
    const Json* value = find(key);
    if (value == nullptr) return limit;
    if (!value->is_number() || value->as_number() <= static_cast<double>(WordPiece::kFramingTokens)) {
      return fail(wrong(key, fmt::format("must be a number above {}", WordPiece::kFramingTokens)));
    }
    return static_cast<std::size_t>(std::min(value->as_number(), static_cast<double>(limit)));
  }
  Error wrong(std::string_view key, std::string_view what) const {
    return make_error(ErrorCode::kInvalidArgument,
                      fmt::format("model file '{}': \"{}\" {}", path_, key, what));
  }

 private:
  std::string path_;
  Json content_ = Json::object();
};

Status read_sizes(const ModelFile& file, BertConfig& config) {
  if (file.find("model_type") == nullptr) return fail(file.wrong("model_type", "is missing"));
  TRY(file.require("model_type", "bert"));
  TRY(file.require("hidden_act", "gelu"));
  TRY(file.require("position_embedding_type", "absolute"));
  TRY_ASSIGN(config.layers, file.extent("num_hidden_layers"));
  TRY_ASSIGN(config.hidden, file.extent("hidden_size"));
  TRY_ASSIGN(config.heads, file.extent("num_attention_heads"));
  TRY_ASSIGN(config.inner, file.extent("intermediate_size"));
  TRY_ASSIGN(config.vocabulary, file.extent("vocab_size"));
  TRY_ASSIGN(config.positions, file.extent("max_position_embeddings"));
  TRY_ASSIGN(config.token_types, file.extent("type_vocab_size"));
  if (config.hidden % config.heads != 0) {
    return fail(
        file.wrong("num_attention_heads", fmt::format("does not divide \"hidden_size\" {}", config.hidden)));
  }
  if (config.positions <= WordPiece::kFramingTokens) {
    return fail(
        file.wrong("max_position_embeddings", fmt::format("must be above {}", WordPiece::kFramingTokens)));
  }
  const Json* epsilon = file.find("layer_norm_eps");
  if (epsilon == nullptr || !epsilon->is_number() || !(epsilon->as_number() > 0) ||
      epsilon->as_number() > 1) {
    return fail(file.wrong("layer_norm_eps", "must be a number above 0, at most 1"));
  }
  config.norm_epsilon = epsilon->as_number();
  return {};
}

Status read_text_handling(FileSystem& files, const std::string& directory, BertConfig& config) {
  TRY_ASSIGN(const auto tokenizer,
             ModelFile::open_if_present(files, join_path(directory, "tokenizer_config.json")));
  TRY_ASSIGN(const auto sentence,
             ModelFile::open_if_present(files, join_path(directory, "sentence_bert_config.json")));
  TRY_ASSIGN(const bool tokenizer_lowers, tokenizer.boolean("do_lower_case", true));
  TRY_ASSIGN(const bool sentence_lowers, sentence.boolean("do_lower_case", false));
  config.text.lower_case = tokenizer_lowers || sentence_lowers;
  TRY_ASSIGN(config.text.strip_accents, tokenizer.boolean("strip_accents", tokenizer_lowers));
  TRY_ASSIGN(config.text.split_cjk, tokenizer.boolean("tokenize_chinese_chars", true));
  TRY_ASSIGN(config.max_tokens, tokenizer.at_most("model_max_length", config.positions));
  TRY_ASSIGN(config.max_tokens, sentence.at_most("max_seq_length", config.max_tokens));
  return {};
}

/// The pooling module's folder, once it is sure that no other module does anything. Without modules.json it
/// has the name that sentence-transformers gives it.
Result<std::string> find_pooling_folder(FileSystem& files, const std::string& directory) {
  const std::string path = join_path(directory, "modules.json");
  std::string folder = "1_Pooling";
  TRY_ASSIGN(const bool present, files.exists(path));
  if (!present) return folder;
  TRY_ASSIGN(const std::string text, read_file(files, path));
  const auto modules = parse_json(text);
  if (!modules || !modules->is_array()) {
    return fail(ErrorCode::kDamaged, fmt::format("model file '{}' is not a JSON array", path));
  }
  for (std::size_t i = 0; i < modules->size(); ++i) {
    const Json module = modules->element(i);
    const Json* type = module.find("type");
    const std::string name = type != nullptr && type->is_string() ? type->as_string() : "";
    const Json* folder_name = module.find("path");
    if (name.ends_with(".Pooling") && folder_name != nullptr && folder_name->is_string()) {
      folder = folder_name->as_string();
    } else if (!name.ends_with(".Transformer") && !name.ends_with(".Normalize")) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("model file '{}': module {} of type '{}' is none that this encoder can run",
                              path, i, name));
    }
  }
  return folder;
}

Result<Pooling> read_pooling(FileSystem& files, const std::string& folder) {
  TRY_ASSIGN(const auto file, ModelFile::open_if_present(files, join_path(folder, "config.json")));
  for (const std::string_view key : {"pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens",
                                     "pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"}) {
    TRY_ASSIGN(const bool set, file.boolean(key, false));
    if (set) return fail(file.wrong(key, "is true; this encoder pools by mean or cls"));
  }
  TRY_ASSIGN(const bool cls, file.boolean("pooling_mode_cls_token", false));
  TRY_ASSIGN(const bool mean, file.boolean("pooling_mode_mean_tokens", !cls));
  if (cls == mean)
    return fail(
        file.wrong("pooling_mode_cls_token", "and \"pooling_mode_mean_tokens\": want one of the two"));
  return cls ? Pooling::kCls : Pooling::kMean;
}

}  // namespace

std::string_view pooling_name(Pooling pooling) { return pooling == Pooling::kCls ? "cls" : "mean"; }

Result<BertConfig> load_bert_config(FileSystem& files, const std::string& directory,
                                    std::optional<Pooling> pooling) {
  BertConfig config;
  TRY_ASSIGN(const auto file, ModelFile::open(files, join_path(directory, "config.json")));
  TRY(read_sizes(file, config));
  TRY(read_text_handling(files, directory, config));
  TRY_ASSIGN(const std::string pooling_folder, find_pooling_folder(files, directory));
  if (pooling) {
    config.pooling = *pooling;
  } else {
    TRY_ASSIGN(config.pooling, read_pooling(files, join_path(directory, pooling_folder)));
  }
  return config;
}

}  // namespace sextant
