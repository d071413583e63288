// Routes: the one table from which requests are dispatched and the OpenAPI document is made.
//
// A Route says what a request to it may hold, what it answers and who answers. Tables are made when a server
// starts and are then constant; handlers run on any worker thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/request_context.h"
#include "server/http_exchange.h"
#include "server/json_fields.h"
#include "server/json_writer.h"
#include "service/service.h"

namespace sextant {

struct Route;
struct ServerFacts;

/// One request on its way to its handler.
struct Call {
  Service& service;
  const ServerFacts& server;
  const Route& route;
  RequestContext context = {};
  std::vector<std::string> path = {};  // the pattern's parameters, decoded, in its order
  std::vector<std::pair<std::string, std::string>> query = {};
  Json body = {};                                  // of a JSON request
  std::optional<IdempotencyKey> idempotency = {};  // the hash is that of the whole request
  std::optional<std::string> if_match = {};
  std::optional<std::string> if_none_match = {};

  const std::string& library() const { return path[0]; }
  const std::string& id() const { return path[1]; }
  /// The deadline, if `timeout_ms` ends earlier.
  void limit_to_ms(std::optional<std::size_t> timeout_ms);
  /// What every write of this request begins with.
  WriteRequest write_request() const;
};

/// Takes a body of many lines as it arrives. Calls come one after another, on worker threads.
class LineConsumer {
 public:
  virtual ~LineConsumer() = default;
  /// The next bytes; an answer ends the request.
  virtual std::optional<HttpResponse> feed(std::string_view bytes) = 0;
  virtual HttpResponse finish() = 0;
  /// The answer when the body ended before its end for this reason.
  virtual HttpResponse abort(int status, const Error& error) = 0;
};

using Handler = std::function<Result<HttpResponse>(Call&)>;
using LineHandler = std::function<Result<std::unique_ptr<LineConsumer>>(Call)>;

struct ResponseSpec {
  int status = 200;
  std::string help;
  std::function<Json(SchemaBook&)> schema;  // empty: no body
  std::string content_type = "application/json";
  std::string header = {};  // one that this answer carries
};

struct Route {
  HttpMethod method = HttpMethod::kGet;
  std::string pattern;  // "/v1/libraries/{library}/chunks:get"
  std::string operation_id;
  std::string summary;
  std::string tag;
  WorkPlace place = WorkPlace::kRead;
  bool open = false;         // answered without a key
  bool conditional = false;  // takes If-Match
  bool create_only = false;  // takes If-None-Match: *
  bool built = true;         // else every request is kNotSupportedYet
  std::vector<ResponseSpec> responses = {};
  const ObjectSchema* query = nullptr;
  const ObjectSchema* body = nullptr;
  Handler handler = {};
  LineHandler lines = {};  // for a body of application/x-ndjson

  bool writes() const { return place == WorkPlace::kWrite; }  // takes Idempotency-Key
};

/// A Json object of the query parameters, each value as its field wants it; what is no such value stays text
/// and is refused by its type.
Json query_as_json(const ObjectSchema& type, const std::vector<std::pair<std::string, std::string>>& query);

// ---- Routes with typed requests ----

template <typename Body>
Route with_body(Route route, const ObjectType<Body>& type, Result<HttpResponse> (*handle)(Call&, Body)) {
  route.body = &type;
  route.handler = [&type, handle](Call& call) -> Result<HttpResponse> {
    TRY_ASSIGN(Body body, type.read(call.body, FieldPath(), call.service.limits()));
    return handle(call, std::move(body));
  };
  return route;
}

template <typename Query>
Result<Query> read_query(const Call& call, const ObjectType<Query>& type) {
  return type.read(query_as_json(type, call.query), FieldPath(), call.service.limits());
}

template <typename Query>
Route with_query(Route route, const ObjectType<Query>& type, Result<HttpResponse> (*handle)(Call&, Query)) {
  route.query = &type;
  route.handler = [&type, handle](Call& call) -> Result<HttpResponse> {
    TRY_ASSIGN(Query query, read_query(call, type));
    return handle(call, std::move(query));
  };
  return route;
}

inline Route with_nothing(Route route, Result<HttpResponse> (*handle)(Call&)) {
  route.handler = handle;
  return route;
}

/// An answer with a JSON body that `write` fills.
template <typename Write>
HttpResponse json_response(int status, Write write) {
  HttpResponse response;
  response.status = status;
  JsonWriter writer(response.body);
  write(writer);
  return response;
}

}  // namespace sextant
