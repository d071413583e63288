// Two lines of JSON, a filter and metadata: the filter is refused with a field, or says yes or no, and its
// negation the opposite.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "engine/filter.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sextant;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  if (line == std::string_view::npos) return 0;
  const auto where = parse_json(input.substr(0, line));
  const auto metadata = parse_json(input.substr(line + 1));
  if (!where || !metadata || !metadata->is_object()) return 0;
  const auto filter = parse_where(*where);
  if (!filter) {
    CHECK(!filter.error().field.empty());
    return 0;
  }
  const FilterRow row{&*metadata, nullptr, "some text"};
  const bool matches = filter->matches(row);
  Json negated = Json::object();
  negated.set("$not", *where);
  if (const auto opposite = parse_where(negated)) CHECK(opposite->matches(row) != matches);
  return 0;
}
