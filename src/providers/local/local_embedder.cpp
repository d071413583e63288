#include "providers/local/local_embedder.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/mutex.h"
#include "base/thread_pool.h"
#include "providers/local/bert_config.h"
#include "providers/local/bert_encoder.h"
#include "providers/local/token_batches.h"
#include "providers/local/token_windows.h"
#include "providers/local/word_piece.h"
#include "providers/settings_reader.h"
#include "providers/unit_vector.h"

namespace sextant {
namespace {

// Enough tokens for the products' full speed, and few enough that a query waits for 30 ms, not for seconds,
// when its turn comes behind a batch. A call with too little for all threads is cut finer, but not below the
// least.
constexpr std::size_t kMostBatchTokens = 128;
constexpr std::size_t kLeastBatchTokens = 32;
constexpr std::size_t kMaxThreads = 1024;

/// What happens to a text of more tokens than the model reads.
enum class LongTexts : std::uint8_t { kAverage, kCut, kRefuse };

struct LocalSettings {
  std::string model_dir;
  std::string model;
  std::optional<Pooling> pooling;
  std::string query_prefix;
  std::string document_prefix;
  std::size_t max_tokens = 0;  // 0: the model's own
  LongTexts long_texts = LongTexts::kAverage;
  std::size_t threads = 0;
};

Result<LocalSettings> read_settings(const Json& json) {
  LocalSettings settings;
  TRY_ASSIGN(auto reader, SettingsReader::open("local", json));
  TRY_ASSIGN(settings.model_dir, reader.required_text("model_dir"));
  TRY_ASSIGN(settings.model, reader.text("model", ""));
  TRY_ASSIGN(const std::string pooling, reader.text("pooling", ""));
  TRY_ASSIGN(settings.query_prefix, reader.text("query_prefix", ""));
  TRY_ASSIGN(settings.document_prefix, reader.text("document_prefix", ""));
  constexpr SettingsReader::Range kAnyTokens{WordPiece::kFramingTokens + 1, std::size_t{1} << 24U};
  TRY_ASSIGN(settings.max_tokens, reader.integer("max_tokens", 0, kAnyTokens));
  TRY_ASSIGN(const std::string long_texts, reader.text("long_texts", "average"));
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  TRY_ASSIGN(settings.threads, reader.integer("threads", cores, {1, kMaxThreads}));
  TRY(reader.finish());
  for (const Pooling known : {Pooling::kMean, Pooling::kCls}) {
    if (pooling == pooling_name(known)) settings.pooling = known;
  }
  if (!pooling.empty() && !settings.pooling) {
    return fail(field_error(ErrorCode::kInvalidArgument, "pooling",
                            fmt::format("setting 'pooling' is '{}', it can be mean or cls", pooling)));
  }
  if (long_texts == "cut") {
    settings.long_texts = LongTexts::kCut;
  } else if (long_texts == "refuse") {
    settings.long_texts = LongTexts::kRefuse;
  } else if (long_texts != "average") {
    return fail(field_error(
        ErrorCode::kInvalidArgument, "long_texts",
        fmt::format("setting 'long_texts' is '{}', it can be average, cut or refuse", long_texts)));
  }
  if (settings.model.empty()) {
    // A path that ends in a slash has an empty last part.
    const auto path = std::filesystem::path(settings.model_dir + "/").lexically_normal().parent_path();
    settings.model = path.filename().string();
  }
  return settings;
}

/// Workspaces that no call is using.
class WorkspacePool {
 public:
  std::unique_ptr<EncoderWorkspace> take() {
    const MutexLock lock(mutex_);
    if (free_.empty()) return std::make_unique<EncoderWorkspace>();
    auto workspace = std::move(free_.back());
    free_.pop_back();
    return workspace;
  }
  void put_back(std::unique_ptr<EncoderWorkspace> workspace) {
    const MutexLock lock(mutex_);
    free_.push_back(std::move(workspace));
  }

 private:
  Mutex mutex_;
  std::vector<std::unique_ptr<EncoderWorkspace>> free_ GUARDED_BY(mutex_);
};

/// The texts of a call as the encoder reads them.
struct TokenizedTexts {
  std::vector<TokenIds> windows;
  std::vector<std::size_t> text_of;  // each window's text
};

/// One call of embed(): its batches, taken by the threads one at a time, and what became of them.
class EmbeddingCall {
 public:
  EmbeddingCall(const RequestContext& context, TokenizedTexts texts, std::size_t max_batch_tokens)
      : context_(context),
        texts_(std::move(texts)),
        batches_(plan_token_batches(texts_.windows, max_batch_tokens)),
        vectors_(texts_.windows.size()),
        unfinished_(batches_.size()) {}

  std::size_t batch_count() const { return batches_.size(); }

