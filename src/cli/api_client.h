// ApiClient: the REST API of a running server, as the command line uses it.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "providers/http_client.h"

namespace sextant {

struct ServerAddress {
  std::string url = "http://127.0.0.1:7878";
  std::string api_key;
};

/// One thread at a time.
class ApiClient {
 public:
  explicit ApiClient(ServerAddress address);
  /// `path` begins with "/v1/". A refusal by the server (429, 503) is repeated a few times as it asks. Its
  /// problem documents come back as errors of their code and field.
  Result<Json> get(const std::string& path);
  Result<Json> post(const std::string& path, const Json& body);

 private:
  Result<Json> call(const std::string& method, const std::string& path, std::string body);
  ServerAddress address_;
  HttpClient http_;
};

/// A segment of a path, percent-encoded.
std::string path_segment(std::string_view text);

}  // namespace sextant
