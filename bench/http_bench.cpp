// http_bench: what the server adds to the engine. Search over HTTP beside the same search in process, and
// ingest by batch, all in one process on loopback, alternating, with the load generator on the same cores.
//
//   http_bench [--rows 117659] [--dimension 384] [--rounds 5] [--part search|rate|ingest] [--json]
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <thread>

#include "base/bytes.h"
#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "engine/testing/scratch_directory.h"
#include "measure.h"
#include "providers/native_database.h"
#include "server/server.h"
#include "service/service.h"

namespace sextant::bench {

namespace {

using Clock = std::chrono::steady_clock;

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// A keep-alive connection that sends a prepared request and reads one answer.
class Connection {
 public:
  explicit Connection(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10)));
    inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  ~Connection() { close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The status of the answer.
  int ask(const std::string& request) {
    for (std::size_t sent = 0; sent < request.size();) {
      const ssize_t n = send(socket_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
      CHECK(n > 0);
      sent += static_cast<std::size_t>(n);
    }
    answer_.clear();
    std::size_t body = std::string::npos;
    std::size_t length = 0;
    while (body == std::string::npos || answer_.size() < body + length) {
      char buffer[65536];
      const ssize_t n = recv(socket_, buffer, sizeof(buffer), 0);
      CHECK(n > 0);
      answer_.append(buffer, static_cast<std::size_t>(n));
      if (body == std::string::npos && (body = answer_.find("\r\n\r\n")) != std::string::npos) {
        body += 4;
        const std::size_t at = answer_.find("Content-Length: ");
        CHECK(at != std::string::npos);
        length = std::strtoul(answer_.c_str() + at + 16, nullptr, 10);
      }
    }
    return static_cast<int>(std::strtol(answer_.c_str() + 9, nullptr, 10));
  }

 private:
  int socket_ = -1;
  std::string answer_;
};

std::string post(const std::string& path, const std::string& body) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
      path, body.size(), body);
}

std::vector<float> random_vector(SeededRandom& random, std::size_t dimension) {
  std::vector<float> v(dimension);
  for (float& x : v) x = static_cast<float>(random.unit() - 0.5);
  return v;
}

std::string json_vector(const std::vector<float>& v) {
  std::string text = "[";
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (i != 0) text.push_back(',');
    append_json_float(text, v[i]);
  }
  return text + "]";
}

std::string base64_vector(const std::vector<float>& v) {
  return "\"" + to_base64({reinterpret_cast<const char*>(v.data()), v.size() * sizeof(float)}) + "\"";
}

struct Setup {
  std::size_t rows = 117'659;
  std::size_t dimension = 384;
  std::size_t rounds = 5;
  std::string part;  // empty: all
  bool json = false;

  bool has(std::string_view name) const { return part.empty() || part == name; }
};

void fill(Service& service, const std::string& name, std::size_t rows, std::size_t dimension) {
  SeededRandom random(1);
  LibrarySpec spec;
  spec.name = name;
  CHECK(service.create_library({}, spec, {}).has_value());
  for (std::size_t done = 0; done < rows;) {
    WriteRequest request;
    request.durability = Durability::kFlushed;
    for (std::size_t i = 0; i < 1000 && done < rows; ++i, ++done) {
      UpsertDocument document;
      document.library = name;
      document.document.id = fmt::format("d{}", done);
      ChunkInput chunk;
      chunk.text = "A chunk of a document that is as long as a short sentence.";
      chunk.vector = random_vector(random, dimension);
      document.document.chunks.push_back(std::move(chunk));
      request.transactions.push_back({{std::move(document)}, {}});
    }
    CHECK(service.write({}, std::move(request)).has_value());
  }
}

// Median microseconds of `count` calls, for each of `rounds`, the two ways alternating.
void compare_search(Report& report, Service& service, const std::string& address, const std::string& library,
                    const Setup& setup) {
  SeededRandom random(2);
  Connection connection(address);
  std::vector<double> in_process;
  std::vector<double> over_http;
  std::vector<double> added;
  const std::size_t count = 200;
  for (std::size_t round = 0; round < setup.rounds; ++round) {
    std::vector<double> direct;
    std::vector<double> http;
    for (std::size_t i = 0; i < count; ++i) {
      const std::vector<float> vector = random_vector(random, setup.dimension);
      TableQuery query;
      query.query.vector = vector;
      const std::string request =
          post("/v1/libraries/" + library + "/search", "{\"vector\":" + json_vector(vector) + ",\"k\":10}");
      const auto ask_directly = [&] {
        const auto start = Clock::now();
        CHECK(service.search({}, library, {query}).has_value());
        direct.push_back(us_since(start));
      };
      const auto ask_over_http = [&] {
        const auto start = Clock::now();
        CHECK(connection.ask(request) == 200);
        http.push_back(us_since(start));
      };
      // Either goes first as often: the second finds the caches as the first left them.
      if (i % 2 == 0) {
        ask_directly();
        ask_over_http();
      } else {
        ask_over_http();
        ask_directly();
      }
    }
    in_process.push_back(percentile(direct, 0.5));
    over_http.push_back(percentile(http, 0.5));
    added.push_back(over_http.back() - in_process.back());
  }
  report.add(library + ": search in process, p50", spread_of(in_process), "us");
  report.add(library + ": search over HTTP, one client, p50", spread_of(over_http), "us");
  report.add(library + ": added by HTTP, p50", spread_of(added), "us");
}

