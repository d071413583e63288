// Writes of documents as requests have them: texts are cut, "*" is looked up, and the outcomes find their way
// back to the documents they belong to.
//
// Any thread; blocks as Service does.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/json_codec_document.h"
#include "server/route.h"

namespace sextant {

/// What a match asks of the document: a version, or any.
Version version_of(const VersionMatch& match);
/// The If-Match header's.
Result<std::optional<Version>> header_match(const Call& call);

/// The operation for one document; its text is cut into chunks. Fields of errors are those of the document
/// ("text").
Result<UpsertDocument> upsert_of(Call& call, const std::string& library, DocumentRequest document,
                                 const WriteSettings& settings);

/// An error of Service::write whose field begins with "operations[j]", told in the words of the request.
struct LocatedError {
  std::optional<std::size_t> operation;  // j
  Error error;                           // its field is below the operation, and below its document or chunk
};
LocatedError locate_error(Error error);

/// What became of one document of a request.
struct DocumentOutcome {
  enum class Status : std::uint8_t { kCommitted, kFailed, kNotAttempted };
  Status status = Status::kNotAttempted;
  std::string id;  // "" when it has none yet
  Effect effect = Effect::kIgnored;
  Version version = 0;
  Error error = {};  // its field is below the document
};
/// One for each document, in order. `ids` are those the request gave, "" for none.
std::vector<DocumentOutcome> document_outcomes(std::span<const std::string> ids, bool atomic,
                                               WriteResult result);

/// The one write a request consists of: its outcome, or its failure as an error.
Result<OperationOutcome> single_outcome(WriteResult& result);

/// "commit": the token, or null when nothing had to change.
void write_commit(JsonWriter& writer, const Call& call, Sequence sequence);
/// Adds what every answer to a write carries.
void mark_replayed(HttpResponse& response, const WriteResult& result);

}  // namespace sextant
