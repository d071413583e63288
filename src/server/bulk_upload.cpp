#include "server/bulk_upload.h"

#include <utility>

#include "base/checksum.h"
#include "server/document_writes.h"
#include "server/problem.h"
#include "server/routes.h"

namespace sextant {

namespace {

std::string_view trimmed(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

// Bytes of the texts that have to be embedded for a document, before they are cut into chunks.
std::size_t embedded_bytes(const DocumentRequest& document) {
  std::size_t bytes = document.text ? document.text->size() : 0;
  for (const ChunkInput& chunk : document.document.chunks)
    bytes += chunk.vector.empty() ? chunk.text.size() : 0;
  return bytes;
}

class BulkUpload final : public LineConsumer {
 public:
  BulkUpload(Call call, WriteSettings settings) : call_(std::move(call)), settings_(std::move(settings)) {}

  std::optional<HttpResponse> feed(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      if (end == std::string_view::npos) {
        if (partial_.size() + bytes.size() > kMaxLineBytes) return refuse_long_line();
        partial_.append(bytes);
        return std::nullopt;
      }
      std::string_view line = bytes.substr(0, end);
      bytes.remove_prefix(end + 1);
      if (!partial_.empty()) {
        partial_.append(line);
        line = partial_;
      }
      if (line.size() > kMaxLineBytes) return refuse_long_line();
      const Status status = take_line(line);
      partial_.clear();
      if (!status) return summary();
    }
    return std::nullopt;
  }

  HttpResponse finish() override {
    if (!partial_.empty() && !take_line(partial_)) return summary();
    if (!flush()) return summary();
    return summary();
  }

  HttpResponse abort(int status, const Error& error) override {
    // The lines that came whole before are as good as any, but they were not written: the client did not say
    // that it was through.
    at_line(line_, error);
    return summary(status);
  }

 private:
  Error at_line(std::size_t line, Error error) {
    failed_line_ = line;
    failure_ = error;
    return error;
  }

  std::optional<HttpResponse> refuse_long_line() {
    ++line_;
    if (flush()) {
      at_line(line_, make_error(ErrorCode::kPayloadTooLarge,
                                "the line exceeds " + std::to_string(kMaxLineBytes) + " bytes"));
    }
    return summary();
  }

  Status take_line(std::string_view line) {
    ++line_;
    const std::string_view text = trimmed(line);
    if (text.empty()) return {};
    if (Status status = add(text); !status) {
      if (failure_) return status;  // of the batch before this line
      TRY(flush());                 // the documents before it are whole
      return fail(at_line(line_, std::move(status).error()));
    }
    batch_bytes_ += line.size();
    // A repeat of the upload finds what became of its batches, so one with a key is filled before it fails.
    const bool failed = batch_rejected_ && !call_.idempotency;
    if (failed || lines_.size() >= kBatchDocuments || batch_bytes_ >= kBatchBytes) return flush();
    return {};
  }

  Status add(std::string_view text) {
    TRY_ASSIGN(const Json json, parse_json(text));
    TRY_ASSIGN(DocumentRequest document, document_type().read(json, FieldPath(), call_.service.limits()));
    // A batch has to stay below max_embedded_bytes, with room for the headings that chunks repeat.
    const std::size_t bytes = embedded_bytes(document);
    if (batch_embedded_bytes_ + bytes > call_.service.limits().max_embedded_bytes / 2) TRY(flush());
    batch_embedded_bytes_ += bytes;
    TransactionInput transaction;
    if (!batch_rejected_) {  // behind a failure only the batch's text counts, for its hash
      auto upsert = upsert_of(call_, call_.library(), std::move(document), settings_);
      if (upsert) {
        transaction.operations.emplace_back(*std::move(upsert));
      } else {
        transaction.rejected = in_field("operations[0]", std::move(upsert).error());
        batch_rejected_ = true;
      }
    }
    batch_.push_back(std::move(transaction));
    lines_.push_back(line_);
    if (call_.idempotency) batch_text_.append(text).append(1, '\n');
    return {};
  }

  // Writes the batch. A failure names its line.
  Status flush() {
    if (lines_.empty()) return {};
    WriteRequest write{.transactions = std::exchange(batch_, {}), .durability = settings_.durability};
    const std::vector<std::size_t> lines = std::exchange(lines_, {});
    batch_bytes_ = batch_embedded_bytes_ = 0;
    batch_rejected_ = false;
    ++batches_;
    if (call_.idempotency) {
      // Every batch is a request of its own to the engine.
      write.idempotency = call_.idempotency;
      write.idempotency->scope += " batch " + std::to_string(batches_);
      write.idempotency->request_hash =
          sha256_hex(call_.idempotency->request_hash + std::exchange(batch_text_, {}));
    }
    Result<WriteResult> result = call_.service.write(call_.context, std::move(write));
    if (!result) return fail(at_line(lines.front(), std::move(result).error()));
    all_repeated_ = all_repeated_ && result->repeated;
    for (std::size_t i = 0; i < result->transactions.size(); ++i) {
      Result<TransactionOutcome>& transaction = result->transactions[i];
      if (!transaction) return fail(at_line(lines[i], locate_error(std::move(transaction).error()).error));
      ++committed_;
      sequence_ = result->sequence;
    }
    return {};
  }

  void write_failed(JsonWriter& writer) {
    writer.key("failed").begin_object();
    writer.member("line", std::uint64_t{failed_line_}).key("error");
    write_problem(writer, *failure_, call_.context.trace_id);
    writer.end_object();
  }

  // A failure before anything was committed is a problem; later it is part of an answer that says what is
  // there.
  HttpResponse summary(std::optional<int> status = std::nullopt) {
    const bool refused = failure_ && committed_ == 0;
    HttpResponse response =
        refused ? problem_head(*failure_, status.value_or(status_of(*failure_))) : HttpResponse();
    JsonWriter writer(response.body);
    writer.begin_object();
    if (refused) write_problem_members(writer, *failure_, response.status, call_.context.trace_id);
    writer.member("committed", committed_);
    if (failure_) write_failed(writer);
    write_commit(writer, call_, sequence_);
    writer.end_object();
    if (batches_ > 0 && all_repeated_) response.headers.emplace_back("Idempotency-Replayed", "true");
    return response;
  }

  Call call_;
  WriteSettings settings_;
  std::string partial_;  // of the line that has not ended
  std::size_t line_ = 0;

  std::vector<TransactionInput> batch_;
  std::vector<std::size_t> lines_;  // of batch_
  std::string batch_text_;          // for the hash
  std::size_t batch_bytes_ = 0;
  std::size_t batch_embedded_bytes_ = 0;
  bool batch_rejected_ = false;  // a document of it could not be cut into chunks
  std::size_t batches_ = 0;

  std::uint64_t committed_ = 0;
  Sequence sequence_ = 0;
  bool all_repeated_ = true;
  std::optional<Error> failure_;
  std::size_t failed_line_ = 0;
};

}  // namespace

Result<std::unique_ptr<LineConsumer>> begin_bulk_upload(Call call) {
  TRY_ASSIGN(WriteSettings settings, read_query(call, write_settings_type()));
  return std::make_unique<BulkUpload>(std::move(call), std::move(settings));
}

Json bulk_summary_schema(SchemaBook& book) {
  return book.reference("BulkSummary", [](SchemaBook& b) {
    Json failed = record_schema({{"line", integer_schema("Counted from 1.")}, {"error", problem_schema(b)}});
    return record_schema({{"committed", integer_schema("How many documents.")},
                          {"failed", std::move(failed), Given::kSometimes},
                          {"commit", nullable_schema(string_schema("Commit token."))}});
  });
}

}  // namespace sextant
