// Cursors: where a listing goes on, as opaque text that fits into a URL. They name the last key seen and pin
// nothing.
//
// Stateless; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant {

/// What is listed; a cursor of one listing is refused by another.
enum class Listing : char { kLibraries = 'l', kDocuments = 'd', kChunks = 'c' };

std::string make_cursor(Listing listing, std::string_view last_key);
/// The last key seen; "" for an empty cursor. kInvalidArgument (field "cursor") for text that is no cursor of
/// this listing.
Result<std::string> read_cursor(Listing listing, std::string_view cursor);

}  // namespace sextant
