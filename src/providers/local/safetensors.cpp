#include "providers/local/safetensors.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "base/bytes.h"

namespace sextant {
namespace {

constexpr std::uint64_t kSizeBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit

struct ElementType {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<ElementType, 15> kElementTypes = {{{"BOOL", 1},
                                                        {"U8", 1},
                                                        {"I8", 1},
                                                        {"F8_E4M3", 1},
                                                        {"F8_E5M2", 1},
                                                        {"U16", 2},
                                                        {"I16", 2},
                                                        {"F16", 2},
                                                        {"BF16", 2},
                                                        {"U32", 4},
                                                        {"I32", 4},
                                                        {"F32", 4},
                                                        {"U64", 8},
                                                        {"I64", 8},
                                                        {"F64", 8}}};

/// 0 for a type that is not known.
std::uint64_t element_bytes(std::string_view type) {
  const auto* found =
      std::find_if(kElementTypes.begin(), kElementTypes.end(), [&](const auto& t) { return t.name == type; });
  return found == kElementTypes.end() ? 0 : found->bytes;
}

/// Reads all of [offset, offset + size); nothing when the file ends before.
Result<bool> read_exactly(const File& file, std::uint64_t offset, char* out, std::size_t size) {
  while (size > 0) {
    TRY_ASSIGN(const std::size_t got, file.read_at(offset, out, size));
    if (got == 0) return false;
    offset += got;
    out += got;
    size -= got;
  }
  return true;
}

std::optional<std::vector<std::uint64_t>> unsigned_integers(const Json* array) {
  if (array == nullptr || !array->is_array()) return std::nullopt;
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const Json element = array->element(i);
    if (!element.is_integer() || element.as_integer() < 0) return std::nullopt;
    numbers.push_back(static_cast<std::uint64_t>(element.as_integer()));
  }
  return numbers;
}

float from_half(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16U;
  const std::uint32_t exponent = (bits >> 10U) & 0x1FU;
  const std::uint32_t fraction = bits & 0x3FFU;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | (fraction << 13U));
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23U) | (fraction << 13U));
}

float from_bfloat(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16U); }

/// Turns `numbers`, whose upper half holds as many F16 or BF16 elements, into those elements, the lowest
/// first: no element is overwritten before it is read.
void widen_in_place(std::string_view type, std::vector<float>& numbers) {
  const auto convert = type == "F16" ? from_half : from_bfloat;
  const char* narrow = reinterpret_cast<const char*>(numbers.data()) + numbers.size() * sizeof(std::uint16_t);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, narrow + i * sizeof(bits), sizeof(bits));
    numbers[i] = convert(bits);
  }
}

}  // namespace

Error Safetensors::damaged(std::string_view what) const {
  return make_error(ErrorCode::kDamaged, fmt::format("weights file '{}': {}", path_, what));
}

Result<Safetensors> Safetensors::open(FileSystem& files, const std::string& path) {
  Safetensors result;
  result.path_ = path;
  TRY_ASSIGN(result.file_, files.open(path, OpenMode::kRead));
  TRY_ASSIGN(const std::uint64_t file_size, result.file_->size());
  TRY(result.read_header(file_size));
  return result;
}

Status Safetensors::read_header(std::uint64_t file_size) {
  if (file_size < kSizeBytes)
    return fail(damaged(fmt::format("{} bytes, too short for a header", file_size)));
  std::string size_bytes(kSizeBytes, '\0');
  TRY_ASSIGN(const bool has_size, read_exactly(*file_, 0, size_bytes.data(), size_bytes.size()));
  const auto header_size = load_le<std::uint64_t>(size_bytes, 0);
  if (!has_size || header_size > kMaxHeaderBytes || header_size > file_size - kSizeBytes) {
    return fail(damaged(fmt::format("claims a header of {} bytes in a file of {}", header_size, file_size)));
  }
  std::string text(header_size, '\0');
  TRY_ASSIGN(const bool has_header, read_exactly(*file_, kSizeBytes, text.data(), text.size()));
  if (!has_header) return fail(damaged("became shorter while it was read"));

  auto header = parse_json(text);
  if (!header) {
    return fail(
        caused_by(ErrorCode::kDamaged, damaged("its header is not JSON").message, std::move(header).error()));
  }
  if (!header->is_object()) return fail(damaged("its header is not a JSON object"));
  data_offset_ = kSizeBytes + header_size;
  const std::uint64_t data_size = file_size - data_offset_;
  for (const auto& [name, entry] : header->as_object()) {
    if (name != "__metadata__") TRY(add_tensor(name, entry, data_size));
  }
  return check_ranges(data_size);
}

