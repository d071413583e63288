// The encoder's work between the matrix products of its linear layers: layer norms and attention.
//
// One table an instruction set, chosen as the distance kernels are (SEXTANT_KERNELS included). Unlike those,
// results differ between instruction sets in the last bits: embedding happens before the log, so nothing
// depends on them. Pointers need no alignment. Any thread may call.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/distance.h"

namespace sextant {

struct LayerNorm {
  const float* gain;
  const float* shift;
  float epsilon;
};

/// One text's part of a batch.
struct AttentionShape {
  std::size_t tokens;
  std::size_t heads;
  std::size_t head_width;
};

struct EncoderKernels {
  InstructionSet set;
  /// Normalises each of `rows` rows of `width` floats in place to mean 0 and variance 1, then scales and
  /// shifts.
  void (*layer_norm)(float* rows, std::size_t count, std::size_t width, const LayerNorm& norm);
  /// Softmax attention of a text with itself. `projected` has a row a token: its queries, then keys, then
  /// values, each heads * head_width floats, head by head; queries come scaled. `context` gets heads *
  /// head_width floats a token. `scratch` has attention_scratch_floats(shape).
  void (*attention)(const AttentionShape& shape, const float* projected, float* context, float* scratch);
};

std::size_t attention_scratch_floats(const AttentionShape& shape);

/// The kernels in use.
const EncoderKernels& encoder_kernels();
/// What can run on this machine, slowest first; kScalar always.
std::span<const EncoderKernels* const> available_encoder_kernels();

}  // namespace sextant
