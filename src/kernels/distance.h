// Distances between float32 vectors, by the best instruction set of the machine, bit-identical on all of
// them.
//
// The lane rule: with L = kLanes, element i is accumulated into lane i mod L by one fused multiply-add
// (lane = fma(x, y, lane); for l2, x = y = the rounded difference); lanes start at +0; the last, partial
// stripe is padded with zeros to L elements; the lanes are folded by halving: lane j += lane j + L/2, then
// L/4, ... down to 1. Nothing else is contracted or reordered, denormals are kept. So scalar, AVX2, AVX-512
// and NEON give equal bits, which is what makes replicas, exact search and graph construction deterministic.
// (A sum that overflows to NaN is NaN on all of them; the bits of a NaN are the processor's.)
//
// Pointers need no alignment; rows of a store are 64-byte aligned, which is faster. Nothing outside the
// vectors is read. Any thread may call. Nothing here fails.
#pragma once

#include <span>
#include <string_view>

#include "kernels/distance_table.h"

namespace sextant {

/// "scalar", "avx2", "avx512" or "neon".
std::string_view instruction_set_name(InstructionSet set);

/// The kernels in use: the best this machine has, or what SEXTANT_KERNELS (one of the names above) asks for
/// if the machine has it; any other value of the variable is ignored. Chosen once.
const DistanceKernels& distance_kernels();

/// What can run here, slowest first; the scalar kernels always. Static lifetime.
std::span<const DistanceKernels* const> available_distance_kernels();

}  // namespace sextant
