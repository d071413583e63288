// The encoder's kernels of each instruction set this build has, for encoder_kernels.cpp to choose from.
#pragma once

#include "providers/local/encoder_kernels.h"

namespace sextant {

extern const EncoderKernels kPortableEncoderKernels;
#if defined(__x86_64__)
extern const EncoderKernels kAvx2EncoderKernels;
extern const EncoderKernels kAvx512EncoderKernels;
#endif

}  // namespace sextant
