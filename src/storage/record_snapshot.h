// Reading the record store at one moment.
#pragma once

#include <memory>

#include "storage/record_db.h"

namespace sextant {

/// The store as it is now. Any thread.
std::shared_ptr<const RecordSnapshot> take_record_snapshot(std::shared_ptr<RecordDb> db);

}  // namespace sextant
