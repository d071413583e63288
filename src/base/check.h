// CHECK: for our own mistakes only, always on. Never reachable from a user's or a disk's bytes.
#pragma once

namespace sextant {

/// Prints file, line and condition to stderr and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition);

}  // namespace sextant

#define CHECK(condition)                                       \
  do {                                                         \
    if (!(condition)) [[unlikely]] {                           \
      ::sextant::check_failed(__FILE__, __LINE__, #condition); \
    }                                                          \
  } while (false)
