#include "server/document_writes.h"

#include <algorithm>
#include <charconv>

namespace sextant {

Version version_of(const VersionMatch& match) { return match.any ? kAnyVersion : match.version; }

Result<std::optional<Version>> header_match(const Call& call) {
  if (!call.if_match) return std::optional<Version>();
  Result<VersionMatch> match = parse_version_match(*call.if_match);
  if (!match) return fail(in_field("If-Match", std::move(match).error()));
  return std::optional<Version>(version_of(*match));
}

Result<UpsertDocument> upsert_of(Call& call, const std::string& library, DocumentRequest document,
                                 const WriteSettings& settings) {
  UpsertDocument upsert{
      .library = library, .document = std::move(document.document), .on_conflict = settings.on_conflict};
  if (document.text) {
    Result<std::vector<ChunkInput>> chunks = call.service.split(call.context, library, *document.text);
    if (!chunks) {
      Error error = std::move(chunks).error();
      if (error.field.empty() && error.code == ErrorCode::kInvalidArgument) error.field = "text";
      return fail(std::move(error));
    }
    upsert.document.chunks = *std::move(chunks);
  }
  for (ChunkInput& chunk : upsert.document.chunks) {
    if (!chunk.vector.empty() && chunk.model.empty()) chunk.model = settings.model;
  }
  if (document.if_match) upsert.if_match = version_of(*document.if_match);
  return upsert;
}

LocatedError locate_error(Error error) {
  constexpr std::string_view kPrefix = "operations[";
  LocatedError located{std::nullopt, std::move(error)};
  std::string& field = located.error.field;
  if (!field.starts_with(kPrefix)) return located;
  std::size_t operation = 0;
  const char* end =
      std::from_chars(field.data() + kPrefix.size(), field.data() + field.size(), operation).ptr;
  auto used = static_cast<std::size_t>(end - field.data());
  if (used >= field.size() || field[used] != ']') return located;
  located.operation = operation;
  std::string_view rest = std::string_view(field).substr(used + 1);
  const auto skip = [&rest](std::string_view part) {
    if (!rest.starts_with(part)) return;
    const std::string_view behind = rest.substr(part.size());
    if (behind.empty() || behind.front() == '.' || behind.front() == '[') rest = behind;
  };
  skip(".document");
  skip(".chunk");
  if (rest.starts_with('.')) rest.remove_prefix(1);
  field = std::string(rest);
  return located;
}

std::vector<DocumentOutcome> document_outcomes(std::span<const std::string> ids, bool atomic,
                                               WriteResult result) {
  std::vector<DocumentOutcome> outcomes(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) outcomes[i].id = ids[i];
  const auto commit = [&](std::size_t i, const OperationOutcome& operation) {
    outcomes[i] = {
        DocumentOutcome::Status::kCommitted, operation.id, operation.effect, operation.version, {}};
  };
  std::size_t first = 0;  // document of the transaction's first operation
  for (Result<TransactionOutcome>& transaction : result.transactions) {
    if (!transaction) {
      LocatedError located = locate_error(std::move(transaction).error());
      const std::size_t failed =
          std::min(first + (atomic ? located.operation.value_or(0) : 0), ids.size() - 1);
      outcomes[failed].status = DocumentOutcome::Status::kFailed;
      outcomes[failed].error = std::move(located.error);
      break;
    }
    for (std::size_t j = 0; j < transaction->operations.size() && first + j < ids.size(); ++j) {
      commit(first + j, transaction->operations[j]);
    }
    first += transaction->operations.size();
  }
  return outcomes;
}

Result<OperationOutcome> single_outcome(WriteResult& result) {
  if (result.transactions.size() != 1 ||
      (result.transactions[0] && result.transactions[0]->operations.size() != 1)) {
    return fail(ErrorCode::kInternal, "a write of one operation has another number of outcomes");
  }
  if (!result.transactions[0]) return fail(locate_error(std::move(result.transactions[0]).error()).error);
  return std::move(result.transactions[0]->operations[0]);
}

void write_commit(JsonWriter& writer, const Call& call, Sequence sequence) {
  writer.key("commit");
  sequence == 0 ? writer.null() : writer.value(call.service.commit_token(sequence));
}

void mark_replayed(HttpResponse& response, const WriteResult& result) {
  if (result.repeated) response.headers.emplace_back("Idempotency-Replayed", "true");
}

}  // namespace sextant
