#include "server/request_scope.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/checksum.h"

namespace sextant {

namespace {

bool is_lower_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool all_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

// VERSION-TRACE_ID-PARENT_ID-FLAGS. A later version may have more behind another dash.
bool valid_traceparent(std::string_view text) {
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const std::string_view version = text.substr(0, 2);
  if (!is_lower_hex(version) || version == "ff") return false;
  if (version == "00" ? text.size() != 55 : text.size() > 55 && text[55] != '-') return false;
  const std::string_view trace = text.substr(3, 32);
  const std::string_view parent = text.substr(36, 16);
  return is_lower_hex(trace) && !all_zero(trace) && is_lower_hex(parent) && !all_zero(parent) &&
         is_lower_hex(text.substr(53, 2));
}

std::string random_hex(Random& random) {
  std::uint64_t value = random.next();
  while (value == 0) value = random.next();
  return fmt::format("{:016x}", value);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;  // both are digests
  unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace

Authenticator::Authenticator(const std::vector<ApiKey>& keys) {
  for (const ApiKey& key : keys) keys_.push_back({{key.name, key.role}, sha256_hex(key.secret)});
}

Result<Authenticator::Principal> Authenticator::authenticate(const RequestHead& head) const {
  if (keys_.empty()) return Principal{RequestContext().user, Role::kAdmin};
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view header = head.header("authorization").value_or("");
  if (!equals_ignoring_case(header.substr(0, kScheme.size()), kScheme)) {
    return fail(ErrorCode::kUnauthenticated,
                "this server wants a key: send it as 'Authorization: Bearer KEY'");
  }
  // Digests have one length, so the comparison tells nothing of the keys' lengths either.
  const std::string digest = sha256_hex(header.substr(kScheme.size()));
  const Principal* found = nullptr;
  for (const Key& key : keys_) {
    if (equal_in_constant_time(key.digest, digest)) found = &key.principal;
  }
  if (found == nullptr) return fail(ErrorCode::kUnauthenticated, "the key is not known here");
  return *found;
}

Trace read_trace(std::optional<std::string_view> traceparent, Random& random) {
  Trace trace;
  trace.span_id = random_hex(random);
  if (traceparent && valid_traceparent(*traceparent)) {
    trace.trace_id = traceparent->substr(3, 32);
    trace.flags = traceparent->substr(53, 2);
  } else {
    trace.trace_id = random_hex(random) + random_hex(random);
  }
  return trace;
}

Result<std::optional<std::int64_t>> read_deadline_ms(const RequestHead& head) {
  const std::optional<std::string_view> text = head.header("x-deadline-ms");
  if (!text) return std::optional<std::int64_t>();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 1 || value > kMaxDeadlineMs) {
    return fail(field_error(ErrorCode::kInvalidArgument, "X-Deadline-Ms",
                            fmt::format("must be an integer from 1 to {}", kMaxDeadlineMs)));
  }
  return value;
}

Result<std::optional<std::string>> read_idempotency_key(const RequestHead& head) {
  const std::optional<std::string_view> text = head.header("idempotency-key");
  if (!text) return std::optional<std::string>();
  constexpr std::size_t kLongest = 255;
  const bool visible = std::ranges::all_of(*text, [](char c) { return c > ' ' && c < 0x7f; });
  if (text->empty() || text->size() > kLongest || !visible) {
    return fail(field_error(ErrorCode::kInvalidArgument, "Idempotency-Key",
                            fmt::format("must be 1 to {} visible ASCII characters", kLongest)));
  }
  return std::string(*text);
}

std::string etag_of(Version version) { return fmt::format("{:x}", version); }

Result<VersionMatch> parse_version_match(std::string_view text) {
  if (text == "*") return VersionMatch{.any = true};
  std::string_view tag = text;
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
  if (tag.empty() || tag.find_first_of("\", ") != std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument,
                "must be '*' or one ETag as this server gave it, such as \"1f\"");
  }
  VersionMatch match;
  const auto [end, error] = std::from_chars(tag.data(), tag.data() + tag.size(), match.version, 16);
  if (error != std::errc() || end != tag.data() + tag.size() || match.version == 0) {
    return fail(ErrorCode::kPreconditionFailed, "the ETag names no version of the document");
  }
  return match;
}

}  // namespace sextant
