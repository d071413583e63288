// What the headers of a request say of it: whose it is, how long it may take, under which trace, once or
// again.
//
// Stateless but for the keys, which are fixed when the server starts; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/request_context.h"
#include "engine/types.h"
#include "server/http_message.h"

namespace sextant {

/// A key that clients show as "Authorization: Bearer SECRET".
struct ApiKey {
  std::string name = "api";  // names the user in logs and in the scope of idempotency keys; never secret
  std::string secret;
  Role role = Role::kAdmin;
};

class Authenticator {
 public:
  /// Without keys everyone is the local user.
  explicit Authenticator(const std::vector<ApiKey>& keys);

  struct Principal {
    std::string user;
    Role role = Role::kAdmin;
  };
  /// kUnauthenticated. All keys are compared, in constant time, whichever matches.
  Result<Principal> authenticate(const RequestHead& head) const;
  bool required() const { return !keys_.empty(); }

 private:
  struct Key {
    Principal principal;
    std::string digest;
  };
  std::vector<Key> keys_;
};

/// W3C trace context, level 1.
struct Trace {
  std::string trace_id;  // 32 hex digits
  std::string span_id;   // 16, ours
  std::string flags = "00";

  std::string traceparent() const { return "00-" + trace_id + "-" + span_id + "-" + flags; }
};
/// Continues the trace of a valid traceparent header, else begins one.
Trace read_trace(std::optional<std::string_view> traceparent, Random& random);

/// The longest deadline that may be asked for.
inline constexpr std::int64_t kMaxDeadlineMs = 600'000;
/// X-Deadline-Ms: 1 to kMaxDeadlineMs; nothing when the header is absent. kInvalidArgument.
Result<std::optional<std::int64_t>> read_deadline_ms(const RequestHead& head);

/// Idempotency-Key: 1 to 255 visible ASCII characters; nothing when the header is absent. kInvalidArgument.
Result<std::optional<std::string>> read_idempotency_key(const RequestHead& head);

// ---- ETags ----

/// The version in hexadecimal: an ETag without its quotes.
std::string etag_of(Version version);

/// What If-Match (or a body's if_match) asks for.
struct VersionMatch {
  bool any = false;  // "*": the document must exist
  Version version = 0;
};
/// `text` as in the header: "*" or one quoted ETag; a body's may go without quotes. kInvalidArgument for what
/// is no ETag, kPreconditionFailed for one that we never gave. Errors are without field.
Result<VersionMatch> parse_version_match(std::string_view text);

}  // namespace sextant
