#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sextant {

namespace {

constexpr std::int64_t kRedrawNs = 100'000'000;
constexpr std::int64_t kLineNs = 5'000'000'000;
constexpr std::size_t kBarColumns = 24;

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string duration_text(double seconds) {
  const auto total = static_cast<std::uint64_t>(std::llround(seconds));
  if (total < 60) return fmt::format("{} s", total);
  if (total < 3600) return fmt::format("{} min {} s", total / 60, total % 60);
  return fmt::format("{} h {} min", total / 3600, total % 3600 / 60);
}

Progress::Progress(std::string what, std::uint64_t total, Style style, Clock& clock)
    : what_(std::move(what)), total_(total), style_(style), clock_(clock), started_ns_(clock.monotonic_ns()) {
  print(false);
}

Progress::Style Progress::style_of_stderr() {
  return isatty(STDERR_FILENO) != 0 ? Style::kTerminal : Style::kLines;
}

std::string Progress::line(std::size_t width) const {
  const double seconds = static_cast<double>(clock_.monotonic_ns() - started_ns_) / 1e9;
  const double share =
      total_ == 0 ? 1 : std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(kBarColumns));
  std::string text = fmt::format("[{}{}] {:3.0f} %  {} of {} {}", std::string(filled, '#'),
                                 std::string(kBarColumns - filled, '.'), share * 100, done_, total_, what_);
  if (done_ > 0 && seconds > 0.5) {
    const double rate = static_cast<double>(done_) / seconds;
    text += fmt::format("  {:.0f}/s", rate);
    if (done_ < total_) text += "  " + duration_text(static_cast<double>(total_ - done_) / rate) + " left";
  }
  if (text.size() > width) text.resize(width);
  return text;
}

void Progress::print(bool last) {
  const std::int64_t now = clock_.monotonic_ns();
  if (style_ == Style::kTerminal) {
    if (!last && printed_ns_ != 0 && now - printed_ns_ < kRedrawNs) return;
    std::fputs(fmt::format("\r{}\x1b[K{}", line(terminal_width() - 1), last ? "\n" : "").c_str(), stderr);
  } else if (style_ == Style::kLines) {
    if (!last && printed_ns_ != 0 && now - printed_ns_ < kLineNs) return;
    std::fputs((line(200) + "\n").c_str(), stderr);
  }
  std::fflush(stderr);
  printed_ns_ = now;
}

void Progress::add(std::uint64_t count) {
  done_ += count;
  print(false);
}

void Progress::finish() { print(true); }

}  // namespace sextant
