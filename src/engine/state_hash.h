// One number for everything a reader could see: to compare states in tests, replicas and after recovery.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "engine/state.h"

namespace sextant {

/// XXH3 over definitions, vectors, filter metadata, tombstones and all applied records, in key order. Equal
/// states give equal hashes whatever threads, flushes or restarts lie behind them. Reads everything.
Result<std::uint64_t> state_hash(const DatabaseState& state);

}  // namespace sextant
