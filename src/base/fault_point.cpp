#include "base/fault_point.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <set>
#include <utility>

#include "base/mutex.h"

namespace sextant {
namespace {

struct Armed {
  std::string point;
  int passings_left;
  FaultAction action;
};

struct Registry {
  Mutex mutex;
  std::set<std::string, std::less<>> known GUARDED_BY(mutex);
  std::vector<Armed> armed GUARDED_BY(mutex);
};

// Never destroyed: points are passed by threads that outlive main's statics.
Registry& registry() {
  static Registry& only = *new Registry;
  return only;
}

Result<Armed> parse_entry(std::string_view entry) {
  Armed armed{.point = {}, .passings_left = 1, .action = FaultAction::kKill};
  std::vector<std::string_view> parts;
  for (std::string_view rest = entry;;) {
    const std::size_t colon = rest.find(':');
    parts.push_back(rest.substr(0, colon));
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  const auto malformed = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("SEXTANT_FAULT: \"{}\" {}; expected name[:nth[:kill|fail]]", entry, why));
  };
  if (parts.size() > 3) return malformed("has more than three parts");
  if (parts[0].empty()) return malformed("names no fault point");
  armed.point = parts[0];
  if (parts.size() > 1) {
    const char* end = parts[1].data() + parts[1].size();
    const auto [stop, error] = std::from_chars(parts[1].data(), end, armed.passings_left);
    if (error != std::errc{} || stop != end || armed.passings_left < 1) {
      return malformed("has no positive count after the name");
    }
  }
  if (parts.size() > 2) {
    if (parts[2] != "kill" && parts[2] != "fail") return malformed("has an unknown action");
    armed.action = parts[2] == "kill" ? FaultAction::kKill : FaultAction::kFail;
  }
  return armed;
}

}  // namespace

void arm_fault(std::string_view point, int nth, FaultAction action) {
  Registry& all = registry();
  const MutexLock lock(all.mutex);
  all.armed.push_back(Armed{.point = std::string(point), .passings_left = nth, .action = action});
  fault_detail::g_armed.store(true, std::memory_order_relaxed);
}

void disarm_faults() {
  Registry& all = registry();
  const MutexLock lock(all.mutex);
  all.armed.clear();
  fault_detail::g_armed.store(false, std::memory_order_relaxed);
}

Status arm_faults_from_environment() {
  const char* value = std::getenv("SEXTANT_FAULT");
  if (value == nullptr || *value == '\0') return {};
  std::vector<Armed> entries;
  for (std::string_view rest = value;;) {
    const std::size_t comma = rest.find(',');
    TRY_ASSIGN(Armed armed, parse_entry(rest.substr(0, comma)));
    entries.push_back(std::move(armed));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  for (const Armed& armed : entries) arm_fault(armed.point, armed.passings_left, armed.action);
  return {};
}

std::vector<std::string> known_fault_points() {
  Registry& all = registry();
  const MutexLock lock(all.mutex);
  return {all.known.begin(), all.known.end()};
}

namespace fault_detail {

std::atomic<bool> g_armed{false};

Registration::Registration(const char* point) {
  Registry& all = registry();
  const MutexLock lock(all.mutex);
  all.known.emplace(point);
}

Status pass(std::string_view point) {
  Registry& all = registry();
  const MutexLock lock(all.mutex);
  for (auto armed = all.armed.begin(); armed != all.armed.end(); ++armed) {
    if (armed->point != point || --armed->passings_left > 0) continue;
    if (armed->action == FaultAction::kKill) _exit(137);
    all.armed.erase(armed);
    if (all.armed.empty()) g_armed.store(false, std::memory_order_relaxed);
    return fail(ErrorCode::kIo, fmt::format("fault injected at {}", point));
  }
  return {};
}

}  // namespace fault_detail
}  // namespace sextant
