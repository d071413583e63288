// ApiFixture: the whole API without sockets, on a service over the engine. Every answer is held against the
// OpenAPI document.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "providers/testing/fake_embedder.h"
#include "server/api.h"
#include "server/testing/hooked_database.h"
#include "server/testing/http_client.h"

namespace sextant {

/// So that a failed comparison shows what was compared.
inline void PrintTo(const Json& json, std::ostream* out) { *out << json.to_string(); }

class ApiFixture : public ::testing::Test {
 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  ApiFixture();
  ~ApiFixture() override;

  /// Answers one request; `body` may be empty. A body is application/json unless a header says otherwise.
  HttpAnswer ask(HttpMethod method, const std::string& target, std::string_view body = {},
                 const Headers& headers = {});
  HttpAnswer get(const std::string& target, const Headers& headers = {}) {
    return ask(HttpMethod::kGet, target, {}, headers);
  }
  HttpAnswer post(const std::string& target, std::string_view body, const Headers& headers = {}) {
    return ask(HttpMethod::kPost, target, body, headers);
  }
  /// Sends lines in pieces of `piece` bytes.
  HttpAnswer upload(const std::string& target, std::string_view lines, std::size_t piece,
                    const Headers& headers = {});

  /// Library "notes" of dimension 4 by cosine, whose texts a fake embedder embeds.
  void make_notes();
  /// What an answer says of an error: "STATUS code field".
  static std::string told(const HttpAnswer& answer);
  static Json json(const HttpAnswer& answer);
  /// The value at a path of members and indexes of an answer: at(answer, "hits", 0, "chunk_id").
  template <typename... Steps>
  static Json at(const HttpAnswer& answer, const Steps&... steps) {
    Json value = json(answer);
    ((value = step(value, steps)), ...);
    return value;
  }

  Service& service();
  Api& api();
  /// A new service and API over database_ and embedder_ as they are now.
  void reset();

  std::shared_ptr<HookedDatabase> database_ = std::make_shared<HookedDatabase>();
  std::shared_ptr<FakeEmbedder> embedder_ = std::make_shared<FakeEmbedder>();
  ServiceOptions service_options_;                           // to be set before the first request
  ApiOptions api_options_{.keys = {}, .access_log = false};  // likewise

 private:
  static Json step(const Json& value, const char* key);
  static Json step(const Json& value, int index);
  HttpAnswer checked(HttpMethod method, const std::string& target, HttpResponse response);

  std::unique_ptr<Service> service_;
  std::unique_ptr<Api> api_;
};

}  // namespace sextant
