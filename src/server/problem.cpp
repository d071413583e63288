#include "server/problem.h"

#include <string>

namespace sextant {

namespace {

// "library_not_found" -> "Library not found"
std::string title_of(ErrorCode code) {
  std::string title(error_name(code));
  for (char& c : title) {
    if (c == '_') c = ' ';
  }
  title.front() = static_cast<char>(title.front() - 'a' + 'A');
  return title;
}

constexpr std::string_view kRetrySoon = "1";   // a queue empties
constexpr std::string_view kRetryLater = "5";  // somebody restarts something or makes room

std::string_view retry_after(ErrorCode code) {
  switch (code) {
    case ErrorCode::kBackpressure:
      return kRetrySoon;
    case ErrorCode::kOutOfSpace:
    case ErrorCode::kShuttingDown:
    case ErrorCode::kStorePoisoned:
    case ErrorCode::kUnavailable:
      return kRetryLater;
    default:
      return {};
  }
}

}  // namespace

int status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return error.field.empty() ? 400 : 422;
    case ErrorCode::kUnsupportedMediaType:
      return 415;
    case ErrorCode::kMethodNotAllowed:
      return 405;
    case ErrorCode::kNotSupportedYet:
    case ErrorCode::kEmbeddingContractViolation:
    case ErrorCode::kInvalidVector:
    case ErrorCode::kIdempotencyKeyReused:
    case ErrorCode::kLimitExceeded:
      return 422;
    case ErrorCode::kRouteNotFound:
    case ErrorCode::kLibraryNotFound:
    case ErrorCode::kDocumentNotFound:
    case ErrorCode::kChunkNotFound:
      return 404;
    case ErrorCode::kLibraryExists:
    case ErrorCode::kDocumentExists:
    case ErrorCode::kChunkIdTaken:
    case ErrorCode::kTransactionConflict:
    case ErrorCode::kTransactionTooOld:
    case ErrorCode::kCommitNotVisible:
      return 409;
    case ErrorCode::kPreconditionFailed:
      return 412;
    case ErrorCode::kPayloadTooLarge:
      return 413;
    case ErrorCode::kBackpressure:
      return 429;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kEmbeddingUnavailable:
    case ErrorCode::kShuttingDown:
    case ErrorCode::kStorePoisoned:
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kDeadlineExceeded:
      return 504;
    case ErrorCode::kOutOfSpace:
      return 507;
    case ErrorCode::kOwnerLockHeld:
    case ErrorCode::kDamaged:
    case ErrorCode::kFormatTooNew:
    case ErrorCode::kIo:
    case ErrorCode::kOutcomeUnknown:
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

void write_problem_members(JsonWriter& writer, const Error& error, int status, std::string_view trace_id) {
  const std::string_view code = error_name(error.code);
  writer.member("type", "urn:sextant:problem:" + std::string(code));
  writer.member("title", title_of(error.code));
  writer.member("status", status);
  writer.member("detail", error.message);
  writer.member("code", code);
  if (!error.field.empty()) writer.member("field", error.field);
  writer.member("trace_id", trace_id);
}

void write_problem(JsonWriter& writer, const Error& error, std::string_view trace_id) {
  writer.begin_object();
  write_problem_members(writer, error, status_of(error), trace_id);
  writer.end_object();
}

HttpResponse problem_head(const Error& error, int status) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/problem+json";
  if (const std::string_view seconds = retry_after(error.code); !seconds.empty()) {
    response.headers.emplace_back("Retry-After", seconds);
  }
  if (error.code == ErrorCode::kUnauthenticated) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

HttpResponse problem_response(const Error& error, int status, std::string_view trace_id) {
  HttpResponse response = problem_head(error, status);
  JsonWriter writer(response.body);
  writer.begin_object();
  write_problem_members(writer, error, status, trace_id);
  writer.end_object();
  return response;
}

HttpResponse problem_response(const Error& error, std::string_view trace_id) {
  return problem_response(error, status_of(error), trace_id);
}

Json problem_schema(SchemaBook& book) {
  return book.reference("Problem", [](SchemaBook&) {
    Json schema = record_schema({
        {"type", string_schema("urn:sextant:problem:CODE")},
        {"title", string_schema()},
        {"status", integer_schema()},
        {"detail", string_schema("What went wrong, in a sentence for a person.")},
        {"code", string_schema("The stable name of the error.")},
        {"field", string_schema("The path of the field at fault."), Given::kSometimes},
        {"trace_id",
         string_schema("32 hexadecimal digits; the server's log lines of this request carry them.")},
    });
    schema.erase("additionalProperties");  // an extension point: failed writes add their results
    return schema;
  });
}

}  // namespace sextant
