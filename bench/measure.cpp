#include "measure.h"

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <new>
#include <thread>

#include "kernels/distance.h"

namespace {
std::atomic<std::uint64_t> g_allocated{0};
}

// Counts what the program asks for; everything else is the standard library's.
void* operator new(std::size_t size) {
  g_allocated.fetch_add(size, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace sextant::bench {

namespace {

// A counter of this thread's last-level cache misses; closed when the system does not permit it.
class CacheMisses {
 public:
  CacheMisses() {
    perf_event_attr attributes;
    std::memset(&attributes, 0, sizeof(attributes));
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.size = sizeof(attributes);
    attributes.config = PERF_COUNT_HW_CACHE_MISSES;
    attributes.exclude_kernel = 1;
    descriptor_ = static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
  }
  ~CacheMisses() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  CacheMisses(const CacheMisses&) = delete;
  CacheMisses& operator=(const CacheMisses&) = delete;
  std::optional<std::uint64_t> read_count() const {
    std::uint64_t count = 0;
    if (descriptor_ < 0 || read(descriptor_, &count, sizeof(count)) != sizeof(count)) return std::nullopt;
    return count;
  }

 private:
  int descriptor_ = -1;
};

double seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

Metrics measure_operation(const std::function<void()>& operation) {
  const CacheMisses misses;
  const auto misses_before = misses.read_count();
  const std::uint64_t allocated = g_allocated.load();
  const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  const double wall = seconds(CLOCK_MONOTONIC);
  operation();
  Metrics metrics;
  metrics.wall_s = seconds(CLOCK_MONOTONIC) - wall;
  metrics.cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  metrics.allocated_bytes = g_allocated.load() - allocated;
  const auto misses_after = misses.read_count();
  if (misses_before && misses_after) metrics.cache_misses = *misses_after - *misses_before;
  return metrics;
}

Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

double percentile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

Json machine() {
  utsname system{};
  uname(&system);
  Json out = Json::object();
  out.set("processor", Json(processor()))
      .set("cores", Json(std::int64_t{std::thread::hardware_concurrency()}));
  out.set("kernel", Json(std::string(system.release)));
  out.set("compiler", Json(std::string(__VERSION__))).set("flags", Json(std::string(SEXTANT_BUILD_FLAGS)));
  out.set("kernels", Json(instruction_set_name(distance_kernels().set)));
  double load[1] = {0};
  if (getloadavg(load, 1) == 1) out.set("load_average", Json(load[0]));
  return out;
}

Report::Report(std::string title) : title_(std::move(title)) {}

void Report::add(const std::string& name, const Spread& spread, const std::string& unit) {
  rows_.push_back({name, spread, unit, false, {}});
}

void Report::add(const std::string& name, double value, const std::string& unit) {
  rows_.push_back({name, {value, value, value}, unit, true, {}});
}

void Report::add_metrics(const std::string& name, const std::vector<Metrics>& runs) {
  std::vector<double> wall;
  std::vector<double> cpu;
  std::vector<double> bytes;
  std::vector<double> misses;
  for (const Metrics& run : runs) {
    wall.push_back(run.wall_s);
    cpu.push_back(run.cpu_s);
    bytes.push_back(static_cast<double>(run.allocated_bytes));
    if (run.cache_misses) misses.push_back(static_cast<double>(*run.cache_misses));
  }
  add(name + ": wall time", spread_of(wall), "s");
  add(name + ": CPU time", spread_of(cpu), "s");
  add(name + ": allocated", spread_of(bytes), "bytes");
  if (misses.size() == runs.size()) {
    add(name + ": cache misses", spread_of(misses), "");
  } else {
    rows_.push_back({name + ": cache misses", {}, "", false, "unavailable"});
  }
}

void Report::print(bool json) const {
  if (json) {
    Json out = Json::object();
    out.set("title", Json(title_)).set("machine", machine());
    Json::Array rows;
    for (const Row& row : rows_) {
      Json r = Json::object();
      r.set("name", Json(row.name));
      if (!row.text.empty()) {
        r.set("value", Json(row.text));
      } else {
        r.set("median", Json(row.spread.median)).set("unit", Json(row.unit));
        if (!row.single) r.set("min", Json(row.spread.least)).set("max", Json(row.spread.most));
      }
      rows.push_back(std::move(r));
    }
    out.set("rows", Json(std::move(rows)));
    std::puts(out.to_string().c_str());
    return;
  }
  fmt::print("{}\n{}\n", title_, machine().to_string());
  for (const Row& row : rows_) {
    if (!row.text.empty()) {
      fmt::print("  {:<58} {}\n", row.name, row.text);
    } else if (row.single) {
      fmt::print("  {:<58} {:>12.5g} {}\n", row.name, row.spread.median, row.unit);
    } else {
      fmt::print("  {:<58} {:>12.5g} {}  ({:.5g} to {:.5g})\n", row.name, row.spread.median, row.unit,
                 row.spread.least, row.spread.most);
    }
  }
}

}  // namespace sextant::bench
