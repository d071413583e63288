#include "cli/api_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace sextant {

namespace {

constexpr int kMaxTries = 6;
constexpr long kTimeoutMs = 600'000;  // a batch of texts may take long to embed

std::string text_member(const Json& json, std::string_view key) {
  const Json* member = json.find(key);
  return member != nullptr && member->is_string() ? member->as_string() : std::string();
}

Error error_of(const OutgoingResponse& response, const std::string& url) {
  const auto problem = parse_json(response.body);
  if (!problem || !problem->is_object() || problem->find("code") == nullptr) {
    return make_error(ErrorCode::kUnavailable,
                      fmt::format("{} answered status {}, and not as Sextant does", url, response.status));
  }
  return field_error(error_code_from_name(text_member(*problem, "code")), text_member(*problem, "field"),
                     text_member(*problem, "detail"));
}

}  // namespace

ApiClient::ApiClient(ServerAddress address) : address_(std::move(address)) {
  while (address_.url.ends_with('/')) address_.url.pop_back();
  if (address_.url.find("://") == std::string::npos) address_.url.insert(0, "http://");
}

Result<Json> ApiClient::get(const std::string& path) { return call("GET", path, {}); }
Result<Json> ApiClient::post(const std::string& path, const Json& body) {
  return call("POST", path, body.to_string());
}

Result<Json> ApiClient::call(const std::string& method, const std::string& path, std::string body) {
  OutgoingRequest request;
  request.method = method;
  request.url = address_.url + path;
  request.headers = {"Content-Type: application/json", "Accept: application/json"};
  if (!address_.api_key.empty()) request.headers.push_back("Authorization: Bearer " + address_.api_key);
  request.body = std::move(body);
  request.timeout_ms = kTimeoutMs;
  for (int tries = 1;; ++tries) {
    TRY_ASSIGN(OutgoingResponse response, http_.send(request));
    if (response.status >= 200 && response.status < 300) return parse_json(response.body);
    const bool asks_to_wait = response.status == 429 || response.status == 503;
    if (!asks_to_wait || tries == kMaxTries) return fail(error_of(response, request.url));
    const long seconds =
        std::clamp(std::strtol(response.headers["retry-after"].c_str(), nullptr, 10), 1L, 30L);
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
  }
}

std::string path_segment(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

}  // namespace sextant
