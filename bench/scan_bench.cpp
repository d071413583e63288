// Exact scan against the memory itself: flat_scan on one thread beside a loop that only loads the same words,
// and each kernel in cache beside scalar code.
//
//   scan_bench [--json] [--gib N] [--rounds N]      (defaults: 1 GiB, 7 rounds)
//
// Candidates alternate within a round, so that what else the machine does meets all of them; figures are
// medians. The share of bandwidth is the median of the rounds' own ratios of flat_scan to the bare loop: the
// same words in the same order by loads of the same width, or-ed together.
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "index/flat/flat_scan.h"
#include "kernels/distance.h"

#ifndef SEXTANT_BUILD_FLAGS
#define SEXTANT_BUILD_FLAGS "not recorded"
#endif

namespace {

using sextant::DistanceKernels;
using sextant::InstructionSet;
using sextant::Metric;
using sextant::VectorView;

volatile std::uint64_t g_sink;  // what the optimiser may not discard

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// ---- Loads without arithmetic

std::uint64_t or_words(const float* floats, std::size_t count) {
  std::uint32_t all = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t word = 0;
    std::memcpy(&word, floats + i, sizeof(word));
    all |= word;
  }
  return all;
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) std::uint64_t or_words_avx512(const float* floats, std::size_t count) {
  __m512i sums[4];
  for (auto& sum : sums) sum = _mm512_setzero_si512();
  for (std::size_t i = 0; i + 64 <= count; i += 64) {
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 4; ++r)
      sums[r] = _mm512_or_si512(sums[r], _mm512_loadu_si512(floats + i + 16 * r));
  }
  alignas(64) std::array<float, 64> last;
  for (std::size_t r = 0; r < 4; ++r) _mm512_store_si512(last.data() + 16 * r, sums[r]);
  return or_words(last.data(), last.size());
}

__attribute__((target("avx2"))) std::uint64_t or_words_avx2(const float* floats, std::size_t count) {
  const auto pointer = [](const float* at) { return reinterpret_cast<const __m256i*>(at); };
  __m256i sums[8];
  for (auto& sum : sums) sum = _mm256_setzero_si256();
  for (std::size_t i = 0; i + 64 <= count; i += 64) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < 8; ++r) {
      sums[r] = _mm256_or_si256(sums[r], _mm256_loadu_si256(pointer(floats + i + 8 * r)));
    }
  }
  alignas(32) std::array<float, 64> last;
  for (std::size_t r = 0; r < 8; ++r) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(last.data() + 8 * r), sums[r]);
  }
  return or_words(last.data(), last.size());
}
#endif

std::uint64_t bare_loop(const VectorView& view) {
  const std::size_t floats = view.count * view.stride;
  switch (sextant::distance_kernels().set) {
#if defined(__x86_64__)
    case InstructionSet::kAvx512:
      return or_words_avx512(view.base, floats);
    case InstructionSet::kAvx2:
      return or_words_avx2(view.base, floats);
#endif
    default:
      return or_words(view.base, floats);
  }
}

// ---- The scan beyond the caches

struct ScanResult {
  std::size_t dimension;
  std::string metric;
  double scan_gb_s, bare_gb_s;
  double share, lowest_share, highest_share;  // scan / bare
};

ScanResult measure_scan(const VectorView& view, Metric metric, std::size_t rounds) {
  const std::vector<float> query(view.base, view.base + view.dimension);
  const std::array<const float*, 1> queries = {query.data()};
  std::vector<double> scan;
  std::vector<double> bare;
  std::vector<double> shares;
  const double gigabytes = static_cast<double>(view.count * view.dimension * sizeof(float)) * 1e-9;
  for (std::size_t round = 0; round <= rounds; ++round) {
    const double scan_s = seconds_of([&] {
      std::vector<sextant::TopK> results(1, sextant::TopK(10));
      const sextant::FlatScan what{.metric = metric, .view = view};
      if (!sextant::flat_scan(sextant::RequestContext{}, what, queries, results)) std::abort();
      g_sink = results[0].take_sorted().front().row;
    });
    const double bare_s = seconds_of([&] { g_sink = bare_loop(view); });
    if (round == 0) continue;  // pages and clocks warm up
    scan.push_back(gigabytes / scan_s);
    bare.push_back(gigabytes / bare_s);
    shares.push_back(bare_s / scan_s);
  }
  const auto [lowest, highest] = std::minmax_element(shares.begin(), shares.end());
  return {view.dimension, metric == Metric::kL2 ? "l2" : "dot",
          median(scan),   median(bare),
          median(shares), *lowest,
          *highest};
}

