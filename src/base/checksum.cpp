#include "base/checksum.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/check.h"

namespace sextant {

std::uint64_t xxh3(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

ChecksumStream::ChecksumStream(std::uint64_t seed) : state_(XXH3_createState()) {
  CHECK(state_ != nullptr);
  CHECK(XXH3_64bits_reset_withSeed(static_cast<XXH3_state_t*>(state_), seed) == XXH_OK);
}

ChecksumStream::~ChecksumStream() { XXH3_freeState(static_cast<XXH3_state_t*>(state_)); }

void ChecksumStream::update(std::string_view bytes) {
  if (bytes.empty()) return;
  CHECK(XXH3_64bits_update(static_cast<XXH3_state_t*>(state_), bytes.data(), bytes.size()) == XXH_OK);
}

std::uint64_t ChecksumStream::digest() const {
  return XXH3_64bits_digest(static_cast<const XXH3_state_t*>(state_));
}

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  return to_hex(std::string_view(reinterpret_cast<const char*>(digest), size));
}

}  // namespace sextant
