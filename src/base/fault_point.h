// Named places where a test can make the process die or an operation fail.
//
// FAULT_POINT("log.append.before_sync") costs one relaxed load when nothing is armed. A point is armed by the
// test itself (arm_fault) or, for a server in a process of its own, by
// SEXTANT_FAULT="name[:nth[:kill|fail]][,...]" read by arm_faults_from_environment(); nth is 1 and the action
// kill unless told. kill leaves at once by _exit(137) without flushing anything, as kill -9 would.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sextant {

enum class FaultAction : std::uint8_t { kKill, kFail };

/// Arms the nth passing (1 = the next) of a point; armed points fire once.
void arm_fault(std::string_view point, int nth, FaultAction action);
void disarm_faults();
/// Reads SEXTANT_FAULT. A malformed value is an error naming it.
Status arm_faults_from_environment();
/// Every point passed so far in this process and every registered one, sorted.
std::vector<std::string> known_fault_points();

namespace fault_detail {
extern std::atomic<bool> g_armed;
Status pass(std::string_view point);
struct Registration {
  explicit Registration(const char* point);
};
}  // namespace fault_detail

}  // namespace sextant

/// In a function that returns Status or Result<T>: dies, or leaves with kIo "fault injected at NAME", when
/// armed.
#define FAULT_POINT(name)                                                                \
  do {                                                                                   \
    static const ::sextant::fault_detail::Registration fault_registration_(name);        \
    if (::sextant::fault_detail::g_armed.load(std::memory_order_relaxed)) [[unlikely]] { \
      TRY(::sextant::fault_detail::pass(name));                                          \
    }                                                                                    \
  } while (false)
