// The version of this build.
#pragma once

#include <string_view>

#include "storage/format_file.h"

namespace sextant {

inline constexpr std::string_view kVersion = SEXTANT_VERSION;

}  // namespace sextant
