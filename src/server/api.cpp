#include "server/api.h"

#include <exception>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/names.h"
#include "server/bulk_upload.h"
#include "server/listen_address.h"
#include "server/openapi.h"
#include "server/problem.h"
#include "server/uri.h"

namespace sextant {

namespace {

constexpr std::string_view kJsonType = "application/json";
constexpr std::string_view kLinesType = "application/x-ndjson";

// "application/json; charset=utf-8" -> "application/json"
std::string_view media_type(std::string_view header) {
  const std::string_view type = header.substr(0, header.find(';'));
  const std::size_t begin = type.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return type.substr(begin, type.find_last_not_of(' ') - begin + 1);
}

// Idempotency keys of one user are told apart by what they are for: the method, the kind of path, the
// library.
std::string idempotency_scope(const Call& call) {
  constexpr std::string_view kLibrary = "{library}";
  std::string path = call.route.pattern;
  if (const std::size_t at = path.find(kLibrary); at != std::string::npos) {
    path.replace(at, kLibrary.size(), full_library_name(call.library()).value_or(call.library()));
  }
  return call.context.user + " " + std::string(method_name(call.route.method)) + " " + path;
}

}  // namespace

class Api::Exchange final : public HttpExchange {
 public:
  Exchange(Api& api, const RequestHead& head)
      : api_(api),
        head_(head),
        started_ns_(system_clock().monotonic_ns()),
        trace_(read_trace(head.header("traceparent"), api.trace_random_)) {
    if (Status status = admit(); !status) refusal_ = std::move(status).error();
    if (refusal_ || options_) return;
    place = route_->place;
    if (lines_) {
      body_use = BodyUse::kStreamed;
      max_body_bytes = kUploadBytes;
    } else if (route_->body != nullptr) {
      body_use = BodyUse::kWhole;
      max_body_bytes = api_.service_.limits().max_request_bytes;
    }
  }

  HttpResponse respond(std::string body) override {
    return finished(guarded([&] {
      if (refusal_) return problem(*refusal_);
      if (options_)
        return HttpResponse{.status = 204, .content_type = "", .headers = {{"Allow", std::string(allow_)}}};
      Result<HttpResponse> response = handle(body);
      return response ? *std::move(response) : problem(response.error());
    }));
  }

  std::optional<HttpResponse> feed(std::string_view piece) override {
    std::optional<HttpResponse> early = guarded([&] { return lines_->feed(piece); });
    if (!early) return std::nullopt;
    return finished(*std::move(early));
  }

  HttpResponse finish() override {
    return finished(guarded([&] { return lines_->finish(); }));
  }

  HttpResponse refuse(int status, Error error) override {
    return finished(guarded([&] {
      return lines_ ? lines_->abort(status, error) : problem_response(error, status, trace_.trace_id);
    }));
  }

 private:
  // What can be told from the head alone, before the body is read.
  Status admit() {
    TRY(check_host());
    TRY_ASSIGN(const Target target, split_target(head_.target()));
    Router::Match match = api_.router_.find(head_.method, target.segments);
    route_ = match.route;
    allow_ = match.allow;
    options_ = head_.method == HttpMethod::kOptions && match.status.has_value();
    Authenticator::Principal principal;
    if (route_ == nullptr || !route_->open) {
      TRY_ASSIGN(principal, api_.authenticator_.authenticate(head_));
    }
    TRY(std::move(match.status));
    if (options_) return {};
    return prepare(target, std::move(match.parameters), std::move(principal));
  }

  // Without a key, being on this machine is what lets a client in, and a page in a browser here is on it too:
  // by a name of its own that it made lead to us it would read our answers as if they were its own.
  Status check_host() const {
    if (api_.authenticator_.required()) return {};
    const std::optional<std::string_view> host = head_.header("host");
    if (!host || names_loopback(*host)) return {};
    constexpr std::size_t kShownBytes = 100;
    return fail(
        ErrorCode::kPermissionDenied,
        "the Host '" + std::string(host->substr(0, kShownBytes)) +
            "' does not name this machine: without an API key only localhost, 127.x.x.x and [::1] are "
            "answered");
  }

  Status prepare(const Target& target, std::vector<std::string> parameters,
                 Authenticator::Principal principal) {
    if (route_->place == WorkPlace::kRead || route_->place == WorkPlace::kWrite) {
      ticket_ = api_.service_.admit();
      if (!ticket_) {
        return fail(ErrorCode::kBackpressure, "as many requests as allowed are being worked on (" +
                                                  std::to_string(api_.service_.limits().max_in_flight) +
                                                  "); try again");
      }
    }
    call_.emplace(Call{.service = api_.service_, .server = api_.facts_, .route = *route_});
    call_->path = std::move(parameters);
    call_->context.user = std::move(principal.user);
    call_->context.role = principal.role;
    call_->context.trace_id = trace_.trace_id;
    TRY_ASSIGN(call_->query, parse_query(target.query));
    if (route_->built) TRY(read_headers());
    if (route_->query == nullptr && !call_->query.empty()) {
      return fail(field_error(ErrorCode::kInvalidArgument, call_->query.front().first,
                              "unknown; this path takes no query parameters"));
    }
    if (route_->body != nullptr) return choose_body();
    if (route_->built && head_.has_body()) {
      return fail(ErrorCode::kInvalidArgument,
                  std::string(method_name(route_->method)) + " " + route_->pattern + " takes no body");
    }
    return {};
  }

