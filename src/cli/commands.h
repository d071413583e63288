// The subcommands of `sextant`. Each add_... declares one and arranges that it runs when it was chosen; its
// exit status goes to `status`.
#pragma once

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "cli/api_client.h"

namespace sextant {

// Exit statuses besides 0.
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitPoisoned =
    75;  // the store could not be trusted with writes any more; start again to recover

/// The whole program but for main(); never throws.
int run_command_line(int argc, char** argv);

void add_serve(CLI::App& app, int& status);
void add_load(CLI::App& app, int& status);
void add_search(CLI::App& app, int& status);
void add_libraries(CLI::App& app, int& status);
void add_version(CLI::App& app, int& status);

/// --server and --api-key of the commands that talk to a server.
void add_server_options(CLI::App& command, ServerAddress& address);
/// Prints "sextant: ..." to stderr and returns kExitFailure.
int report(const Error& error);

}  // namespace sextant
