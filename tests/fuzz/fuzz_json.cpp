// Any bytes: refused, or a value whose text reads back as the same value.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = sextant::parse_json({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  const auto again = sextant::parse_json(json->to_string());
  CHECK(again.has_value());
  CHECK(*again == *json);
  return 0;
}
