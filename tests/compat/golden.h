// A small database of format version 1 that exercises every kind of record, the same bytes each time it is
// written.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "engine/database.h"

namespace sextant {

/// Writes it into `directory` (absent or empty), with a clock that is told the time and seeded randomness.
Status write_golden_database(const std::string& directory);

/// What a reader of the snapshot sees, as JSON: libraries, documents, chunks, vectors (hex), counts.
/// Independent of how it is stored.
Result<Json> describe_database(const Snapshot& snapshot);

}  // namespace sextant
