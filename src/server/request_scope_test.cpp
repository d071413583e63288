#include "server/request_scope.h"

#include <gtest/gtest.h>

#include "server/cursor.h"
#include "server/listen_address.h"

namespace sextant {
namespace {

RequestHead head_with(std::string_view name, std::string_view value) {
  RequestHead head;
  head.add_header(name, value);
  return head;
}

TEST(Authenticator, LetsEveryoneInWithoutKeys) {
  const Authenticator authenticator({});
  EXPECT_FALSE(authenticator.required());
  EXPECT_EQ(authenticator.authenticate(RequestHead())->user, "local");
}

TEST(Authenticator, WantsOneOfItsKeys) {
  const Authenticator authenticator(
      {{.name = "ann", .secret = "s3cret", .role = Role::kReader}, {.secret = "other"}});
  const auto user = [&](std::string_view header) {
    const auto principal = authenticator.authenticate(head_with("Authorization", header));
    return principal ? principal->user : std::string(error_name(principal.error().code));
  };
  EXPECT_EQ(user("Bearer s3cret"), "ann");
  EXPECT_EQ(user("bearer other"), "api");
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret ", "Basic s3cret", "s3cret"}) {
    EXPECT_EQ(user(wrong), "unauthenticated") << wrong;
  }
  EXPECT_EQ(authenticator.authenticate(head_with("Authorization", "Bearer s3cret"))->role, Role::kReader);
  EXPECT_FALSE(authenticator.authenticate(RequestHead()).has_value());
}

TEST(Trace, ContinuesAValidTraceparent) {
  SeededRandom random(1);
  const std::string given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const Trace trace = read_trace(given, random);
  EXPECT_EQ(trace.trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(trace.flags, "01");
  EXPECT_NE(trace.span_id, "b7ad6b7169203331");
  EXPECT_EQ(trace.traceparent(), "00-" + trace.trace_id + "-" + trace.span_id + "-01");
  EXPECT_EQ(read_trace("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", random).trace_id,
            trace.trace_id);
}

TEST(Trace, BeginsANewOneForAnythingElse) {
  SeededRandom random(1);
  for (const char* bad : {"", "x", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                          "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
                          "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x"}) {
    const Trace trace = read_trace(bad, random);
    EXPECT_EQ(trace.trace_id.size(), 32U) << bad;
    EXPECT_NE(trace.trace_id, "0af7651916cd43dd8448eb211c80319c") << bad;
    EXPECT_EQ(trace.flags, "00");
  }
  EXPECT_NE(read_trace(std::nullopt, random).trace_id, read_trace(std::nullopt, random).trace_id);
}

TEST(Headers, DeadlinesAreMillisecondsWithinTheLimit) {
  EXPECT_EQ(read_deadline_ms(RequestHead()).value(), std::nullopt);
  EXPECT_EQ(read_deadline_ms(head_with("X-Deadline-Ms", "1500")).value(), 1500);
  for (const char* bad : {"", "0", "-1", "1.5", "1s", "600001", "99999999999999999999"}) {
    const auto deadline = read_deadline_ms(head_with("X-Deadline-Ms", bad));
    ASSERT_FALSE(deadline.has_value()) << bad;
    EXPECT_EQ(deadline.error().field, "X-Deadline-Ms");
  }
}

TEST(Headers, IdempotencyKeysAreVisibleAscii) {
  EXPECT_EQ(read_idempotency_key(RequestHead()).value(), std::nullopt);
  EXPECT_EQ(read_idempotency_key(head_with("Idempotency-Key", "a-1!")).value(), "a-1!");
  EXPECT_TRUE(read_idempotency_key(head_with("Idempotency-Key", std::string(255, 'k'))).has_value());
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("\xC3\xA9"), std::string(256, 'k')}) {
    EXPECT_FALSE(read_idempotency_key(head_with("Idempotency-Key", bad)).has_value()) << bad;
  }
}

TEST(Headers, EtagsAreVersions) {
  EXPECT_EQ(etag_of(255), "ff");
  EXPECT_EQ(parse_version_match("\"ff\"")->version, 255U);
  EXPECT_EQ(parse_version_match("ff")->version, 255U);
  EXPECT_TRUE(parse_version_match("*")->any);
  for (const char* malformed : {"", "\"\"", "\"a\", \"b\"", "\"a", "W/\"a\""}) {
    EXPECT_EQ(parse_version_match(malformed).error().code, ErrorCode::kInvalidArgument) << malformed;
  }
  for (const char* foreign : {"\"xyz\"", "\"0\"", "\"fffffffffffffffff\""}) {
    EXPECT_EQ(parse_version_match(foreign).error().code, ErrorCode::kPreconditionFailed) << foreign;
  }
}

TEST(Cursor, ComesBackAsTheKeyItNames) {
  for (const std::string key : {"a", "notes.x", "\xC3\xA9/?&=+ %", "0123456789"}) {
    const std::string cursor = make_cursor(Listing::kDocuments, key);
    EXPECT_EQ(cursor.find_first_of("+/= &?%"), std::string::npos) << cursor;
    EXPECT_EQ(read_cursor(Listing::kDocuments, cursor).value(), key);
    EXPECT_FALSE(read_cursor(Listing::kChunks, cursor).has_value());
  }
  EXPECT_EQ(read_cursor(Listing::kChunks, "").value(), "");
  for (const char* bad : {"!", "abc", "ZA==="}) {
    const auto key = read_cursor(Listing::kChunks, bad);
    ASSERT_FALSE(key.has_value()) << bad;
    EXPECT_EQ(key.error().field, "cursor");
  }
}

TEST(ListenAddress, IsAnAddressAndAPort) {
  const auto shown = [](std::string_view text) {
    const auto address = parse_listen_address(text);
    return address ? address->to_string() + (address->loopback ? " loopback" : "") : std::string();
  };
  EXPECT_EQ(shown("127.0.0.1:7878"), "127.0.0.1:7878 loopback");
  EXPECT_EQ(shown("localhost:0"), "127.0.0.1:0 loopback");
  EXPECT_EQ(shown("127.9.9.9:1"), "127.9.9.9:1 loopback");
  EXPECT_EQ(shown("[::1]:80"), "[::1]:80 loopback");
  EXPECT_EQ(shown("0.0.0.0:80"), "0.0.0.0:80");
  EXPECT_EQ(shown("[::]:80"), "[::]:80");
  EXPECT_EQ(shown("192.168.1.5:65535"), "192.168.1.5:65535");
  for (const char* bad : {"", "7878", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                          "127.0.0.1:-1", "::1:80", "[::1]", "host.example:80", "[127.0.0.1]:80", ":80"}) {
    EXPECT_EQ(shown(bad), "") << bad;
  }
}

}  // namespace
}  // namespace sextant
