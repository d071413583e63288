// Any bytes as a group of the commit log: refused, or entries that lie within the bytes.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "storage/log_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sextant;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)decode_file_header(bytes);
  const auto group = decode_group(bytes, 0);
  if (!group) return 0;
  for (const LogEntry& entry : group->entries) {
    for (const std::string_view part : {entry.record, entry.vectors}) {
      CHECK(part.empty() ||
            (part.data() >= bytes.data() && part.data() + part.size() <= bytes.data() + bytes.size()));
    }
  }
  return 0;
}
