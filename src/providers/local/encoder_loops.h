// The encoder's kernels, written once over the compiler's vector types; each instruction set's file includes
// this with kVectorFloats set to what one of its registers holds.
//
// Everything is in an unnamed namespace and calls nothing inline from elsewhere, so no code built for one
// processor can be linked in place of another's. Exponential: argument reduction to [-ln 2 / 2, ln 2 / 2],
// then the Taylor polynomial of degree 6 (error below 2 units in the last place of a float).
#pragma once

#include <utility>

#include "providers/local/encoder_kernels.h"
#include "providers/local/encoder_kernels_table.h"

namespace sextant {
namespace {

constexpr std::size_t kRowsAtOnce = 4;
// Four rows of accumulators, the operands they are made of, and no spilling: 32 registers with AVX-512, 16
// else.
constexpr std::size_t kVectorsAtOnce = kVectorFloats == 16 ? 4 : 2;

typedef float Vector __attribute__((vector_size(kVectorFloats * sizeof(float))));
typedef std::int32_t IntVector __attribute__((vector_size(kVectorFloats * sizeof(float))));

inline std::size_t round_up(std::size_t n) { return (n + kVectorFloats - 1) / kVectorFloats * kVectorFloats; }

inline Vector load(const float* from) {
  Vector v;
  __builtin_memcpy(&v, from, sizeof(v));
  return v;
}
inline void store(float* to, Vector v) { __builtin_memcpy(to, &v, sizeof(v)); }
inline Vector splat(float x) { return x - Vector{}; }
inline Vector larger(Vector a, Vector b) { return a > b ? a : b; }

inline void scale_into(float* to, const float* from, std::size_t count, float factor) {
  std::size_t i = 0;
  for (; i + kVectorFloats <= count; i += kVectorFloats) store(to + i, load(from + i) * factor);
  for (; i < count; ++i) to[i] = from[i] * factor;
}

/// v with its elements moved down by `Distance`, those that leave coming in at the top.
template <std::size_t Distance, std::size_t... I>
inline Vector rotate(Vector v, std::index_sequence<I...>) {
  return __builtin_shufflevector(v, v, static_cast<int>((I + Distance) % kVectorFloats)...);
}
template <std::size_t Distance = kVectorFloats / 2>
inline float sum_of(Vector v) {
  v += rotate<Distance>(v, std::make_index_sequence<kVectorFloats>());
  if constexpr (Distance > 1) return sum_of<Distance / 2>(v);
  return v[0];
}
template <std::size_t Distance = kVectorFloats / 2>
inline float largest_of(Vector v) {
  v = larger(v, rotate<Distance>(v, std::make_index_sequence<kVectorFloats>()));
  if constexpr (Distance > 1) return largest_of<Distance / 2>(v);
  return v[0];
}

/// e^x for x <= 0; below the smallest normal number it is that number.
inline Vector exponential(Vector x) {
  constexpr float kSmallest = -87.3F;
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;  // few bits, so that a small integer times it is exact
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it leaves no room for a fraction
  constexpr int kExponentShift = 23;
  x = larger(x, splat(kSmallest));
  const Vector shifted = x * kLog2E + kRound;
  const Vector n = shifted - kRound;
  const Vector r = (x - n * kLn2High) - n * kLn2Low;
  Vector p = splat(1.0F / 720);
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const IntVector scaled =
      reinterpret_cast<IntVector>(p) + (__builtin_convertvector(n, IntVector) << kExponentShift);
  return reinterpret_cast<Vector>(scaled);
}

/// out[r][c] = sum over k of a[r][k] * b[k][c], for kRowsAtOnce rows and V vectors of columns.
template <std::size_t V>
inline void multiply_columns(const float* const (&a)[kRowsAtOnce], std::size_t depth, const float* b,
                             std::size_t columns, float* out) {
  Vector sums[kRowsAtOnce][V] = {};
  for (std::size_t k = 0; k < depth; ++k) {
    Vector row[V];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < V; ++v) row[v] = load(b + k * columns + v * kVectorFloats);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < kRowsAtOnce; ++r) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < V; ++v) sums[r][v] += a[r][k] * row[v];
    }
  }
#pragma GCC unroll 4
  for (std::size_t r = 0; r < kRowsAtOnce; ++r) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < V; ++v) store(out + r * columns + v * kVectorFloats, sums[r][v]);
  }
}

/// The same for any number of columns that fills whole vectors. b: [depth, columns]; out: [kRowsAtOnce,
/// columns].
template <std::size_t V = kVectorsAtOnce>
inline void multiply(const float* const (&a)[kRowsAtOnce], std::size_t depth, const float* b,
                     std::size_t columns, float* out, std::size_t first = 0) {
  for (; first + V * kVectorFloats <= columns; first += V * kVectorFloats) {
    multiply_columns<V>(a, depth, b + first, columns, out + first);
  }
  if constexpr (V > 1) multiply<V / 2>(a, depth, b, columns, out, first);
}

