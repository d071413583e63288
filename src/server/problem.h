// Problems: errors as RFC 9457 problem details.
//
// {"type": "urn:sextant:problem:CODE", "title", "status", "detail", "code", "field"?, "trace_id"}. `code` is
// the stable name of base/error.h. Stateless; any thread.
#pragma once

#include <string_view>

#include "base/error.h"
#include "server/http_message.h"
#include "server/json_writer.h"
#include "server/schema_book.h"

namespace sextant {

/// The HTTP status of an error. An invalid argument is 400 when the request cannot be read at all, 422 when
/// one field of it is at fault.
int status_of(const Error& error);

/// Writes the members of a problem into an object that is open.
void write_problem_members(JsonWriter& writer, const Error& error, int status, std::string_view trace_id);
/// A problem as a value: {...}.
void write_problem(JsonWriter& writer, const Error& error, std::string_view trace_id);

/// The answer for an error: its status, its body, and the headers its status asks for (Retry-After,
/// WWW-Authenticate).
HttpResponse problem_response(const Error& error, std::string_view trace_id);
HttpResponse problem_response(const Error& error, int status, std::string_view trace_id);
/// The same with an empty body, for callers that add members to the problem.
HttpResponse problem_head(const Error& error, int status);

/// A reference to the schema of problems.
Json problem_schema(SchemaBook& book);

}  // namespace sextant
