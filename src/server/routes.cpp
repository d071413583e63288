#include "server/routes.h"

namespace sextant {

std::vector<Route> all_routes() {
  std::vector<Route> routes;
  for (auto* part : {library_routes, document_routes, chunk_routes, search_routes, transaction_routes,
                     operations_routes, unbuilt_routes}) {
    for (Route& route : part()) routes.push_back(std::move(route));
  }
  return routes;
}

std::string_view build_version() { return SEXTANT_VERSION; }

Status wait_for(Call& call, const std::vector<std::string>& tokens) {
  if (tokens.empty()) return {};
  Status status = call.service.wait_for(call.context, tokens);
  if (!status && status.error().field.empty()) return fail(in_field("after", std::move(status).error()));
  return status;
}

}  // namespace sextant
