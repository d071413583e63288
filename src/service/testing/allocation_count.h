// Counts what operator new hands out, in a test program that links allocation_count.cpp.
#pragma once

#include <cstddef>

namespace sextant {

/// Allocations of the calling thread so far.
std::size_t allocation_count();

}  // namespace sextant
