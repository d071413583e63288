// Router: finds the route of a request.
//
// Literal segments win over parameters, "{id}:verify" over "{id}". A segment's verb is told before
// percent-decoding, so that an id may hold
// "%3Averify" or "%2F". Immutable; any thread. The table must outlive it.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/route.h"

namespace sextant {

class Router {
 public:
  explicit Router(std::span<const Route> routes);

  struct Match {
    Status status = {};  // kRouteNotFound, kMethodNotAllowed, kInvalidArgument for what does not decode
    const Route* route = nullptr;  // null for OPTIONS and for a failure but that of decoding
    std::vector<std::string> parameters = {};
    std::string_view allow = {};  // the methods of the path, if there is one: "GET, HEAD, OPTIONS"
  };
  Match find(HttpMethod method, std::span<const std::string_view> segments) const;

 private:
  struct Segment {
    std::string literal;  // of a parameter: its verb, "" or ":verify"
    bool parameter = false;
  };
  struct Path {
    std::vector<Segment> segments;
    std::array<const Route*, 8> by_method{};
    std::string allow;
  };
  static std::vector<Segment> compile(std::string_view pattern);
  static bool matches(const Path& path, std::span<const std::string_view> segments);

  std::vector<Path> paths_;  // the more specific first
};

}  // namespace sextant
