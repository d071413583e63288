#include "base/random.h"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"

namespace sextant {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kGoldenGamma = 0x9E3779B97F4A7C15ULL;  // splitmix64's step

class SystemRandom final : public Random {
 public:
  std::uint64_t next() override {
    std::uint64_t bits = 0;
    ssize_t got = 0;
    do {
      got = getrandom(&bits, sizeof(bits), 0);
    } while (got < 0 && errno == EINTR);
    CHECK(got == sizeof(bits));
    return bits;
  }
};

}  // namespace

std::uint64_t Random::below(std::uint64_t bound) {
  CHECK(bound != 0);
  // Multiply and keep the upper half, rejecting the few products that would favour some results (Lemire,
  // 2019).
  const std::uint64_t threshold = (0 - bound) % bound;
  for (;;) {
    const auto product = static_cast<Wide>(next()) * bound;
    if (static_cast<std::uint64_t>(product) >= threshold) return static_cast<std::uint64_t>(product >> 64U);
  }
}

double Random::unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

Random& system_random() {
  static Random& random = *new SystemRandom;
  return random;
}

std::uint64_t mix64(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

SeededRandom::SeededRandom(std::uint64_t seed) : state_{} {
  for (std::uint64_t& word : state_) {
    seed += kGoldenGamma;
    word = mix64(seed);
  }
}

std::uint64_t SeededRandom::next() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::string uuid_v7(Clock& clock, Random& random) {
  constexpr std::uint64_t kVersion = 0x7000;
  constexpr std::uint64_t kVariant = 0x8000'0000'0000'0000ULL;
  const auto ms = static_cast<std::uint64_t>(clock.unix_ms());
  std::string bytes;
  append_be64(bytes, ms << 16U | kVersion | (random.next() & 0x0FFFU));
  append_be64(bytes, kVariant | (random.next() >> 2U));
  std::string text = to_hex(bytes);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

}  // namespace sextant