std::vector<ScanResult> measure_scans(std::size_t bytes, std::size_t rounds) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::fprintf(stderr, "cannot map %zu bytes\n", bytes);
    std::exit(1);
  }
  auto* floats = static_cast<float*>(memory);
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < bytes / sizeof(float); ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    floats[i] = static_cast<float>(static_cast<std::int64_t>(state)) * 0x1p-63F;
  }
  std::vector<ScanResult> results;
  for (const std::size_t dimension : {128U, 384U, 768U}) {
    const VectorView view{.base = floats,
                          .stride = dimension,
                          .count = bytes / (dimension * sizeof(float)),
                          .dimension = dimension};
    for (const Metric metric : {Metric::kDot, Metric::kL2})
      results.push_back(measure_scan(view, metric, rounds));
  }
  munmap(memory, bytes);
  return results;
}

// ---- The kernels in cache

struct KernelResult {
  std::string kernels;
  std::string operation;
  double nanoseconds;   // a distance
  double times_scalar;  // this machine's scalar kernel
  double times_plain;   // sum += a[i] * b[i], compiled for any x86-64 or ARM
};

float plain_dot(const float* a, const float* b, std::size_t dimension) {
  float sum = 0.0F;
  for (std::size_t i = 0; i < dimension; ++i) sum += a[i] * b[i];
  return sum;
}

std::vector<KernelResult> measure_kernels(std::size_t rounds) {
  constexpr std::size_t kDimension = 768;
  constexpr std::size_t kRows = 8;
  constexpr std::size_t kRepeats = 20;  // well under a slice of the scheduler
  std::vector<float> floats((kRows + 1) * kDimension + 16);
  for (std::size_t i = 0; i < floats.size(); ++i) floats[i] = static_cast<float>(i % 97) * 0.01F;
  const float* query = floats.data();
  const float* rows = floats.data() + kDimension;

  struct Candidate {
    const DistanceKernels* kernels;  // null: the plain loop
    std::string operation;
    std::function<void(float*)> work;  // kRows distances
    std::vector<double> ns = {};
  };
  std::vector<Candidate> candidates;
  const auto one_by_one = [&](auto kernel) {
    return [=](float* out) {
      for (std::size_t r = 0; r < kRows; ++r) out[r] = kernel(query, rows + r * kDimension, kDimension);
    };
  };
  candidates.push_back({nullptr, "dot", one_by_one(plain_dot)});
  for (const DistanceKernels* k : sextant::available_distance_kernels()) {
    candidates.push_back({k, "dot", one_by_one(k->dot)});
    candidates.push_back({k, "l2_squared", one_by_one(k->l2_squared)});
    candidates.push_back({k, "cosine", one_by_one(k->cosine)});
    candidates.push_back(
        {k, "dot_rows", [=](float* out) { k->dot_rows(query, rows, kDimension, kRows, kDimension, out); }});
    candidates.push_back({k, "l2_squared_rows", [=](float* out) {
                            k->l2_squared_rows(query, rows, kDimension, kRows, kDimension, out);
                          }});
  }
  std::array<float, kRows> out;
  for (std::size_t round = 0; round <= rounds; ++round) {
    for (Candidate& candidate : candidates) {
      const double seconds = seconds_of([&] {
        for (std::size_t i = 0; i < kRepeats; ++i) {
          candidate.work(out.data());
          g_sink = static_cast<std::uint64_t>(out[i % kRows] > 0);
        }
      });
      if (round != 0) candidate.ns.push_back(seconds * 1e9 / (kRepeats * kRows));
    }
  }
  const double plain = median(candidates.front().ns);
  std::vector<KernelResult> results;
  for (const Candidate& candidate : candidates) {
    const double ns = median(candidate.ns);
    const auto scalar = std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& other) {
      return other.kernels != nullptr && other.kernels->set == InstructionSet::kScalar &&
             other.operation == candidate.operation;
    });
    results.push_back({candidate.kernels == nullptr
                           ? "plain loop"
                           : std::string(sextant::instruction_set_name(candidate.kernels->set)),
                       candidate.operation, ns, median(scalar->ns) / ns, plain / ns});
  }
  return results;
}

// ---- What is printed

