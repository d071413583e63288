// What happens to a write before it leaves for the database: names in full, limits, ids, vectors for texts.
#pragma once

#include <vector>

#include "service/limits.h"
#include "service/schema_cache.h"

namespace sextant {

/// Checks and completes all transactions. The texts of a library are embedded together, over all
/// transactions. Where one cannot be completed it is marked rejected (its error's field below
/// "operations[j]"), and those after it are taken off: the first failure ends a request. Nothing after it is
/// embedded once it is known.
void prepare_transactions(const RequestContext& context, const ServiceLimits& limits, SchemaCache& schemas,
                          std::vector<TransactionInput>& transactions);

}  // namespace sextant
