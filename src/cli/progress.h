// Progress: a bar with count, rate and time left on a terminal; a line now and then elsewhere. Written to
// stderr.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace sextant {

/// One thread at a time.
class Progress {
 public:
  /// `what` names the counted things ("documents"). `quiet` prints nothing.
  enum class Style : std::uint8_t { kTerminal, kLines, kQuiet };
  Progress(std::string what, std::uint64_t total, Style style, Clock& clock = system_clock());
  void add(std::uint64_t count);
  /// The last line, with the time it took.
  void finish();
  /// The text of the bar at this moment, without control characters; `width` columns at most.
  std::string line(std::size_t width) const;
  /// kTerminal when stderr is one.
  static Style style_of_stderr();

 private:
  void print(bool last);
  std::string what_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  Style style_;
  Clock& clock_;
  std::int64_t started_ns_;
  std::int64_t printed_ns_ = 0;
};

/// "48 s", "3 min 20 s", "2 h 5 min".
std::string duration_text(double seconds);

}  // namespace sextant
