// Safetensors: the named tensors of one .safetensors file, checked when opened, converted to float32 when
// read.
//
// The format is Hugging Face's: eight bytes of header size, the header (a JSON object of tensors with type,
// shape and byte range), then the data without holes or overlaps. Everything a header may claim is held
// against the file's size before it is believed. Errors: kDamaged naming file and tensor; kIo from reading.
// Thread rule: a const Safetensors may be read from any thread. The file stays open as long as the object
// lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"

namespace sextant {

class Safetensors {
 public:
  static Result<Safetensors> open(FileSystem& files, const std::string& path);

  bool contains(std::string_view name) const { return tensors_.find(name) != tensors_.end(); }
  /// The elements of a tensor, row by row. It must exist, have exactly this shape, be of type F32, F16 or
  /// BF16, and hold finite numbers only.
  Result<std::vector<float>> read(std::string_view name, std::span<const std::size_t> shape) const;

 private:
  struct Tensor {
    std::string type;
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0;  // in the data, that is, behind the header
    std::uint64_t end = 0;
  };

  Safetensors() = default;
  Error damaged(std::string_view what) const;
  Status read_header(std::uint64_t file_size);
  Status add_tensor(const std::string& name, const Json& entry, std::uint64_t data_size);
  Status check_ranges(std::uint64_t data_size) const;

  std::string path_;
  std::unique_ptr<File> file_;
  std::uint64_t data_offset_ = 0;
  std::map<std::string, Tensor, std::less<>> tensors_;
};

}  // namespace sextant
