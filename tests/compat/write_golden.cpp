// write_golden DIR: writes the golden database of today's format version and what it shows into DIR.
//
// Run once for each new format version, into tests/compat/v<version>; the files are then kept for ever.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "golden.h"

namespace sextant {

static Status write_golden(const std::string& directory) {
  const std::string database = directory + "/database";
  TRY(write_golden_database(database));
  {
    TRY_ASSIGN(const auto reopened, Database::open(database, {}));
    TRY_ASSIGN(const Json seen, describe_database(reopened->snapshot()));
    TRY(write_file_atomically(posix_file_system(), directory + "/expected.json", seen.to_string() + "\n"));
  }
  // Applied state is made again from the log; the lock is the process's.
  std::filesystem::remove_all(database + "/records");
  std::filesystem::remove_all(database + "/scratch");
  std::filesystem::remove(database + "/LOCK");
  return {};
}

}  // namespace sextant

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_golden DIR\n", stderr);
    return 2;
  }
  if (const auto status = sextant::write_golden(argv[1]); !status) {
    std::fputs((status.error().to_string() + "\n").c_str(), stderr);
    return 1;
  }
  return 0;
}
