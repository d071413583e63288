#include "providers/local/linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

#include "base/random.h"

namespace sextant {
namespace {

std::vector<float> random_floats(std::size_t count, std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<float> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(static_cast<float>(random.unit() * 2 - 1));
  return numbers;
}

struct Layer {
  LinearShape shape;
  std::vector<float> weight = random_floats(shape.inputs * shape.outputs, 1);
  std::vector<float> bias = random_floats(shape.outputs, 2);
  Linear packed = Linear::pack(LinearPlan::compile(shape).value(), weight, bias).value();

  /// The largest error of a product of `rows` rows.
  double error(std::size_t rows) const {
    const std::size_t padded = LinearPlan::padded_rows(rows);
    const auto in = random_floats(padded * shape.inputs, 3 + rows);
    const auto before = random_floats(padded * shape.outputs, 4 + rows);
    auto out = before;
    EXPECT_TRUE(packed.run(in.data(), out.data(), rows).has_value());
    double largest = 0;
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t o = 0; o < shape.outputs; ++o) {
        double wanted = bias[o];
        for (std::size_t i = 0; i < shape.inputs; ++i) {
          wanted += double{in[r * shape.inputs + i]} * weight[o * shape.inputs + i];
        }
        if (shape.epilogue == Epilogue::kGelu) wanted *= 0.5 * (1 + std::erf(wanted / std::sqrt(2.0)));
        if (shape.epilogue == Epilogue::kAddToOutput) wanted += before[r * shape.outputs + o];
        largest = std::max(largest, std::abs(wanted - out[r * shape.outputs + o]));
      }
    }
    return largest;
  }
};

TEST(Linear, MultipliesAnyNumberOfRows) {
  const Layer layer{.shape = {.inputs = 40, .outputs = 24}};
  for (std::size_t rows = 1; rows <= 2 * LinearPlan::kBlockRows + 5; ++rows) {
    ASSERT_LT(layer.error(rows), 1e-5) << rows;
  }
}

TEST(Linear, FinishesAProductAsItsEpilogueSays) {
  for (const Epilogue epilogue : {Epilogue::kNone, Epilogue::kGelu, Epilogue::kAddToOutput}) {
    for (const auto& [inputs, outputs] : {std::pair<std::size_t, std::size_t>{1, 1}, {384, 100}, {17, 385}}) {
      const Layer layer{.shape = {.inputs = inputs, .outputs = outputs, .epilogue = epilogue}};
      EXPECT_LT(layer.error(21), 1e-4)
          << inputs << " to " << outputs << ", epilogue " << static_cast<int>(epilogue);
    }
  }
}

TEST(Linear, ComputesTheSameRowWhateverRowsAreBesideIt) {
  // The shapes of the default model: attention, its output, the two halves of the feed-forward part.
  const LinearShape shapes[] = {{.inputs = 384, .outputs = 1152},
                                {.inputs = 384, .outputs = 384, .epilogue = Epilogue::kAddToOutput},
                                {.inputs = 384, .outputs = 1536, .epilogue = Epilogue::kGelu},
                                {.inputs = 1536, .outputs = 384, .epilogue = Epilogue::kAddToOutput}};
  constexpr std::size_t most = LinearPlan::kBlockRows;
  for (const LinearShape& shape : shapes) {
    const Layer layer{.shape = shape};
    EXPECT_LT(layer.error(most), 1e-3);
    const auto in = random_floats(most * shape.inputs, 5);
    const auto before = random_floats(most * shape.outputs, 6);
    auto full = before;
    ASSERT_TRUE(layer.packed.run(in.data(), full.data(), most).has_value());
    for (std::size_t rows = 1; rows < most; ++rows) {
      auto out = before;
      ASSERT_TRUE(layer.packed.run(in.data(), out.data(), rows).has_value());
      for (std::size_t i = 0; i < rows * shape.outputs; ++i) {
        ASSERT_NEAR(out[i], full[i], 1e-4)
            << shape.inputs << " to " << shape.outputs << ", row " << i / shape.outputs << " of " << rows;
      }
    }
  }
}

TEST(Linear, RunsOnThreadsThatDidNotCompileIt) {
  const Layer layer{.shape = {.inputs = 384, .outputs = 1536, .epilogue = Epilogue::kGelu}};
  double errors[4] = {};
  std::vector<std::thread> threads;
  for (double& error : errors) threads.emplace_back([&] { error = layer.error(19); });
  for (auto& thread : threads) thread.join();
  for (const double error : errors) EXPECT_LT(error, 1e-4);
}

}  // namespace
}  // namespace sextant
