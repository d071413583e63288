// Api: answers HTTP requests by the route table: finds the route, checks the key, reads headers and body,
// runs the handler, and tells the log and the counters.
//
// Thread-safe as HttpApplication asks. The service must outlive it; it must outlive the HTTP server that uses
// it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/http_exchange.h"
#include "server/request_scope.h"
#include "server/router.h"
#include "server/routes.h"

namespace sextant {

struct ApiOptions {
  std::vector<ApiKey> keys;
  bool access_log = true;
};

class Api final : public HttpApplication {
 public:
  Api(Service& service, const ApiOptions& options);
  ~Api() override;

  std::unique_ptr<HttpExchange> begin(const RequestHead& head) override;
  HttpResponse refuse(int status, Error error) override;

  ServerFacts& facts() { return facts_; }
  const std::vector<Route>& routes() const { return routes_; }

 private:
  class Exchange;

  /// One line in the access log, and one in the counters.
  void record(HttpMethod method, const Route* route, const HttpResponse& response, std::int64_t duration_ns,
              std::string_view trace_id);

  Service& service_;
  const bool access_log_;
  const Authenticator authenticator_;
  const std::vector<Route> routes_;
  const Router router_;
  SeededRandom trace_random_;  // ids must differ, not be secret
  ServerFacts facts_;
};

}  // namespace sextant
