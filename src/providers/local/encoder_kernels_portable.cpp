// What every processor of the architecture can do: SSE2 on x86-64, NEON on 64-bit ARM.
#include <cstddef>
#include <cstdint>

namespace sextant {
namespace {
constexpr std::size_t kVectorFloats = 4;
}
}  // namespace sextant

#include "providers/local/encoder_loops.h"

namespace sextant {
const EncoderKernels kPortableEncoderKernels = make_table(InstructionSet::kScalar);
}