Status Safetensors::add_tensor(const std::string& name, const Json& entry, std::uint64_t data_size) {
  const Json* type = entry.find("dtype");
  const auto shape = unsigned_integers(entry.find("shape"));
  const auto range = unsigned_integers(entry.find("data_offsets"));
  if (type == nullptr || !type->is_string() || !shape || !range || range->size() != 2) {
    return fail(damaged(fmt::format("tensor '{}' lacks a dtype, a shape or two data_offsets", name)));
  }
  Tensor tensor{.type = type->as_string(), .shape = *shape, .begin = (*range)[0], .end = (*range)[1]};
  if (tensor.begin > tensor.end || tensor.end > data_size) {
    return fail(damaged(fmt::format("tensor '{}' claims bytes {} to {} of {}: truncated or damaged", name,
                                    tensor.begin, tensor.end, data_size)));
  }
  const std::uint64_t width = element_bytes(tensor.type);
  if (width == 0) return fail(damaged(fmt::format("tensor '{}' has unknown type '{}'", name, tensor.type)));
  std::uint64_t bytes = width;
  bool overflow = false;
  for (const std::uint64_t extent : tensor.shape) overflow |= __builtin_mul_overflow(bytes, extent, &bytes);
  if (overflow || bytes != tensor.end - tensor.begin) {
    return fail(damaged(fmt::format("tensor '{}' of type {} and shape [{}] claims {} bytes", name,
                                    tensor.type, fmt::join(tensor.shape, ", "), tensor.end - tensor.begin)));
  }
  tensors_.emplace(name, std::move(tensor));
  return {};
}

Status Safetensors::check_ranges(std::uint64_t data_size) const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, tensor] : tensors_) ranges.emplace_back(tensor.begin, tensor.end);
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t expected = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != expected)
      return fail(damaged(fmt::format("a hole or an overlap at byte {} of its data", begin)));
    expected = end;
  }
  if (expected != data_size) {
    return fail(damaged(fmt::format("{} bytes of data, its tensors have {}", data_size, expected)));
  }
  return {};
}

Result<std::vector<float>> Safetensors::read(std::string_view name,
                                             std::span<const std::size_t> shape) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) return fail(damaged(fmt::format("has no tensor '{}'", name)));
  const Tensor& tensor = found->second;
  if (!std::equal(shape.begin(), shape.end(), tensor.shape.begin(), tensor.shape.end())) {
    return fail(damaged(fmt::format("tensor '{}' has shape [{}], the model's configuration wants [{}]", name,
                                    fmt::join(tensor.shape, ", "), fmt::join(shape, ", "))));
  }
  if (tensor.type != "F32" && tensor.type != "F16" && tensor.type != "BF16") {
    return fail(damaged(
        fmt::format("tensor '{}' has type {}, only F32, F16 and BF16 can be read", name, tensor.type)));
  }
  const std::uint64_t size = tensor.end - tensor.begin;
  std::vector<float> numbers(size / element_bytes(tensor.type));
  const std::size_t unused = numbers.size() * sizeof(float) - size;
  TRY_ASSIGN(const bool complete, read_exactly(*file_, data_offset_ + tensor.begin,
                                               reinterpret_cast<char*>(numbers.data()) + unused, size));
  if (!complete) return fail(damaged(fmt::format("ends inside tensor '{}'", name)));
  if (tensor.type != "F32") widen_in_place(tensor.type, numbers);
  const auto bad = std::find_if(numbers.begin(), numbers.end(), [](float x) { return !std::isfinite(x); });
  if (bad != numbers.end()) {
    return fail(damaged(
        fmt::format("element {} of tensor '{}' is not a finite number", bad - numbers.begin(), name)));
  }
  return numbers;
}

}  // namespace sextant
