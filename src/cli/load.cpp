// sextant load: a folder of notes, or WordNet, into a library of a running server.
#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <optional>
#include <thread>

#include "base/mutex.h"
#include "cli/commands.h"
#include "cli/notes.h"
#include "cli/progress.h"
#include "cli/wordnet.h"

namespace sextant {

namespace {

constexpr std::size_t kBatchBytes = 4U << 20U;  // of one request's documents, about
constexpr std::size_t kUploads = 2;             // while one batch is being embedded the next is on its way

struct LoadFlags {
  ServerAddress server;
  std::string library;
  std::optional<std::string> directory;
  std::optional<std::string> wordnet;
  std::size_t top = 10'000;
  std::size_t batch = 64;
  bool json = false;
  bool quiet = false;
};

struct LoadSummary {
  std::uint64_t documents = 0;
  std::uint64_t created = 0;
  std::uint64_t replaced = 0;
  std::vector<SkippedNote> skipped;
};

// Documents still to be sent, handed out in batches to the uploading threads.
class Batches {
 public:
  Batches(std::vector<Json> documents, std::size_t batch) : documents_(std::move(documents)), batch_(batch) {}

  std::vector<Json> next() {
    const MutexLock lock(mutex_);
    std::vector<Json> batch;
    std::size_t bytes = 0;
    while (next_ < documents_.size() && batch.size() < batch_ && bytes < kBatchBytes && !stopped_) {
      bytes += documents_[next_].to_string().size();
      batch.push_back(std::move(documents_[next_++]));
    }
    return batch;
  }
  void stop() {
    const MutexLock lock(mutex_);
    stopped_ = true;
  }

 private:
  Mutex mutex_;
  std::vector<Json> documents_ GUARDED_BY(mutex_);
  std::size_t next_ GUARDED_BY(mutex_) = 0;
  bool stopped_ GUARDED_BY(mutex_) = false;
  const std::size_t batch_;
};

Status make_library(ApiClient& client, const std::string& name) {
  Json body = Json::object();
  body.set("name", Json(name));
  auto created = client.post("/v1/libraries", body);
  if (created || created.error().code == ErrorCode::kLibraryExists) return {};
  return fail(std::move(created).error());
}

Status upload(ApiClient& client, const std::string& path, std::vector<Json> documents, LoadSummary& summary) {
  Json body = Json::object();
  body.set("documents", Json(Json::Array(std::move(documents))));
  TRY_ASSIGN(const Json answer, client.post(path, body));
  const Json* results = answer.find("results");
  for (std::size_t i = 0; results != nullptr && i < results->size(); ++i) {
    const Json result = results->element(i);
    const Json* status = result.find("status");
    if (status == nullptr || !status->is_string() || status->as_string() != "committed") {
      const Json* error = result.find("error");
      return fail(ErrorCode::kUnavailable,
                  "a document was not committed: " + (error == nullptr ? result : *error).to_string());
    }
    const Json* effect = result.find("effect");
    ++summary.documents;
    (effect != nullptr && *effect == Json("created") ? summary.created : summary.replaced) += 1;
  }
  return {};
}

Result<std::vector<Json>> collect(const LoadFlags& flags, LoadSummary& summary) {
  std::vector<Json> documents;
  if (flags.wordnet) {
    TRY_ASSIGN(const auto synsets, read_wordnet(*flags.wordnet));
    const std::size_t count = flags.top == 0 ? synsets.size() : std::min(flags.top, synsets.size());
    for (std::size_t i = 0; i < count; ++i) documents.push_back(synset_document(synsets[i]));
    return documents;
  }
  TRY_ASSIGN(Notes notes, read_notes(*flags.directory));
  summary.skipped = std::move(notes.skipped);
  return std::move(notes.documents);
}

Result<int> load(const LoadFlags& flags) {
  if (flags.directory.has_value() == flags.wordnet.has_value()) {
    return fail(ErrorCode::kInvalidArgument, "name either a folder of notes or --wordnet DIR");
  }
  LoadSummary summary;
  TRY_ASSIGN(auto documents, collect(flags, summary));
  if (!flags.quiet) {
    for (const SkippedNote& skipped : summary.skipped) {
      std::fputs(fmt::format("skipped {}: {}\n", skipped.path, skipped.reason).c_str(), stderr);
    }
  }
  ApiClient first(flags.server);
  TRY(make_library(first, flags.library));
  const std::string path = "/v1/libraries/" + path_segment(flags.library) + "/documents";
  Progress progress("documents", documents.size(),
                    flags.quiet ? Progress::Style::kQuiet : Progress::style_of_stderr());
  Batches batches(std::move(documents), flags.batch);

  Mutex mutex;
  std::optional<Error> failed;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kUploads; ++t) {
    threads.emplace_back([&] {
      ApiClient client(flags.server);
      for (auto batch = batches.next(); !batch.empty(); batch = batches.next()) {
        const std::size_t count = batch.size();
        LoadSummary part;
        auto status = upload(client, path, std::move(batch), part);
        const MutexLock lock(mutex);
        summary.documents += part.documents;
        summary.created += part.created;
        summary.replaced += part.replaced;
        if (!status) {
          if (!failed) failed = std::move(status).error();
          batches.stop();
          return;
        }
        progress.add(count);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  progress.finish();
  if (failed) return fail(*std::move(failed));
  if (flags.json) {
    Json out = Json::object();
    out.set("library", Json(flags.library))
        .set("documents", Json(summary.documents))
        .set("created", Json(summary.created));
    out.set("replaced", Json(summary.replaced));
    Json::Array skipped;
    for (const SkippedNote& note : summary.skipped) {
      skipped.push_back(Json::object().set("path", Json(note.path)).set("reason", Json(note.reason)));
    }
    out.set("skipped", Json(std::move(skipped)));
    std::puts(out.to_string().c_str());
  }
  return 0;
}

}  // namespace

void add_load(CLI::App& app, int& status) {
  static LoadFlags flags;
  CLI::App* command =
      app.add_subcommand("load", "load a folder of Markdown and text, or WordNet, into a library");
  command->add_option("directory", flags.directory, "a folder of .md, .markdown and .txt files")
      ->check(CLI::ExistingDirectory);
  command->add_option("--library", flags.library, "where to; created when absent")->required();
  command
      ->add_option("--wordnet", flags.wordnet, "the dictionary files of WordNet 3.0, e.g. /usr/share/wordnet")
      ->check(CLI::ExistingDirectory);
  command->add_option("--top", flags.top, "of WordNet only the most used entries; 0 = all")
      ->capture_default_str();
  command->add_option("--batch", flags.batch, "documents a request")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_flag("--json", flags.json, "print a summary as JSON");
  command->add_flag("--quiet", flags.quiet, "no progress bar");
  add_server_options(*command, flags.server);
  command->callback([&status] {
    auto result = load(flags);
    status = result ? *result : report(result.error());
  });
}

}  // namespace sextant
