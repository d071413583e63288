#include "server/field_path.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace sextant {

std::string FieldPath::to_string() const {
  if (parent_ == nullptr) return {};
  std::string path = parent_->to_string();
  if (key_.data() == nullptr) return path + fmt::format("[{}]", index_);
  if (!path.empty()) path += '.';
  return path += key_;
}

std::unexpected<Error> FieldPath::refuse(ErrorCode code, std::string message) const {
  return fail(field_error(code, to_string(), std::move(message)));
}

std::unexpected<Error> FieldPath::expected(std::string_view what, const Json& got) const {
  const std::string_view type = got.type_name();
  const std::string_view article = type == "null"                               ? ""
                                   : std::string_view("aeio").contains(type[0]) ? "an "
                                                                                : "a ";
  if (parent_ == nullptr)
    return refuse(fmt::format("the request's body must be {}, not {}{}", what, article, type));
  return refuse(fmt::format("must be {}, not {}{}", what, article, type));
}

Result<std::size_t> FieldPath::choose(const Json& json, std::span<const std::string_view> known,
                                      std::span<const std::string_view> unbuilt) const {
  if (!json.is_string()) return expected("a string", json);
  const std::string& name = json.as_string();
  if (const auto found = std::ranges::find(known, name); found != known.end()) {
    return static_cast<std::size_t>(found - known.begin());
  }
  if (std::ranges::find(unbuilt, name) != unbuilt.end()) {
    return refuse(ErrorCode::kNotSupportedYet,
                  fmt::format("'{}' is not supported yet; supported is {}", name, fmt::join(known, ", ")));
  }
  return refuse(fmt::format("must be one of {}", fmt::join(known, ", ")));
}

}  // namespace sextant
