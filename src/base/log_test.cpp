#include "base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <ctime>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace sextant {
namespace {

std::string rfc3339(std::int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", gmtime_r(&seconds, &parts));
  return text + std::to_string(1000 + unix_ms % 1000).substr(1) + "Z";
}

/// The text with every digit replaced by 0.
std::string shape(std::string text) {
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; }, '0');
  return text;
}

class Log : public testing::Test {
 protected:
  void SetUp() override { testing::internal::CaptureStderr(); }
  void TearDown() override {
    if (capturing_) testing::internal::GetCapturedStderr();
    configure_logging(LogLevel::kInfo, LogFormat::kJson);
  }

  std::vector<std::string> lines() {
    capturing_ = false;
    std::vector<std::string> lines;
    std::istringstream text(testing::internal::GetCapturedStderr());
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }

 private:
  bool capturing_ = true;
};

TEST_F(Log, AnEventIsOneJsonObjectALine) {
  configure_logging(LogLevel::kInfo, LogFormat::kJson);
  const std::string before = rfc3339(system_clock().unix_ms());
  log_event(LogLevel::kWarning, "disk_low", {{"free", 12}, {"path", "a\nb"}},
            "4bf92f3577b34da6a3ce929d0e0e4736");
  log_info("server_started");
  const std::string after = rfc3339(system_clock().unix_ms());
  const std::vector<std::string> written = lines();
  ASSERT_EQ(written.size(), 2U);

  const Json line = parse_json(written[0]).value();
  std::vector<std::string> keys;
  for (const auto& [key, value] : line.as_object()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"time", "level", "event", "trace_id", "free", "path"}));
  EXPECT_EQ(shape(line.find("time")->as_string()), "0000-00-00T00:00:00.000Z");
  EXPECT_LE(before, line.find("time")->as_string());
  EXPECT_GE(after, line.find("time")->as_string());
  EXPECT_EQ(*line.find("level"), Json("warning"));
  EXPECT_EQ(*line.find("event"), Json("disk_low"));
  EXPECT_EQ(*line.find("trace_id"), Json("4bf92f3577b34da6a3ce929d0e0e4736"));
  EXPECT_EQ(*line.find("free"), Json(12));
  EXPECT_EQ(*line.find("path"), Json("a\nb"));
  EXPECT_EQ(parse_json(written[1]).value().find("trace_id"), nullptr);
}

TEST_F(Log, TextIsReadableAndStaysOnOneLine) {
  configure_logging(LogLevel::kInfo, LogFormat::kText);
  log_event(LogLevel::kError, "sync_failed", {{"path", "a\nb"}, {"bytes", 3}}, "abc");
  const std::vector<std::string> written = lines();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(shape(written[0]),
            R"(0000-00-00T00:00:00.000Z error   sync_failed trace_id=abc path="a\nb" bytes=0)");
}

TEST_F(Log, EventsBelowTheLevelAreNotWritten) {
  configure_logging(LogLevel::kWarning, LogFormat::kJson);
  log_event(LogLevel::kDebug, "a", {});
  log_info("b");
  log_warning("c");
  log_failure("d");
  configure_logging(LogLevel::kOff, LogFormat::kJson);
  log_failure("e");
  log_event(LogLevel::kOff, "f", {});
  const std::vector<std::string> written = lines();
  ASSERT_EQ(written.size(), 2U);
  EXPECT_NE(written[0].find("\"c\""), std::string::npos);
  EXPECT_NE(written[1].find("\"d\""), std::string::npos);
}

TEST_F(Log, LinesOfManyThreadsDoNotMix) {
  configure_logging(LogLevel::kInfo, LogFormat::kJson);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 100; ++i) log_info("tick", {{"thread", t}, {"text", std::string(200, 'x')}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<std::string> written = lines();
  EXPECT_EQ(written.size(), 400U);
  for (const std::string& line : written) EXPECT_TRUE(parse_json(line)) << line;
}

TEST(LogLevel, IsParsedByName) {
  EXPECT_EQ(parse_log_level("debug").value(), LogLevel::kDebug);
  EXPECT_EQ(parse_log_level("off").value(), LogLevel::kOff);
  const auto unknown = parse_log_level("loud");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "log level \"loud\" is none of debug, info, warning, error, off");
}

}  // namespace
}  // namespace sextant
