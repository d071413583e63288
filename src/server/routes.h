// The route table of REST v1, and what its handlers may know of the server.
//
// The table is made once, when a server starts. Thread rule of ServerFacts: the texts are set before the
// first request; the rest is atomic or thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http_counters.h"
#include "server/http_server.h"
#include "server/route.h"

namespace sextant {

/// Every route, in the order in which the documentation shows them.
std::vector<Route> all_routes();

// The parts of the table, by subject.
std::vector<Route> library_routes();
std::vector<Route> document_routes();
std::vector<Route> chunk_routes();
std::vector<Route> search_routes();
std::vector<Route> transaction_routes();
std::vector<Route> operations_routes();
/// Specified, not built: each answers kNotSupportedYet.
std::vector<Route> unbuilt_routes();

/// What the operations routes tell of the server they run in.
struct ServerFacts {
  std::string openapi;  // the document as JSON
  std::string docs;     // the route list as HTML
  std::int64_t started_ns = 0;
  std::atomic<bool> stopping{false};
  HttpCounters counters;
  std::function<HttpServerStats()> http = [] { return HttpServerStats{}; };
};

/// The version of this build, "0.1.0".
std::string_view build_version();

// ---- What several subjects share ----

/// Waits until the commits of these tokens are visible.
Status wait_for(Call& call, const std::vector<std::string>& tokens);

}  // namespace sextant
