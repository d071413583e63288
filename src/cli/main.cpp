#include "cli/commands.h"

int main(int argc, char** argv) { return sextant::run_command_line(argc, argv); }