  /// Encodes the next batch, or passes it over when the call has failed. False when none was left.
  bool run_next(const BertEncoder& encoder, std::size_t dimension, WorkspacePool& workspaces) {
    const std::size_t i = next_.fetch_add(1);
    if (i >= batches_.size()) return false;
    Status status;
    if (!failed_.load()) {
      status = context_.check_deadline("embedding texts");
      if (status) status = encode(batches_[i], encoder, dimension, workspaces);
    }
    const MutexLock lock(mutex_);
    if (!status && !error_) {
      error_ = std::move(status).error();
      failed_ = true;
    }
    if (--unfinished_ == 0) done_.notify_all();
    return true;
  }

  Result<std::vector<std::vector<float>>> wait() {
    {
      const MutexLock lock(mutex_);
      while (unfinished_ > 0) done_.wait(mutex_);
      if (error_) return fail(std::move(*error_));
    }
    std::vector<std::vector<float>> merged;
    for (std::size_t begin = 0; begin < vectors_.size();) {
      const std::size_t text = texts_.text_of[begin];
      std::size_t end = begin;
      while (end < vectors_.size() && texts_.text_of[end] == text) ++end;
      merged.push_back(merge_windows(std::span(texts_.windows).subspan(begin, end - begin),
                                     std::span(vectors_).subspan(begin, end - begin)));
      if (merged.back().empty()) return fail(no_vector(text));
      begin = end;
    }
    return merged;
  }

 private:
  Status encode(const std::vector<std::size_t>& batch, const BertEncoder& encoder, std::size_t dimension,
                WorkspacePool& workspaces) {
    std::vector<const TokenIds*> texts;
    for (const std::size_t window : batch) texts.push_back(&texts_.windows[window]);
    std::vector<float> pooled(batch.size() * dimension);
    auto workspace = workspaces.take();
    const Status status = encoder.encode(texts, *workspace, pooled);
    workspaces.put_back(std::move(workspace));
    TRY(status);
    for (std::size_t row = 0; row < batch.size(); ++row) {
      const auto vector = std::span(pooled).subspan(row * dimension, dimension);
      if (!scale_to_unit_length(vector)) return fail(no_vector(texts_.text_of[batch[row]]));
      vectors_[batch[row]].assign(vector.begin(), vector.end());
    }
    return {};
  }

  static Error no_vector(std::size_t text) {
    return field_error(ErrorCode::kEmbeddingUnavailable, fmt::format("texts[{}]", text),
                       "the model gives this text a vector whose length is 0 or not finite");
  }

  const RequestContext& context_;
  const TokenizedTexts texts_;
  const std::vector<std::vector<std::size_t>> batches_;
  std::vector<std::vector<float>> vectors_;  // each element is written by the one thread that has its batch
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  Mutex mutex_;
  ConditionVariable done_;
  std::size_t unfinished_ GUARDED_BY(mutex_);
  std::optional<Error> error_ GUARDED_BY(mutex_);
};

class LocalEmbedder final : public Embedder {
 public:
  struct PrefixTokens {
    std::size_t query = 0;
    std::size_t document = 0;
  };
  LocalEmbedder(LocalSettings settings, const BertConfig& config, WordPiece tokenizer, PrefixTokens prefixes,
                std::unique_ptr<const BertEncoder> encoder)
      : settings_(std::move(settings)),
        dimension_(config.hidden),
        health_detail_(fmt::format("{} layers, {} dimensions, {} pooling, at most {} tokens, {} threads, {}",
                                   config.layers, config.hidden, pooling_name(config.pooling),
                                   settings_.max_tokens, settings_.threads, linear_instruction_set())),
        tokenizer_(std::move(tokenizer)),
        prefix_tokens_(prefixes),
        encoder_(std::move(encoder)),
        pool_("embed", settings_.threads) {}

  Result<std::vector<std::vector<float>>> embed(const RequestContext& context,
                                                std::span<const std::string> texts,
                                                EmbeddingPurpose purpose) override {
    TRY_ASSIGN(auto tokens, tokenize(context, texts, purpose));
    std::size_t total = 0;
    for (const TokenIds& window : tokens.windows) total += window.size();
    const std::size_t share = (total + pool_.thread_count() - 1) / pool_.thread_count();
    const auto call = std::make_shared<EmbeddingCall>(context, std::move(tokens),
                                                      std::clamp(share, kLeastBatchTokens, kMostBatchTokens));
    const std::size_t runners = std::min(pool_.thread_count(), call->batch_count());
    for (std::size_t i = 0; i < runners; ++i) {
      if (!pool_.submit([this, call] { run(call); })) {
        // Whoever was queued before does all the work; with nobody, the call has to be refused.
        if (i == 0)
          return fail(ErrorCode::kBackpressure, "the queue of texts to embed is full, try again later");
        break;
      }
    }
    return call->wait();
  }

  std::string_view provider() const override { return "local"; }
  std::string_view model_name() const override { return settings_.model; }
  std::size_t dimension() const override { return dimension_; }
  EmbeddingLimits limits() const override {
    return {.max_texts_per_call = 0, .max_tokens_per_text = settings_.max_tokens};
  }
  EmbedderHealth health() override { return {.ready = true, .detail = health_detail_}; }
  bool lexical_only() const override { return false; }

