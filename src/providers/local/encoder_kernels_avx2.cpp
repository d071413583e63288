#include <cstddef>
#include <cstdint>

namespace sextant {
namespace {
constexpr std::size_t kVectorFloats = 8;
}
}  // namespace sextant

#include "providers/local/encoder_loops.h"

namespace sextant {
const EncoderKernels kAvx2EncoderKernels = make_table(InstructionSet::kAvx2);
}
