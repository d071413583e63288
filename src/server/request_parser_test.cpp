#include "server/request_parser.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sextant {
namespace {

constexpr std::size_t kLimit = 1024;

// Feeds `text` in pieces of `step` bytes until the request is whole; what is left behind it is returned.
Result<std::string> parse_whole(RequestParser& parser, std::string_view text, std::size_t step) {
  std::string pending;
  while (!parser.done()) {
    const Result<std::size_t> used = parser.put(pending);
    if (!used) return fail(used.error());
    pending.erase(0, *used);
    if (parser.done() || *used > 0) continue;
    if (text.empty()) return fail(ErrorCode::kInternal, "incomplete");
    pending.append(text.substr(0, step));
    text.remove_prefix(std::min(step, text.size()));
  }
  return pending.append(text);
}

class PiecesOf : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(RequestParser, PiecesOf, ::testing::Values(1, 2, 3, 7, 64, 100'000));

TEST_P(PiecesOf, ARequestMakeTheWhole) {
  RequestParser parser(kLimit);
  const auto rest = parse_whole(
      parser, "POST /v1/x?y=1 HTTP/1.1\r\nHost: h\r\nX-Thing:  a b \r\nContent-Length: 5\r\n\r\nhelloGET",
      GetParam());
  ASSERT_TRUE(rest.has_value()) << rest.error().to_string();
  EXPECT_EQ(*rest, "GET");
  EXPECT_EQ(parser.head().method, HttpMethod::kPost);
  EXPECT_EQ(parser.head().target(), "/v1/x?y=1");
  EXPECT_EQ(parser.head().header("x-thing"), "a b");
  EXPECT_EQ(parser.head().header("absent"), std::nullopt);
  EXPECT_EQ(parser.head().content_length, 5U);
  EXPECT_TRUE(parser.head().keep_alive);
  EXPECT_EQ(parser.body(), "hello");
}

TEST_P(PiecesOf, AChunkedBodyMakeTheWhole) {
  RequestParser parser(kLimit);
  const auto rest = parse_whole(parser,
                                "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                                "chunked\r\n\r\n5;e=1\r\nhello\r\n1\r\n!\r\n0\r\nT: v\r\n\r\nX",
                                GetParam());
  ASSERT_TRUE(rest.has_value()) << rest.error().to_string();
  EXPECT_EQ(*rest, "X");
  EXPECT_TRUE(parser.head().chunked);
  EXPECT_EQ(parser.body(), "hello!");
  EXPECT_EQ(parser.head().header("t"), std::nullopt) << "a trailer is no header";
}

TEST(RequestParser, ReadsOneRequestAfterAnother) {
  RequestParser parser(kLimit);
  std::string pending = "GET /a HTTP/1.1\r\nHost: h\r\nA: 1\r\n\r\nGET /b HTTP/1.0\r\n\r\n";
  pending.erase(0, *parser.put(pending));
  EXPECT_TRUE(parser.done());
  EXPECT_EQ(parser.head().target(), "/a");
  parser.next();
  EXPECT_FALSE(parser.head_done());
  pending.erase(0, *parser.put(pending));
  EXPECT_TRUE(parser.done());
  EXPECT_EQ(parser.head().target(), "/b");
  EXPECT_EQ(parser.head().header("a"), std::nullopt);
  EXPECT_FALSE(parser.head().http11);
  EXPECT_FALSE(parser.head().keep_alive);
}

TEST(RequestParser, StopsBehindTheHead) {
  RequestParser parser(kLimit);
  const std::string text = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
  EXPECT_EQ(*parser.put(text), text.size() - 3);
  EXPECT_TRUE(parser.head_done());
  EXPECT_FALSE(parser.done());
  EXPECT_EQ(parser.body(), "");
}

TEST(RequestParser, RefusesWhatIsNotHttp) {
  for (const char* text : {"hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
                           "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\n : x\r\n\r\n",
                           "\x16\x03\x01\x02\x00\x01", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                           "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                           "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                           "GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                           "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"}) {
    RequestParser parser(kLimit);
    const auto used = parser.put(text);
    ASSERT_FALSE(used.has_value()) << text;
    EXPECT_EQ(used.error().code, ErrorCode::kInvalidArgument) << text;
  }
}

TEST(RequestParser, RefusesTransferCodingsThatItDoesNotUndo) {
  for (const char* coding : {"gzip", "gzip, chunked", "chunked, gzip", "identity"}) {
    RequestParser parser(kLimit);
    const auto used =
        parser.put("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: " + std::string(coding) + "\r\n\r\n");
    ASSERT_FALSE(used.has_value()) << coding;
    EXPECT_EQ(used.error().code, ErrorCode::kNotSupportedYet) << coding;
  }
}

TEST(RequestParser, RefusesMalformedChunks) {
  for (const char* chunk : {"zz\r\n", "5\r\nhelloX\r\n", "-1\r\n", "fffffffffffffffff\r\n"}) {
    RequestParser parser(kLimit);
    const std::string text =
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunk);
    EXPECT_FALSE(parse_whole(parser, text, 100).has_value()) << chunk;
  }
}

TEST(RequestParser, BoundsTheHeadHoweverItTricklesIn) {
  const std::string line = "X-Header: " + std::string(90, 'v') + "\r\n";
  for (const std::size_t step : {std::size_t{1}, line.size(), std::size_t{100'000}}) {
    RequestParser parser(kLimit);
    std::string text = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < 20; ++i) text += line;
    const auto rest = parse_whole(parser, text + "\r\n", step);
    ASSERT_FALSE(rest.has_value());
    EXPECT_EQ(rest.error().code, ErrorCode::kLimitExceeded) << "in pieces of " << step;
  }
  RequestParser parser(1 << 16);
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 101; ++i) many += "a: b\r\n";
  EXPECT_EQ(parse_whole(parser, many + "\r\n", 1000).error().code, ErrorCode::kLimitExceeded);
  RequestParser endless(kLimit);
  EXPECT_EQ(parse_whole(endless, "GET /" + std::string(4000, 'a'), 50).error().code,
            ErrorCode::kLimitExceeded);
}

TEST(RequestParser, ALengthAloneAllocatesLittle) {
  RequestParser parser(kLimit);
  ASSERT_TRUE(
      parser.put("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\n").has_value());
  ASSERT_TRUE(parser.put("x").has_value());
  EXPECT_LT(parser.body().capacity(), std::size_t{2} << 20U);
}

}  // namespace
}  // namespace sextant