 private:
  Result<TokenizedTexts> tokenize(const RequestContext& context, std::span<const std::string> texts,
                                  EmbeddingPurpose purpose) const {
    const bool is_query = purpose == EmbeddingPurpose::kQuery;
    const std::string& prefix = is_query ? settings_.query_prefix : settings_.document_prefix;
    const std::size_t prefix_tokens = is_query ? prefix_tokens_.query : prefix_tokens_.document;
    const std::size_t most = settings_.max_tokens;
    const bool cut = settings_.long_texts == LongTexts::kCut;
    TokenizedTexts tokens;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      TRY(context.check_deadline("tokenizing texts"));
      auto encoded =
          tokenizer_.encode(prefix + texts[i], cut ? most : std::numeric_limits<std::size_t>::max());
      if (!encoded) return fail(in_field(fmt::format("texts[{}]", i), std::move(encoded).error()));
      if (encoded->size() > most && settings_.long_texts == LongTexts::kRefuse) {
        return fail(field_error(ErrorCode::kLimitExceeded, fmt::format("texts[{}]", i),
                                fmt::format("a text of {} tokens, the limit of model '{}' is {}",
                                            encoded->size(), settings_.model, most)));
      }
      append_windows(std::move(*encoded), prefix_tokens, most, tokens.windows);
      tokens.text_of.resize(tokens.windows.size(), i);
    }
    return tokens;
  }

  /// One batch of a call, then back to the end of the queue: calls take turns, and a query need not wait for
  /// a bulk load.
  void run(const std::shared_ptr<EmbeddingCall>& call) {
    while (call->run_next(*encoder_, dimension_, workspaces_)) {
      if (pool_.submit([this, call] { run(call); })) return;
    }
  }

  const LocalSettings settings_;
  const std::size_t dimension_;
  const std::string health_detail_;
  const WordPiece tokenizer_;
  const PrefixTokens prefix_tokens_;
  const std::unique_ptr<const BertEncoder> encoder_;
  WorkspacePool workspaces_;
  ThreadPool pool_;  // last: its threads use everything above
};

struct Model {
  BertConfig config;
  WordPiece tokenizer;
  std::unique_ptr<const BertEncoder> encoder;
};

Result<Model> load_model(const std::string& directory, std::optional<Pooling> pooling) {
  FileSystem& files = posix_file_system();
  TRY_ASSIGN(const BertConfig config, load_bert_config(files, directory, pooling));
  TRY_ASSIGN(auto tokenizer,
             WordPiece::open(files, join_path(directory, "vocab.txt"), config.text, config.vocabulary));
  TRY_ASSIGN(const auto weights, Safetensors::open(files, join_path(directory, "model.safetensors")));
  TRY_ASSIGN(auto encoder, BertEncoder::load(weights, config));
  return Model{.config = config, .tokenizer = std::move(tokenizer), .encoder = std::move(encoder)};
}

Result<std::size_t> count_prefix_tokens(const Model& model, const std::string& prefix, const char* setting,
                                        std::size_t max_tokens) {
  auto encoded = model.tokenizer.encode(prefix, std::numeric_limits<std::size_t>::max());
  if (!encoded) return fail(in_field(setting, std::move(encoded).error()));
  if (encoded->size() < max_tokens) return encoded->size() - WordPiece::kFramingTokens;
  return fail(
      field_error(ErrorCode::kInvalidArgument, setting,
                  fmt::format("setting '{}' leaves no token for the text: it has {} of the {} that model "
                              "reads",
                              setting, encoded->size(), max_tokens)));
}

}  // namespace

Result<std::unique_ptr<Embedder>> make_local_embedder(const Json& settings) {
  TRY_ASSIGN(auto wanted, read_settings(settings));
  auto model = load_model(wanted.model_dir, wanted.pooling);
  if (!model) return fail(in_field("model_dir", std::move(model).error()));
  if (wanted.max_tokens > model->config.positions) {
    return fail(field_error(ErrorCode::kInvalidArgument, "max_tokens",
                            fmt::format("setting 'max_tokens' is {}, the model in '{}' has positions for {}",
                                        wanted.max_tokens, wanted.model_dir, model->config.positions)));
  }
  if (wanted.max_tokens == 0) wanted.max_tokens = model->config.max_tokens;
  LocalEmbedder::PrefixTokens prefixes;
  TRY_ASSIGN(prefixes.query,
             count_prefix_tokens(*model, wanted.query_prefix, "query_prefix", wanted.max_tokens));
  TRY_ASSIGN(prefixes.document,
             count_prefix_tokens(*model, wanted.document_prefix, "document_prefix", wanted.max_tokens));
  return std::make_unique<LocalEmbedder>(std::move(wanted), model->config, std::move(model->tokenizer),
                                         prefixes, std::move(model->encoder));
}

}  // namespace sextant
