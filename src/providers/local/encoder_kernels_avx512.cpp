#include <cstddef>
#include <cstdint>

namespace sextant {
namespace {
constexpr std::size_t kVectorFloats = 16;
}
}  // namespace sextant

#include "providers/local/encoder_loops.h"

namespace sextant {
const EncoderKernels kAvx512EncoderKernels = make_table(InstructionSet::kAvx512);
}