  Status read_headers() {
    TRY_ASSIGN(const std::optional<std::int64_t> deadline_ms, read_deadline_ms(head_));
    if (deadline_ms) call_->context.deadline_ns = started_ns_ + *deadline_ms * 1'000'000;
    const auto keep = [this](std::string_view name, std::optional<std::string>& value) {
      if (const auto header = head_.header(name)) value = *header;
    };
    if (route_->conditional) keep("if-match", call_->if_match);
    if (route_->create_only) keep("if-none-match", call_->if_none_match);
    if (!route_->writes()) return {};
    TRY_ASSIGN(std::optional<std::string> key, read_idempotency_key(head_));
    if (key)
      call_->idempotency = IdempotencyKey{idempotency_scope(*call_), *std::move(key), request_hash({})};
    return {};
  }

  std::string request_hash(std::string_view body) const {
    std::string text(method_name(head_.method));
    return sha256_hex(text.append(" ").append(head_.target()).append("\n").append(body));
  }

  Status choose_body() {
    if (!head_.has_body()) return fail(ErrorCode::kInvalidArgument, "the request must have a JSON body");
    if (const auto coding = head_.header("content-encoding"); coding && *coding != "identity") {
      return fail(ErrorCode::kUnsupportedMediaType, "bodies are taken as they are, without a content coding");
    }
    const std::string_view type = media_type(head_.header("content-type").value_or(""));
    if (route_->lines && equals_ignoring_case(type, kLinesType)) {
      TRY_ASSIGN(lines_, route_->lines(std::move(*call_)));
      return {};
    }
    if (!equals_ignoring_case(type, kJsonType)) {
      std::string wanted(kJsonType);
      if (route_->lines) wanted.append(" or ").append(kLinesType);
      return fail(ErrorCode::kUnsupportedMediaType,
                  "the body must be " + wanted + ", and Content-Type must say so");
    }
    if (route_->lines && !call_->query.empty()) {
      return fail(field_error(ErrorCode::kInvalidArgument, call_->query.front().first,
                              "belongs into the body of a JSON request"));
    }
    return {};
  }

  Result<HttpResponse> handle(const std::string& body) {
    TRY(call_->context.check_deadline("waiting for a worker"));
    if (call_->idempotency) call_->idempotency->request_hash = request_hash(body);
    if (route_->body != nullptr) {
      TRY_ASSIGN(call_->body, parse_json(body));
    }
    return route_->handler(*call_);
  }

  HttpResponse problem(const Error& error) const {
    HttpResponse response = problem_response(error, trace_.trace_id);
    if (error.code == ErrorCode::kMethodNotAllowed) response.headers.emplace_back("Allow", allow_);
    if (response.status >= 500) {
      log_event(LogLevel::kError, "request_failed", {{"error", error.to_string()}}, trace_.trace_id);
    }
    return response;
  }

  // Whatever a handler or a library beneath it throws ends here: memory that is not there, for the most part.
  template <typename Work>
  std::invoke_result_t<Work> guarded(Work work) const {
    try {
      return work();
    } catch (const std::exception& exception) {
      return problem(make_error(ErrorCode::kInternal, std::string("unexpected: ") + exception.what()));
    }
  }

  HttpResponse finished(HttpResponse response) {
    response.headers.emplace_back("traceparent", trace_.traceparent());
    ticket_.reset();
    api_.record(head_.method, route_, response, system_clock().monotonic_ns() - started_ns_, trace_.trace_id);
    return response;
  }

  Api& api_;
  const RequestHead& head_;
  const std::int64_t started_ns_;
  const Trace trace_;
  const Route* route_ = nullptr;
  std::string_view allow_;
  bool options_ = false;
  std::optional<Error> refusal_;
  std::optional<Admission::Ticket> ticket_;
  std::optional<Call> call_;
  std::unique_ptr<LineConsumer> lines_;
};

Api::Api(Service& service, const ApiOptions& options)
    : service_(service),
      access_log_(options.access_log),
      authenticator_(options.keys),
      routes_(all_routes()),
      router_(routes_),
      trace_random_(system_random().next()) {
  facts_.openapi = openapi_document(routes_, service.limits(),
                                    {.version = build_version(), .key_required = authenticator_.required()})
                       .to_string();
  facts_.docs = docs_page(routes_, build_version());
  facts_.started_ns = system_clock().monotonic_ns();
}

Api::~Api() = default;

std::unique_ptr<HttpExchange> Api::begin(const RequestHead& head) {
  return std::make_unique<Exchange>(*this, head);
}

HttpResponse Api::refuse(int status, Error error) {
  const Trace trace = read_trace(std::nullopt, trace_random_);
  HttpResponse response = problem_response(error, status, trace.trace_id);
  record(HttpMethod::kOther, nullptr, response, 0, trace.trace_id);
  return response;
}

void Api::record(HttpMethod method, const Route* route, const HttpResponse& response,
                 std::int64_t duration_ns, std::string_view trace_id) {
  facts_.counters.count(response.status, response.body.size());
  if (!access_log_) return;
  log_event(LogLevel::kInfo, "request",
            {{"method", method_name(method)},
             {"route", route == nullptr ? std::string_view() : std::string_view(route->pattern)},
             {"status", response.status},
             {"duration_us", duration_ns / 1000},
             {"bytes", std::uint64_t{response.body.size()}}},
            trace_id);
}

}  // namespace sextant
