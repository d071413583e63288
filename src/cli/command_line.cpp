// sextant: one binary for the server and for talking to one.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/version.h"
#include "kernels/distance.h"

namespace sextant {

int report(const Error& error) {
  std::fputs(fmt::format("sextant: {}{}{}\n", error.message,
                         error.field.empty() ? "" : " (field " + error.field + ")",
                         error.cause ? "; " + error.cause->to_string() : "")
                 .c_str(),
             stderr);
  return kExitFailure;
}

void add_server_options(CLI::App& command, ServerAddress& address) {
  command.add_option("--server", address.url, "where the server listens")
      ->envname("SEXTANT_SERVER")
      ->capture_default_str();
  command.add_option("--api-key", address.api_key, "its API key, if it wants one")
      ->envname("SEXTANT_API_KEY");
}

void add_version(CLI::App& app, int& status) {
  static bool json = false;
  CLI::App* command = app.add_subcommand("version", "print the version");
  command->add_flag("--json", json, "print JSON");
  command->callback([&status] {
    Json out = Json::object();
    out.set("version", Json(kVersion)).set("format", Json(std::int64_t{kFormatVersion}));
    out.set("kernels", Json(instruction_set_name(distance_kernels().set)));
    const std::string text = fmt::format("sextant {} (database format {}, {} kernels)", kVersion,
                                         kFormatVersion, instruction_set_name(distance_kernels().set));
    std::puts((json ? out.to_string() : text).c_str());
    status = 0;
  });
}

namespace {

int parse_and_run(int argc, char** argv) {
  CLI::App app("Sextant: a vector database. One binary, one directory; text in, answers out.", "sextant");
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "the help of all subcommands");
  int status = 0;
  add_serve(app, status);
  add_load(app, status);
  add_search(app, status);
  add_libraries(app, status);
  add_version(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  return status;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::fputs(fmt::format("sextant: {}\n", error.what()).c_str(), stderr);
    return kExitFailure;
  }
}

}  // namespace sextant