/// Scores to weights that still want dividing by their sum, which is returned. Scores at and behind `count`
/// are padding.
inline float soften(float* scores, std::size_t count, std::size_t padded) {
  constexpr float kNone = -1e30F;
  for (std::size_t i = count; i < padded; ++i) scores[i] = kNone;
  Vector largest = load(scores);
  for (std::size_t i = kVectorFloats; i < padded; i += kVectorFloats)
    largest = larger(largest, load(scores + i));
  const float top = largest_of(largest);
  Vector sum = {};
  for (std::size_t i = 0; i < padded; i += kVectorFloats) {
    const Vector weight = exponential(load(scores + i) - top);
    store(scores + i, weight);
    sum += weight;
  }
  return sum_of(sum);
}

void layer_norm(float* rows, std::size_t count, std::size_t width, const LayerNorm& norm) {
  const std::size_t whole = width / kVectorFloats * kVectorFloats;
  const float scale = 1.0F / static_cast<float>(width);
  for (float* row = rows; row != rows + count * width; row += width) {
    Vector sums = {};
    for (std::size_t i = 0; i < whole; i += kVectorFloats) sums += load(row + i);
    float sum = sum_of(sums);
    for (std::size_t i = whole; i < width; ++i) sum += row[i];
    const float mean = sum * scale;

    Vector squares = {};
    for (std::size_t i = 0; i < whole; i += kVectorFloats) {
      const Vector d = load(row + i) - mean;
      squares += d * d;
    }
    float square = sum_of(squares);
    for (std::size_t i = whole; i < width; ++i) square += (row[i] - mean) * (row[i] - mean);
    const float factor = 1.0F / __builtin_sqrtf(square * scale + norm.epsilon);

    for (std::size_t i = 0; i < whole; i += kVectorFloats) {
      store(row + i, (load(row + i) - mean) * factor * load(norm.gain + i) + load(norm.shift + i));
    }
    for (std::size_t i = whole; i < width; ++i)
      row[i] = (row[i] - mean) * factor * norm.gain[i] + norm.shift[i];
  }
}

void attention(const AttentionShape& shape, const float* projected, float* context, float* scratch) {
  const std::size_t tokens = shape.tokens;
  const std::size_t width = shape.head_width;
  const std::size_t hidden = shape.heads * width;
  const std::size_t stride = 3 * hidden;
  const std::size_t padded_tokens = round_up(tokens);
  const std::size_t padded_width = round_up(width);
  float* keys = scratch;                                // [width, padded_tokens]
  float* values = keys + width * padded_tokens;         // [tokens, padded_width]
  float* scores = values + tokens * padded_width;       // [kRowsAtOnce, padded_tokens]
  float* mixed = scores + kRowsAtOnce * padded_tokens;  // [kRowsAtOnce, padded_width]
  for (std::size_t head = 0; head < shape.heads; ++head) {
    const float* queries = projected + head * width;
    for (std::size_t t = 0; t < tokens; ++t) {
      const float* key = queries + t * stride + hidden;
      const float* value = key + hidden;
      for (std::size_t i = 0; i < width; ++i) keys[i * padded_tokens + t] = key[i];
      scale_into(values + t * padded_width, value, width, 1.0F);
      for (std::size_t i = width; i < padded_width; ++i) values[t * padded_width + i] = 0.0F;
    }
    for (std::size_t i = 0; i < width; ++i) {
      for (std::size_t t = tokens; t < padded_tokens; ++t) keys[i * padded_tokens + t] = 0.0F;
    }
    for (std::size_t first = 0; first < tokens; first += kRowsAtOnce) {
      const float* query_rows[kRowsAtOnce];
      const float* score_rows[kRowsAtOnce];
      float sums[kRowsAtOnce];
      for (std::size_t r = 0; r < kRowsAtOnce; ++r) {
        // Behind the last token its row is computed again and thrown away.
        const std::size_t t = first + r < tokens ? first + r : tokens - 1;
        query_rows[r] = queries + t * stride;
        score_rows[r] = scores + r * padded_tokens;
      }
      multiply(query_rows, width, keys, padded_tokens, scores);
      for (std::size_t r = 0; r < kRowsAtOnce; ++r)
        sums[r] = soften(scores + r * padded_tokens, tokens, padded_tokens);
      multiply(score_rows, tokens, values, padded_width, mixed);
      for (std::size_t r = 0; r < kRowsAtOnce && first + r < tokens; ++r) {
        float* out = context + (first + r) * hidden + head * width;
        scale_into(out, mixed + r * padded_width, width, 1.0F / sums[r]);
      }
    }
  }
}

constexpr EncoderKernels make_table(InstructionSet set) {
  return {.set = set, .layer_norm = layer_norm, .attention = attention};
}

}  // namespace
}  // namespace sextant
