#include "server/router.h"

#include <algorithm>

#include "base/check.h"
#include "server/uri.h"

namespace sextant {

namespace {

std::size_t index_of(HttpMethod method) { return static_cast<std::size_t>(method); }

}  // namespace

std::vector<Router::Segment> Router::compile(std::string_view pattern) {
  const Result<Target> target = split_target(pattern);
  CHECK(target.has_value());
  std::vector<Segment> segments;
  for (const std::string_view text : target->segments) {
    const std::size_t brace = text.find('}');
    if (text.starts_with('{') && brace != std::string_view::npos) {
      segments.push_back({std::string(text.substr(brace + 1)), true});
    } else {
      segments.push_back({std::string(text), false});
    }
  }
  return segments;
}

Router::Router(std::span<const Route> routes) {
  std::vector<std::string_view> patterns;
  for (const Route& route : routes) {
    const auto known = std::ranges::find(patterns, route.pattern);
    const auto index = static_cast<std::size_t>(known - patterns.begin());
    if (known == patterns.end()) {
      patterns.emplace_back(route.pattern);
      paths_.push_back({compile(route.pattern), {}, {}});
    }
    const Route*& entry = paths_[index].by_method[index_of(route.method)];
    CHECK(entry == nullptr);
    entry = &route;
  }
  for (Path& path : paths_) {
    for (std::size_t method = 0; method < path.by_method.size(); ++method) {
      if (path.by_method[method] == nullptr) continue;
      path.allow += method_name(static_cast<HttpMethod>(method));
      path.allow += ", ";
      if (method == index_of(HttpMethod::kGet)) path.allow += "HEAD, ";
    }
    path.allow += "OPTIONS";
  }
  const auto rank = [](const Segment& s) { return !s.parameter ? 0 : s.literal.empty() ? 2 : 1; };
  std::ranges::stable_sort(paths_, [&](const Path& a, const Path& b) {
    return std::ranges::lexicographical_compare(a.segments, b.segments, {}, rank, rank);
  });
}

bool Router::matches(const Path& path, std::span<const std::string_view> segments) {
  if (path.segments.size() != segments.size()) return false;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = path.segments[i];
    const bool fits = segment.parameter ? segments[i].size() > segment.literal.size() &&
                                              segments[i].ends_with(segment.literal)
                                        : segments[i] == segment.literal;
    if (!fits) return false;
  }
  return true;
}

Router::Match Router::find(HttpMethod method, std::span<const std::string_view> segments) const {
  const auto path = std::ranges::find_if(paths_, [&](const Path& p) { return matches(p, segments); });
  if (path == paths_.end()) {
    return {.status =
                fail(ErrorCode::kRouteNotFound, "there is nothing at this path; /docs lists what there is")};
  }
  Match match{.allow = path->allow};
  if (method == HttpMethod::kOptions) return match;
  match.route = path->by_method[index_of(method == HttpMethod::kHead ? HttpMethod::kGet : method)];
  if (match.route == nullptr) {
    match.status = fail(ErrorCode::kMethodNotAllowed, "the methods of this path are " + path->allow);
    return match;
  }
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = path->segments[i];
    if (!segment.parameter) continue;
    std::string_view text = segments[i];
    text.remove_suffix(segment.literal.size());
    Result<std::string> decoded = percent_decode(text);
    if (!decoded) {
      match.status = fail(std::move(decoded).error());
      return match;
    }
    match.parameters.push_back(*std::move(decoded));
  }
  return match;
}

}  // namespace sextant