void measure_rate(Report& report, const std::string& address, const std::string& library,
                  const Setup& setup) {
  for (const bool base64 : {false, true}) {
    SeededRandom random(3);
    const std::vector<float> vector = random_vector(random, setup.dimension);
    const std::string request =
        post("/v1/libraries/" + library + "/search",
             "{\"vector\":" + (base64 ? base64_vector(vector) : json_vector(vector)) + ",\"k\":10}");
    std::vector<double> rates;
    for (std::size_t round = 0; round < setup.rounds; ++round) {
      std::atomic<std::uint64_t> done{0};
      const auto start = Clock::now();
      std::vector<std::thread> clients;
      for (int c = 0; c < 16; ++c) {
        clients.emplace_back([&] {
          Connection connection(address);
          while (us_since(start) < 2e6) {
            CHECK(connection.ask(request) == 200);
            ++done;
          }
        });
      }
      for (std::thread& client : clients) client.join();
      rates.push_back(static_cast<double>(done) / (us_since(start) / 1e6));
    }
    report.add(fmt::format("{}: requests/s, 16 clients, vector as {}", library, base64 ? "base64" : "JSON"),
               spread_of(rates), "/s");
  }
}

double thread_cpu_s() {
  timespec now{};
  CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

constexpr std::size_t kIngestBatch = 1000;
constexpr std::size_t kIngestDimension = 768;

/// Requests of a batch each. Bodies are made before the clock starts.
std::vector<std::string> ingest_requests(SeededRandom& random, std::string_view ids, bool base64) {
  std::vector<std::string> requests;
  for (std::size_t batch = 0; batch < 4; ++batch) {
    std::string body = "{\"documents\":[";
    for (std::size_t i = 0; i < kIngestBatch; ++i) {
      const std::vector<float> vector = random_vector(random, kIngestDimension);
      body +=
          fmt::format("{}{{\"id\":\"{}-{}-{}\",\"chunks\":[{{\"text\":\"short\",\"vector\":{}}}]}}",
                      i == 0 ? "" : ",", ids, batch, i, base64 ? base64_vector(vector) : json_vector(vector));
    }
    requests.push_back(post("/v1/libraries/ingest/documents", body + "]}"));
  }
  return requests;
}

// The client's thread is this one: what it used is told apart from what the server did.
void measure_ingest(Report& report, const std::string& address, const Setup& setup) {
  SeededRandom random(4);
  Connection connection(address);
  CHECK(connection.ask(post("/v1/libraries", "{\"name\":\"ingest\"}")) == 201);
  for (const bool fresh : {true, false}) {
    for (const bool base64 : {true, false}) {
      std::vector<double> per_wall;
      std::vector<double> per_server_cpu;
      std::vector<double> per_cpu;
      std::vector<Metrics> runs;
      for (std::size_t round = 0; round < setup.rounds; ++round) {
        const std::string ids = fresh ? fmt::format("{}{}", base64 ? "b" : "j", round) : "b0";
        const std::vector<std::string> requests = ingest_requests(random, ids, base64);
        double client_cpu_s = 0;
        runs.push_back(measure_operation([&] {
          const double before = thread_cpu_s();
          for (const std::string& request : requests) CHECK(connection.ask(request) == 200);
          client_cpu_s = thread_cpu_s() - before;
        }));
        const double megabytes =
            static_cast<double>(requests.size()) * kIngestBatch * kIngestDimension * sizeof(float) / 1e6;
        per_wall.push_back(megabytes / runs.back().wall_s);
        per_cpu.push_back(megabytes / runs.back().cpu_s);
        per_server_cpu.push_back(megabytes / (runs.back().cpu_s - client_cpu_s));
      }
      const std::string name = fmt::format("ingest 1,000 x 768, {}, {} documents", base64 ? "base64" : "JSON",
                                           fresh ? "new" : "replaced");
      report.add(name + ": by wall time", spread_of(per_wall), "MB/s");
      report.add(name + ": by the server's CPU time", spread_of(per_server_cpu), "MB/s a core");
      report.add(name + ": by all CPU time", spread_of(per_cpu), "MB/s a core");
      report.add_metrics(name, runs);
    }
  }
}

Setup parse(int argc, char** argv) {
  Setup setup;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::strtoul(argv[++i], nullptr, 10) : 0UL; };
    if (flag == "--json")
      setup.json = true;
    else if (flag == "--rows")
      setup.rows = number();
    else if (flag == "--dimension")
      setup.dimension = number();
    else if (flag == "--rounds")
      setup.rounds = number();
    else if (flag == "--part")
      setup.part = i + 1 < argc ? argv[++i] : "";
    else {
      std::fputs("usage: http_bench [--rows N] [--dimension N] [--rounds N] [--part P] [--json]\n", stderr);
      std::exit(2);
    }
  }
  return setup;
}

void run(const Setup& setup) {
  configure_logging(LogLevel::kOff, LogFormat::kJson);
  const ScratchDirectory directory;
  auto database = Database::open(directory.path() + "/db", {});
  CHECK(database.has_value());
  Service service(std::make_shared<NativeDatabase>(*std::move(database)), nullptr, {});
  ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.access_log = false;
  auto server = Server::start(service, options);
  CHECK(server.has_value());
  const std::string address = (*server)->address();
  Report report(fmt::format("HTTP beside the engine, {} dimensions", setup.dimension));
  fill(service, "small", 1000, setup.dimension);
  if (setup.has("search")) {
    fill(service, "large", setup.rows, setup.dimension);
    compare_search(report, service, address, "small", setup);
    compare_search(report, service, address, "large", setup);
  }
  if (setup.has("rate")) measure_rate(report, address, "small", setup);
  if (setup.has("ingest")) measure_ingest(report, address, setup);
  (*server)->stop(1000);
  CHECK(service.close().has_value());
  report.print(setup.json);
}

}  // namespace

}  // namespace sextant::bench

int main(int argc, char** argv) {
  sextant::bench::run(sextant::bench::parse(argc, argv));
  return 0;
}
