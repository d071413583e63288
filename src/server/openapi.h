// The OpenAPI 3.1 document and the page at /docs, both made from the route table.
//
// Stateless; made once, when a server starts.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/route.h"

namespace sextant {

struct OpenApiOptions {
  std::string_view version;
  bool key_required = false;  // then a bearer scheme is part of the document
};

/// Every route with its parameters, its request's and its answers' schemas, and the problems it may answer.
Json openapi_document(std::span<const Route> routes, const ServiceLimits& limits,
                      const OpenApiOptions& options);

/// A plain page that lists the routes.
std::string docs_page(std::span<const Route> routes, std::string_view version);

/// The names of a pattern's parameters, in order.
std::vector<std::string> path_parameters(std::string_view pattern);

}  // namespace sextant
