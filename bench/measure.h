// The frame of every benchmark: what one operation costs, repeated, with the machine it ran on.
//
// Wall and CPU time, bytes allocated through operator new, and cache misses by hardware counters where the
// system permits them
// ("unavailable" where not, never 0). One thread measures at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace sextant::bench {

struct Metrics {
  double wall_s = 0;
  double cpu_s = 0;  // of all threads of the process
  std::uint64_t allocated_bytes = 0;
  std::optional<std::uint64_t> cache_misses;  // of the calling thread
};

/// Runs the operation once.
Metrics measure_operation(const std::function<void()>& operation);

struct Spread {
  double median = 0;
  double least = 0;
  double most = 0;
};
/// Of at least one value.
Spread spread_of(std::vector<double> values);
/// The value below which `share` of the values lie.
double percentile(std::vector<double> values, double share);

/// A named row of figures: printed as a table line and as JSON.
class Report {
 public:
  explicit Report(std::string title);
  void add(const std::string& name, const Spread& spread, const std::string& unit);
  void add(const std::string& name, double value, const std::string& unit);
  void add_metrics(const std::string& name, const std::vector<Metrics>& runs);
  /// The whole report on stdout.
  void print(bool json) const;

 private:
  struct Row {
    std::string name;
    Spread spread;
    std::string unit;
    bool single = false;
    std::string text;  // instead of figures
  };
  std::string title_;
  std::vector<Row> rows_;
};

/// Processor, cores, kernel, compiler, flags, kernels in use.
Json machine();

}  // namespace sextant::bench
