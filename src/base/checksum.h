// Checksums of stored bytes: XXH3, 64 bits (xxHash by Yann Collet).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sextant {

std::uint64_t xxh3(std::string_view bytes, std::uint64_t seed = 0);

/// XXH3 over several pieces, the same as over their concatenation.
class ChecksumStream {
 public:
  explicit ChecksumStream(std::uint64_t seed = 0);
  ~ChecksumStream();
  ChecksumStream(const ChecksumStream&) = delete;
  ChecksumStream& operator=(const ChecksumStream&) = delete;
  void update(std::string_view bytes);
  std::uint64_t digest() const;

 private:
  void* state_;
};

/// Lower-case hex SHA-256, for files that were fetched and requests that are remembered.
std::string sha256_hex(std::string_view bytes);

}  // namespace sextant
