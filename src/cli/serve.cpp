// sextant serve: opens the database, starts the server, and leaves in order on SIGTERM or SIGINT.
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "base/fault_point.h"
#include "cli/commands.h"
#include "cli/serve_settings.h"
#include "cli/version.h"
#include "engine/database.h"
#include "providers/embedder.h"
#include "providers/native_database.h"
#include "server/server.h"
#include "service/service.h"

namespace sextant {

namespace {

constexpr int kPoisonedGraceMs = 2'000;

std::atomic<bool> g_poisoned{false};

// Signals are taken by the main thread alone, from sigwait; threads started later inherit the mask.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

Result<std::shared_ptr<Embedder>> open_embedder(const ServeSettings& settings) {
  if (settings.embedder == "none") return std::shared_ptr<Embedder>();
  TRY_ASSIGN(auto embedder, make_embedder(settings.embedder, settings.embedder_settings));
  log_info("embedder_ready", {{"provider", Json(embedder->provider())},
                              {"model", Json(embedder->model_name())},
                              {"dimension", Json(static_cast<std::uint64_t>(embedder->dimension()))},
                              {"lexical_only", embedder->lexical_only()}});
  return std::shared_ptr<Embedder>(std::move(embedder));
}

Result<std::unique_ptr<Database>> open_native(const ServeSettings& settings) {
  DatabaseOptions options;
  options.endpoint = settings.listen;
  options.lane.on_stop = [](const Error& error) {
    log_failure("store_poisoned", {{"error", error.to_string()}});
    g_poisoned = true;
    kill(getpid(), SIGTERM);
  };
  options.on_recovery_progress = [](Sequence at, Sequence last) {
    log_info("recovering", {{"sequence", Json(at)}, {"last_sequence", Json(last)}});
  };
  TRY_ASSIGN(auto database, Database::open(settings.data, std::move(options)));
  const RecoveryReport& report = database->recovery();
  log_info("database_open", {{"directory", settings.data},
                             {"sequence", Json(report.last_sequence)},
                             {"log_bytes_cut", Json(report.log_bytes_cut)},
                             {"duration_ms", report.duration_ms}});
  return database;
}

Result<int> serve(const ServeFlags& flags) {
  std::string config;
  if (flags.config) {
    TRY_ASSIGN(config, read_file(posix_file_system(), *flags.config));
  }
  TRY_ASSIGN(const ServeSettings settings, resolve_settings(flags, config));
  configure_logging(settings.log_level, settings.log_format);
  TRY(arm_faults_from_environment());
  const sigset_t signals = block_signals();

  ServerOptions options;
  options.listen = settings.listen;
  for (const std::string& key : settings.api_keys) options.api_keys.push_back({"api", key});
  options.http.io_threads = settings.io_threads;
  options.http.read_threads = settings.worker_threads;
  TRY(Server::check(options));
  TRY_ASSIGN(auto native, open_native(settings));
  Database& database = *native;
  TRY_ASSIGN(auto embedder, open_embedder(settings));

  ServiceOptions service_options;
  service_options.limits = settings.limits;
  Service service(std::make_shared<NativeDatabase>(std::move(native)), std::move(embedder), service_options);
  TRY_ASSIGN(auto server, Server::start(service, options));
  TRY(database.announce(server->address()));
  log_info("server_ready",
           {{"address", server->address()}, {"version", kVersion}, {"pid", std::int64_t{getpid()}}});

  int signal = 0;
  sigwait(&signals, &signal);
  const bool poisoned = g_poisoned;
  log_info("server_stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}, {"poisoned", poisoned}});
  server->stop(poisoned ? kPoisonedGraceMs : settings.stop_grace_ms);
  // What cannot be trusted must not be written back: recovery starts from what is on the device. The requests
  // that ended while the server stopped may have shown it, and so may what closing still writes.
  if (g_poisoned) _exit(kExitPoisoned);
  const Status closed = service.close();
  if (g_poisoned) _exit(kExitPoisoned);
  TRY(closed);
  log_info("server_stopped");
  return 0;
}

}  // namespace

void add_serve(CLI::App& app, int& status) {
  static ServeFlags flags;
  CLI::App* command = app.add_subcommand("serve", "serve a database directory over HTTP");
  command->add_option("--data", flags.data, "the database directory; created when absent")
      ->envname("SEXTANT_DATA");
  command->add_option("--listen", flags.listen, "HOST:PORT (default 127.0.0.1:7878; port 0: any free one)")
      ->envname("SEXTANT_LISTEN");
  command->add_option("--config", flags.config, "a JSON file of settings; flags and environment go before it")
      ->envname("SEXTANT_CONFIG");
  command->add_option("--api-key", flags.api_key, "clients must send it; needed to listen beyond loopback")
      ->envname("SEXTANT_API_KEY");
  command
      ->add_option("--embedder", flags.embedder,
                   "local (by meaning), hashed (words only) or none (default local)")
      ->envname("SEXTANT_EMBEDDER");
  command->add_option("--model-dir", flags.model_dir, "the local embedder's model, as published")
      ->envname("SEXTANT_MODEL_DIR");
  command->add_option("--log-level", flags.log_level, "debug, info, warning, error or off (default info)")
      ->envname("SEXTANT_LOG_LEVEL");
  command->add_option("--log-format", flags.log_format, "json or text (default json)")
      ->envname("SEXTANT_LOG_FORMAT");
  command->callback([&status] {
    auto result = serve(flags);
    status = result ? *result : report(result.error());
  });
}

}  // namespace sextant
