// log_bench: how much of the disk's durable write bandwidth the commit log reaches.
//
// Groups of 1,000 vectors of 768 floats, already encoded, are appended and synced one by one; beside that, in
// turn with it, plain sequential writes of 4 MiB and of the group's size with fdatasync after each, to a file
// that grows and to one that was allocated before. The ways take turns piece by piece; shares are taken round
// by round.
//
//   log_bench [--dir DIRECTORY] [--megabytes 192] [--rounds 5] [--json]
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "measure.h"
#include "storage/file_log.h"

namespace sextant::bench {

namespace {

constexpr std::size_t kGroupVectorBytes = 1000UL * 768UL * sizeof(float);
constexpr std::size_t kGroupRecordBytes = 64UL << 10U;  // ids, texts and metadata of the thousand
constexpr std::size_t kGroupBytes = kGroupRecordBytes + kGroupVectorBytes;
constexpr std::size_t kChunkBytes = 4UL << 20U;

struct Setup {
  std::string directory = ".";
  std::size_t megabytes = 192;
  std::size_t rounds = 5;
  bool json = false;
};

std::string random_bytes(std::size_t size) {
  SeededRandom random(1);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

/// A directory of this run, removed with everything in it.
class Scratch {
 public:
  explicit Scratch(const std::string& parent) : path_(parent + "/log_bench_XXXXXX") {
    CHECK(::mkdtemp(path_.data()) != nullptr);
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// One way of writing durably. `write_one` makes the next piece durable before it returns.
class Way {
 public:
  Way(std::string name, std::size_t piece_bytes) : name_(std::move(name)), piece_bytes_(piece_bytes) {}
  virtual ~Way() = default;
  virtual void write_one() = 0;
  const std::string& name() const { return name_; }
  std::size_t piece_bytes() const { return piece_bytes_; }

 private:
  std::string name_;
  std::size_t piece_bytes_;
};

class PlainWay final : public Way {
 public:
  PlainWay(const std::string& directory, std::string name, std::string_view piece,
           std::size_t allocated_bytes)
      : Way(std::move(name), piece.size()), piece_(piece) {
    const std::string path = fmt::format("{}/plain_{}_{}", directory, piece.size(), allocated_bytes);
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    CHECK(file_ >= 0);
    if (allocated_bytes > 0) CHECK(::posix_fallocate(file_, 0, static_cast<off_t>(allocated_bytes)) == 0);
    CHECK(::fsync(file_) == 0);
  }
  ~PlainWay() override { ::close(file_); }
  PlainWay(const PlainWay&) = delete;
  PlainWay& operator=(const PlainWay&) = delete;

  void write_one() override {
    CHECK(::pwrite(file_, piece_.data(), piece_.size(), offset_) == static_cast<ssize_t>(piece_.size()));
    CHECK(::fdatasync(file_) == 0);
    offset_ += static_cast<off_t>(piece_.size());
  }

 private:
  std::string_view piece_;
  int file_ = -1;
  off_t offset_ = 0;
};

class LogWay final : public Way {
 public:
  LogWay(const std::string& directory, std::string_view bytes)
      : Way("groups of 1,000 x 768 float32 through the log, synced each", kGroupBytes),
        entry_{.record = bytes.substr(0, kGroupRecordBytes),
               .vectors = bytes.substr(kGroupRecordBytes, kGroupVectorBytes)} {
    const std::string path = directory + "/log";
    CHECK(posix_file_system().make_directory(path).has_value());
    auto log = open_file_log(posix_file_system(), system_random(), path, {.database_id = "0123456789abcdef"},
                             nullptr);
    CHECK(log.has_value());
    log_ = *std::move(log);
  }
  void write_one() override {
    CHECK(log_->append({&entry_, 1}).has_value());
    CHECK(log_->sync().has_value());
  }

 private:
  LogEntry entry_;
  std::unique_ptr<CommitLog> log_;
};

Setup parse(int argc, char** argv) {
  Setup setup;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const auto text = [&] { return i + 1 < argc ? argv[++i] : ""; };
    if (flag == "--json") {
      setup.json = true;
    } else if (flag == "--dir") {
      setup.directory = text();
    } else if (flag == "--megabytes") {
      setup.megabytes = std::strtoul(text(), nullptr, 10);
    } else if (flag == "--rounds") {
      setup.rounds = std::strtoul(text(), nullptr, 10);
    } else {
      std::fputs("usage: log_bench [--dir DIRECTORY] [--megabytes N] [--rounds N] [--json]\n", stderr);
      std::exit(2);
    }
  }
  if (setup.megabytes < 8 || setup.rounds == 0) {
    std::fputs("--megabytes must be at least 8, --rounds at least 1\n", stderr);
    std::exit(2);
  }
  return setup;
}

struct Round {
  std::vector<double> mb_per_s;  // of each way
  std::vector<double> cpu_ms_per_mb;
};

// The ways take turns piece by piece: what else the disk has to do meets all of them alike.
Round run_round(const Setup& setup, std::string_view bytes, std::vector<std::string>& names) {
  const Scratch scratch(setup.directory);
  const std::size_t pieces = setup.megabytes * 1'000'000 / kChunkBytes;
  std::vector<std::unique_ptr<Way>> ways;
  const auto plain = [&](const char* name, std::size_t piece, std::size_t allocated) {
    ways.push_back(std::make_unique<PlainWay>(scratch.path(), name, bytes.substr(0, piece), allocated));
  };
  plain("4 MiB writes, growing file", kChunkBytes, 0);
  plain("4 MiB writes, allocated file", kChunkBytes, pieces * kChunkBytes);
  plain("writes of a group's size, growing file", kGroupBytes, 0);
  ways.push_back(std::make_unique<LogWay>(scratch.path(), bytes));

  std::vector<Metrics> totals(ways.size());
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const Metrics metrics = measure_operation([&] { ways[i]->write_one(); });
      totals[i].wall_s += metrics.wall_s;
      totals[i].cpu_s += metrics.cpu_s;
    }
  }
  Round round;
  names.clear();
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const double megabytes = static_cast<double>(pieces * ways[i]->piece_bytes()) / 1e6;
    round.mb_per_s.push_back(megabytes / totals[i].wall_s);
    round.cpu_ms_per_mb.push_back(1e3 * totals[i].cpu_s / megabytes);
    names.push_back(ways[i]->name());
  }
  return round;
}

void run(const Setup& setup) {
  const std::string bytes = random_bytes(kChunkBytes);
  std::vector<std::string> names;
  std::vector<Round> rounds;
  for (std::size_t i = 0; i < setup.rounds; ++i) rounds.push_back(run_round(setup, bytes, names));

  Report report(
      fmt::format("The commit log beside plain durable writes, {} MB a round and way", setup.megabytes));
  for (std::size_t way = 0; way < names.size(); ++way) {
    std::vector<double> mb_per_s;
    std::vector<double> cpu;
    for (const Round& round : rounds) {
      mb_per_s.push_back(round.mb_per_s[way]);
      cpu.push_back(round.cpu_ms_per_mb[way]);
    }
    report.add(names[way], spread_of(mb_per_s), "MB/s");
    report.add(names[way] + ": CPU", spread_of(cpu), "ms/MB");
  }
  for (std::size_t plain = 0; plain + 1 < names.size(); ++plain) {
    std::vector<double> share;
    for (const Round& round : rounds) share.push_back(100 * round.mb_per_s.back() / round.mb_per_s[plain]);
    report.add("the log's share of: " + names[plain], spread_of(share), "%");
  }
  report.print(setup.json);
}

}  // namespace

}  // namespace sextant::bench

int main(int argc, char** argv) {
  sextant::bench::run(sextant::bench::parse(argc, argv));
  return 0;
}
