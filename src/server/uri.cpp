#include "server/uri.h"

#include <algorithm>
#include <ranges>

#include "base/json.h"

namespace sextant {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

Result<std::string> decode_form(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return percent_decode(spaced);
}

}  // namespace

Result<Target> split_target(std::string_view target) {
  if (!target.starts_with('/')) {
    return fail(ErrorCode::kInvalidArgument, "the request's target must be a path that begins with '/'");
  }
  Target result;
  const std::size_t question = target.find('?');
  if (question != std::string_view::npos) result.query = target.substr(question + 1);
  result.segments =
      split(target.substr(1, question == std::string_view::npos ? question : question - 1), '/');
  return result;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return fail(ErrorCode::kInvalidArgument, "a '%' in the URL is not followed by two hexadecimal digits");
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (!is_valid_utf8(decoded)) return fail(ErrorCode::kInvalidArgument, "the URL does not decode to UTF-8");
  if (decoded.find('\0') != std::string::npos)
    return fail(ErrorCode::kInvalidArgument, "the URL holds a NUL byte");
  return decoded;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  if (query.empty()) return parameters;
  for (const std::string_view part : split(query, '&')) {
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    TRY_ASSIGN(std::string name, decode_form(part.substr(0, equals)));
    TRY_ASSIGN(std::string value,
               decode_form(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1)));
    const bool repeated =
        std::ranges::any_of(parameters, [&](const auto& parameter) { return parameter.first == name; });
    if (repeated)
      return fail(field_error(ErrorCode::kInvalidArgument, name, "the query parameter is given twice"));
    parameters.emplace_back(std::move(name), std::move(value));
  }
  return parameters;
}

}  // namespace sextant