std::string processor() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string line;
  std::string model = "unknown";
  std::string numbers;
  while (std::getline(cpuinfo, line) && !line.empty()) {
    const auto value = [&] { return line.substr(std::min(line.size(), line.find(':') + 2)); };
    if (line.starts_with("model name")) model = value();
    if (line.starts_with("cpu family")) numbers += " family " + value();
    if (line.starts_with("model\t")) numbers += " model " + value();
  }
  return model + numbers;
}

std::string compiler() {
#if defined(__clang__)
  return std::string("clang ") + __clang_version__;
#else
  return std::string("g++ ") + __VERSION__;
#endif
}

void print_json(const std::vector<ScanResult>& scans, const std::vector<KernelResult>& kernels, double gib) {
  std::printf(
      "{\"machine\": \"%s\", \"compiler\": \"%s\", \"flags\": \"%s\", \"kernels\": \"%s\", \"gib\": %g,\n",
      processor().c_str(), compiler().c_str(), SEXTANT_BUILD_FLAGS,
      std::string(instruction_set_name(sextant::distance_kernels().set)).c_str(), gib);
  std::printf(" \"scan\": [");
  const char* separator = "\n";
  for (const ScanResult& r : scans) {
    std::printf(
        "%s  {\"dimension\": %zu, \"metric\": \"%s\", \"scan_gb_s\": %.2f, \"bare_gb_s\": %.2f, "
        "\"share\": %.3f, \"lowest_share\": %.3f, \"highest_share\": %.3f}",
        separator, r.dimension, r.metric.c_str(), r.scan_gb_s, r.bare_gb_s, r.share, r.lowest_share,
        r.highest_share);
    separator = ",\n";
  }
  std::printf("],\n \"in_cache_768\": [");
  separator = "\n";
  for (const KernelResult& r : kernels) {
    std::printf(
        "%s  {\"kernels\": \"%s\", \"operation\": \"%s\", \"ns\": %.1f, \"times_scalar\": %.2f, "
        "\"times_plain\": %.2f}",
        separator, r.kernels.c_str(), r.operation.c_str(), r.nanoseconds, r.times_scalar, r.times_plain);
    separator = ",\n";
  }
  std::printf("]}\n");
}

void print_tables(const std::vector<ScanResult>& scans, const std::vector<KernelResult>& kernels,
                  double gib) {
  std::printf("%s; %s; %s\nkernels in use: %s; one pinned thread\n\n", processor().c_str(),
              compiler().c_str(), SEXTANT_BUILD_FLAGS,
              std::string(instruction_set_name(sextant::distance_kernels().set)).c_str());
  std::printf("Exact scan of %g GiB of float32, GB/s\n", gib);
  std::printf("%9s %6s %9s %9s %19s\n", "dimension", "metric", "flat_scan", "bare loop", "share (range)");
  for (const ScanResult& r : scans) {
    std::printf("%9zu %6s %9.2f %9.2f %6.1f %% (%.1f-%.1f)\n", r.dimension, r.metric.c_str(), r.scan_gb_s,
                r.bare_gb_s, 100 * r.share, 100 * r.lowest_share, 100 * r.highest_share);
  }
  std::printf("\nIn cache, 768 dimensions; the plain loop is sum += a[i] * b[i] for dot\n");
  std::printf("%-10s %-16s %12s %14s %18s\n", "kernels", "operation", "ns/distance", "x scalar kernel",
              "x plain loop");
  for (const KernelResult& r : kernels) {
    std::printf("%-10s %-16s %12.1f %14.1fx %17.1fx\n", r.kernels.c_str(), r.operation.c_str(), r.nanoseconds,
                r.times_scalar, r.times_plain);
  }
}

void pin_to_this_processor() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  sched_setaffinity(0, sizeof(set), &set);
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  double gib = 1;
  std::size_t rounds = 7;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--json") {
      json = true;
    } else if (option == "--gib" && i + 1 < argc && std::atof(argv[i + 1]) > 0) {
      gib = std::atof(argv[++i]);
    } else if (option == "--rounds" && i + 1 < argc && std::atoi(argv[i + 1]) > 0) {
      rounds = static_cast<std::size_t>(std::atoi(argv[++i]));
    } else {
      std::fprintf(stderr, "usage: scan_bench [--json] [--gib N] [--rounds N], N > 0\n");
      return 2;
    }
  }
  pin_to_this_processor();
  const auto kernels = measure_kernels(std::max<std::size_t>(rounds, 101));
  const auto scans = measure_scans(static_cast<std::size_t>(gib * 1024) * 1024 * 1024, rounds);
  (json ? print_json : print_tables)(scans, kernels, gib);
  return 0;
}
