// How every verb is run: its entry checks, its count and its time. For the files that implement Service.
#pragma once

#include "service/service.h"

namespace sextant {

/// Whether a verb needs the right to write.
inline bool changes_state(Verb verb) {
  switch (verb) {
    case Verb::kCreateLibrary:
    case Verb::kUpdateLibrary:
    case Verb::kDropLibrary:
    case Verb::kWrite:
    case Verb::kDeleteChunks:
    case Verb::kPatchChunks:
      return true;
    default:
      return false;
  }
}

template <typename T>
std::optional<ErrorCode> outcome_of(const Result<T>& result) {
  if (!result) return result.error().code;
  if constexpr (std::is_same_v<T, WriteResult>) {
    // The first failure ends a request, so the last transaction tells.
    if (!result->transactions.empty() && !result->transactions.back())
      return result->transactions.back().error().code;
  }
  return std::nullopt;
}

template <typename Work>
auto Service::run(Verb verb, const RequestContext& context, Work work) -> decltype(work()) {
  Clock& clock = *options_.clock;
  const std::int64_t begin = clock.monotonic_ns();
  auto entry = check_entry(verb, context);
  decltype(work()) result = entry ? work() : decltype(work())(fail(std::move(entry).error()));
  metrics_.count_verb(verb, outcome_of(result), clock.monotonic_ns() - begin);
  return result;
}

template <typename Work>
Result<WriteResult> Service::run_write(Verb verb, const RequestContext& context, const WriteRequest& request,
                                       Work work) {
  return run(verb, context, [&]() -> Result<WriteResult> {
    if (request.idempotency) {
      TRY_ASSIGN(auto earlier, database_->remembered(context, *request.idempotency));
      if (earlier) return *std::move(earlier);
    }
    return work();
  });
}

}  // namespace sextant
