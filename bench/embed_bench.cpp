// Speed of the local embedder: texts and tokens a second on a file with one text a line.
//
// Beside it, embed_peer.py measures ONNX Runtime on the same texts and weights. Tokenizing is part of the
// time here.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "providers/embedder.h"
#include "providers/local/bert_config.h"
#include "providers/local/word_piece.h"

namespace sextant {
namespace {

struct Options {
  std::string model_dir;
  std::string texts;
  std::size_t threads = 1;
  std::size_t repeats = 1;
  std::size_t texts_per_call = 0;  // 0: all in one
  std::string vectors;
  bool json = false;
};

struct Outcome {
  std::size_t texts = 0;
  std::size_t tokens = 0;
  double load_seconds = 0;
  double seconds = 0;      // the median of the repeats
  double cpu_seconds = 0;  // likewise, of all threads: what a shared machine does not disturb
  std::string detail;
};

using Seconds = std::chrono::duration<double>;

std::vector<std::string> read_lines(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

Result<std::size_t> count_tokens(const std::string& model_dir, const std::vector<std::string>& texts) {
  TRY_ASSIGN(const auto config, load_bert_config(posix_file_system(), model_dir, std::nullopt));
  TRY_ASSIGN(const auto pieces, WordPiece::open(posix_file_system(), join_path(model_dir, "vocab.txt"),
                                                config.text, config.vocabulary));
  std::size_t tokens = 0;
  for (const std::string& text : texts) {
    TRY_ASSIGN(const auto encoded, pieces.encode(text, config.max_tokens));
    tokens += encoded.size();
  }
  return tokens;
}

Result<std::vector<std::vector<float>>> embed_all(Embedder& embedder, std::span<const std::string> texts,
                                                  std::size_t texts_per_call) {
  if (texts_per_call == 0) return embedder.embed({}, texts, EmbeddingPurpose::kDocument);
  std::vector<std::vector<float>> vectors;
  for (std::size_t first = 0; first < texts.size(); first += texts_per_call) {
    const auto part = texts.subspan(first, std::min(texts_per_call, texts.size() - first));
    TRY_ASSIGN(auto some, embedder.embed({}, part, EmbeddingPurpose::kDocument));
    std::move(some.begin(), some.end(), std::back_inserter(vectors));
  }
  return vectors;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Result<Outcome> measure(const Options& options) {
  const auto texts = read_lines(options.texts);
  if (texts.empty()) return fail(ErrorCode::kInvalidArgument, fmt::format("no text in '{}'", options.texts));
  Outcome outcome;
  outcome.texts = texts.size();
  TRY_ASSIGN(outcome.tokens, count_tokens(options.model_dir, texts));
  const auto before_load = std::chrono::steady_clock::now();
  TRY_ASSIGN(const auto embedder,
             make_embedder("local", Json(Json::Object{{"model_dir", options.model_dir},
                                                      {"threads", std::uint64_t{options.threads}}})));
  outcome.load_seconds = Seconds(std::chrono::steady_clock::now() - before_load).count();
  outcome.detail = embedder->health().detail;
  constexpr std::size_t kWarmUpTexts = 64;
  TRY(embedder->embed({}, std::span(texts).first(std::min(kWarmUpTexts, texts.size())),
                      EmbeddingPurpose::kDocument));

  std::vector<double> seconds;
  std::vector<double> cpu_seconds;
  std::vector<std::vector<float>> vectors;
  for (std::size_t repeat = 0; repeat < options.repeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    TRY_ASSIGN(vectors, embed_all(*embedder, texts, options.texts_per_call));
    cpu_seconds.push_back(static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC);
    seconds.push_back(Seconds(std::chrono::steady_clock::now() - start).count());
  }
  outcome.seconds = median(seconds);
  outcome.cpu_seconds = median(cpu_seconds);
  if (!options.vectors.empty()) {
    std::ofstream out(options.vectors, std::ios::binary);
    for (const auto& vector : vectors) {
      out.write(reinterpret_cast<const char*>(vector.data()),
                static_cast<std::streamsize>(vector.size() * sizeof(float)));
    }
  }
  return outcome;
}

void report(const Options& options, const Outcome& outcome) {
  const double texts_per_second = static_cast<double>(outcome.texts) / outcome.seconds;
  const double tokens_per_second = static_cast<double>(outcome.tokens) / outcome.seconds;
  const double texts_per_cpu_second = static_cast<double>(outcome.texts) / outcome.cpu_seconds;
  if (options.json) {
    const Json json(Json::Object{{"threads", std::uint64_t{options.threads}},
                                 {"texts", std::uint64_t{outcome.texts}},
                                 {"tokens", std::uint64_t{outcome.tokens}},
                                 {"load_seconds", outcome.load_seconds},
                                 {"texts_per_second", texts_per_second},
                                 {"tokens_per_second", tokens_per_second},
                                 {"texts_per_cpu_second", texts_per_cpu_second},
                                 {"embedder", outcome.detail}});
    fmt::print("{}\n", json.to_string());
    return;
  }
  fmt::print(
      "{} texts of {} tokens, {}\nloaded in {:.3f} s; {:.1f} texts/s, {:.1f} tokens/s, {:.1f} texts/CPU s\n",
      outcome.texts, outcome.tokens, outcome.detail, outcome.load_seconds, texts_per_second,
      tokens_per_second, texts_per_cpu_second);
}

}  // namespace
}  // namespace sextant

int main(int argc, char** argv) {
  sextant::Options options;
  CLI::App app("Speed of the local embedder");
  app.add_option("--model-dir", options.model_dir, "a published model")->required();
  app.add_option("--texts", options.texts, "a file with one text a line")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--threads", options.threads);
  app.add_option("--repeats", options.repeats, "the median counts")->check(CLI::PositiveNumber);
  app.add_option("--texts-per-call", options.texts_per_call,
                 "1 measures single queries; 0, the default, all at once");
  app.add_option("--vectors", options.vectors, "write the vectors there as float32 rows");
  app.add_flag("--json", options.json);
  CLI11_PARSE(app, argc, argv);
  const auto outcome = sextant::measure(options);
  if (!outcome) {
    fmt::print(stderr, "{}\n", outcome.error().to_string());
    return 1;
  }
  sextant::report(options, *outcome);
  return 0;
}
