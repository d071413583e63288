// The one seam under randomness.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace sextant {

class Random {
 public:
  virtual ~Random() = default;
  /// 64 uniform bits. Thread-safe.
  virtual std::uint64_t next() = 0;
  /// Uniform in [0, bound); bound must not be 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  double unit();
};

/// The operating system's generator, fit for secrets. Never destroyed.
Random& system_random();

/// xoshiro256** (Blackman and Vigna, 2018), seeded through splitmix64: the same seed gives the same sequence.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  std::uint64_t next() override;

 private:
  std::mutex mutex_;
  std::uint64_t state_[4];
};

/// splitmix64's finaliser: a well mixed 64-bit hash of an integer.
std::uint64_t mix64(std::uint64_t value);

/// A UUID version 7 (RFC 9562): time-ordered, 36 characters.
std::string uuid_v7(Clock& clock, Random& random);

}  // namespace sextant
