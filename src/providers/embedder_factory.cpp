#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "providers/embedder.h"
#include "providers/hashed_embedder.h"
#include "providers/local/local_embedder.h"

namespace sextant {
namespace {

struct Provider {
  std::string_view name;
  Result<std::unique_ptr<Embedder>> (*make)(const Json& settings);
};

// A new provider is one line here, in the order of names.
constexpr std::array kProviders = {
    Provider{"hashed", make_hashed_embedder},
    Provider{"local", make_local_embedder},
};
static_assert(std::is_sorted(kProviders.begin(), kProviders.end(),
                             [](const Provider& a, const Provider& b) { return a.name < b.name; }));

}  // namespace

Result<std::unique_ptr<Embedder>> make_embedder(std::string_view provider, const Json& settings) {
  for (const Provider& known : kProviders) {
    if (known.name == provider) return known.make(settings);
  }
  return fail(field_error(ErrorCode::kInvalidArgument, "provider",
                          fmt::format("no embedding provider '{}'; there are {}", provider,
                                      fmt::join(embedder_providers(), ", "))));
}

std::vector<std::string_view> embedder_providers() {
  std::vector<std::string_view> names;
  for (const Provider& known : kProviders) names.push_back(known.name);
  return names;
}

}  // namespace sextant
