// A log whose bytes were changed by the input: it opens to a prefix of what was written, or is refused; it
// never invents.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/memory_disk.h"
#include "storage/file_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sextant;
  MemoryDisk disk;
  SeededRandom random(1);
  CHECK(disk.make_directory("log").has_value());
  FileLogOptions options;
  options.database_id = "0123456789abcdef";
  options.file_size_bytes = 1024;
  std::vector<std::string> written;
  {
    auto log = open_file_log(disk, random, "log", options, nullptr);
    CHECK(log.has_value());
    for (int i = 0; i < 8; ++i) {
      written.push_back("record " + std::to_string(i) + std::string(static_cast<std::size_t>(i) * 40, 'x'));
      const LogEntry entry{written.back(), {}};
      CHECK((*log)->append({&entry, 1}).has_value());
      if (i % 3 == 2) CHECK((*log)->sync().has_value());
    }
  }
  const auto names = disk.list("log");
  CHECK(names.has_value());
  for (std::size_t i = 0; i + 4 <= size; i += 4) {
    const std::string path = join_path("log", (*names)[data[i] % names->size()]);
    (void)disk.corrupt(path, std::uint64_t{data[i + 1]} << 4U | data[i + 2] % 16U, data[i + 3]);
  }
  auto log = open_file_log(disk, random, "log", options, nullptr);
  if (!log) return 0;
  std::size_t next = 0;
  const auto status = (*log)->read_from(1, [&](const LogGroup& group) -> Status {
    for (const LogEntry& entry : group.entries) {
      CHECK(next < written.size() && entry.record == written[next]);
      ++next;
    }
    return {};
  });
  (void)status;
  return 0;
}
