#include "providers/local/linear.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"

// The distribution's oneDNN computes with GNU OpenMP, whose header clang does not have.
extern "C" {
void omp_set_num_threads(int count);
int omp_get_max_threads(void);
}

namespace sextant {
namespace {

constexpr std::size_t kBlockRows = LinearPlan::kBlockRows;
constexpr std::size_t kRowCounts = kBlockRows / LinearPlan::kRowGroup;

using Dims = dnnl::memory::dims;
using Tag = dnnl::memory::format_tag;
constexpr auto kFloat = dnnl::memory::data_type::f32;

dnnl::memory::dim extent(std::size_t n) { return static_cast<dnnl::memory::dim>(n); }

/// Keeps OpenMP from starting threads for work of the calling thread while it lives.
class OneOpenMpThread {
 public:
  OneOpenMpThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneOpenMpThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

 private:
  int before_;
};

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

Error library_error(const char* doing, const dnnl::error& error) {
  return make_error(ErrorCode::kEmbeddingUnavailable,
                    fmt::format("oneDNN failed to {}: {}", doing, error.what()));
}

}  // namespace

struct LinearPlan::Compiled {
  LinearShape shape;
  dnnl::memory::desc weight;
  dnnl::memory::desc bias;
  std::vector<dnnl::matmul::primitive_desc> descriptions;  // [i]: of (i + 1) * kRowGroup rows
  std::vector<dnnl::matmul> products;

  explicit Compiled(const LinearShape& wanted) : shape(wanted) {
    const auto inputs = extent(shape.inputs);
    const auto outputs = extent(shape.outputs);
    bias = {Dims{1, outputs}, kFloat, Tag::ab};
    dnnl::post_ops after;
    if (shape.epilogue == Epilogue::kGelu)
      after.append_eltwise(1.0F, dnnl::algorithm::eltwise_gelu_erf, 0.0F, 0.0F);
    if (shape.epilogue == Epilogue::kAddToOutput) after.append_sum();
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(after);
    // The library's own scratch memory belongs to the thread that compiled a product, not to the one that
    // runs it.
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);

    const auto describe = [&](std::size_t rows, const dnnl::memory::desc& weights) {
      const dnnl::memory::desc in(Dims{extent(rows), inputs}, kFloat, Tag::ab);
      const dnnl::memory::desc out(Dims{extent(rows), outputs}, kFloat, Tag::ab);
      return dnnl::matmul::primitive_desc(dnnl::matmul::desc(in, weights, bias, out), attributes,
                                          cpu_engine());
    };
    // One packing of the weights serves every number of rows: the library's choice for full blocks.
    weight = describe(kBlockRows, {Dims{inputs, outputs}, kFloat, Tag::any}).weights_desc();
    for (std::size_t i = 0; i < kRowCounts; ++i) {
      descriptions.push_back(describe((i + 1) * kRowGroup, weight));
      products.emplace_back(descriptions.back());
    }
  }
};

LinearPlan::LinearPlan(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
LinearPlan::~LinearPlan() = default;

Result<std::shared_ptr<const LinearPlan>> LinearPlan::compile(const LinearShape& shape) {
  const OneOpenMpThread single;
  try {
    return std::shared_ptr<const LinearPlan>(new LinearPlan(std::make_unique<Compiled>(shape)));
  } catch (const dnnl::error& error) {
    return fail(library_error("compile a matrix product", error));
  }
}

struct Linear::Packed {
  dnnl::memory weight;
  dnnl::memory bias;
};

Linear::Linear(std::shared_ptr<const LinearPlan> plan, std::unique_ptr<Packed> packed)
    : plan_(std::move(plan)), packed_(std::move(packed)) {}
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;
Linear::~Linear() = default;

Result<Linear> Linear::pack(std::shared_ptr<const LinearPlan> plan, std::span<const float> weight,
                            std::span<const float> bias) {
  const LinearPlan::Compiled& compiled = *plan->compiled_;
  const auto& [inputs, outputs, epilogue] = compiled.shape;
  CHECK(weight.size() == inputs * outputs && bias.size() == outputs);
  const OneOpenMpThread single;
  try {
    auto packed = std::make_unique<Packed>();
    packed->weight = dnnl::memory(compiled.weight, cpu_engine());
    packed->bias = dnnl::memory(compiled.bias, cpu_engine());
    std::copy(bias.begin(), bias.end(), static_cast<float*>(packed->bias.get_data_handle()));
    // The published layout is [outputs, inputs]: the transpose of what a product takes.
    const dnnl::memory::desc published(Dims{extent(inputs), extent(outputs)}, kFloat, Tag::ba);
    dnnl::memory source(published, cpu_engine(), const_cast<float*>(weight.data()));
    dnnl::stream stream(cpu_engine());
    dnnl::reorder(source, packed->weight).execute(stream, source, packed->weight);
    stream.wait();
    return Linear(std::move(plan), std::move(packed));
  } catch (const dnnl::error& error) {
    return fail(library_error("pack weights", error));
  }
}

Status Linear::run(const float* in, float* out, std::size_t rows) const {
  const LinearPlan::Compiled& compiled = *plan_->compiled_;
  const OneOpenMpThread single;
  try {
    dnnl::stream stream(cpu_engine());
    for (std::size_t row = 0; row < rows; row += kBlockRows) {
      const std::size_t padded = LinearPlan::padded_rows(std::min(kBlockRows, rows - row));
      const std::size_t i = padded / LinearPlan::kRowGroup - 1;
      const auto& description = compiled.descriptions[i];
      compiled.products[i].execute(
          stream,
          {{DNNL_ARG_SRC,
            {description.src_desc(), cpu_engine(), const_cast<float*>(in + row * compiled.shape.inputs)}},
           {DNNL_ARG_WEIGHTS, packed_->weight},
           {DNNL_ARG_BIAS, packed_->bias},
           {DNNL_ARG_DST, {description.dst_desc(), cpu_engine(), out + row * compiled.shape.outputs}},
           {DNNL_ARG_SCRATCHPAD, {description.scratchpad_desc(), cpu_engine()}}});
    }
    stream.wait();
    return {};
  } catch (const dnnl::error& error) {
    return fail(library_error("multiply matrices", error));
  }
}

std::string linear_instruction_set() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "sse4.1";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2";
    case dnnl::cpu_isa::avx512_core:
    case dnnl::cpu_isa::avx512_core_vnni:
    case dnnl::cpu_isa::avx512_core_bf16:
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512";
    default:
      return "default";
  }
}

}  // namespace sextant
