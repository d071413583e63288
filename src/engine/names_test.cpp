#include "engine/names.h"

#include <gtest/gtest.h>

namespace sextant {
namespace {

TEST(LibraryNames, EverySpellingGivesTheSameFullName) {
  EXPECT_EQ(full_library_name("messages").value(), "default.messages");
  EXPECT_EQ(full_library_name("default.messages").value(), "default.messages");
  EXPECT_EQ(full_library_name("default:messages").value(), "default.messages");
  EXPECT_EQ(full_library_name("chat.messages").value(), "chat.messages");
  EXPECT_EQ(full_library_name("chat:messages").value(), "chat.messages");
  EXPECT_EQ(full_library_name("A-z_09.a_B-1").value(), "A-z_09.a_B-1");
}

TEST(LibraryNames, PartsHaveUpTo128Characters) {
  const std::string longest(128, 'a');
  EXPECT_EQ(full_library_name(longest + "." + longest).value(), longest + "." + longest);
  const auto name = full_library_name(std::string(129, 'a'));
  ASSERT_FALSE(name.has_value());
  EXPECT_EQ(name.error().code, ErrorCode::kLimitExceeded);
  EXPECT_NE(name.error().message.find("129 bytes, the limit is 128"), std::string::npos);
  EXPECT_FALSE(full_library_name(std::string(129, 'a') + ".x").has_value());
}

TEST(LibraryNames, SayWhatIsWrongAndWhere) {
  const auto message = [](std::string_view text) {
    const auto name = full_library_name(text);
    return name ? std::string("accepted")
                : std::string(error_name(name.error().code)) + ": " + name.error().message;
  };
  EXPECT_EQ(message(""), "invalid_argument: the library's name is empty");
  EXPECT_EQ(message("chat."), "invalid_argument: the library's name is empty");
  EXPECT_EQ(message(".x"), "invalid_argument: the library's namespace is empty");
  EXPECT_EQ(
      message("a b"),
      "invalid_argument: the library's name holds byte 0x20 at position 1; allowed are A-Z a-z 0-9 _ -");
  EXPECT_EQ(message("a.b.c"),
            "invalid_argument: the library's name holds '.' at position 1; allowed are A-Z a-z 0-9 _ -");
  EXPECT_EQ(message("a/b:c"),
            "invalid_argument: the library's namespace holds '/' at position 1; allowed are A-Z a-z 0-9 _ -");
  EXPECT_EQ(
      message("\xc3\xa9"),
      "invalid_argument: the library's name holds byte 0xc3 at position 0; allowed are A-Z a-z 0-9 _ -");
  EXPECT_EQ(
      message(std::string_view("a\0b", 3)),
      "invalid_argument: the library's name holds byte 0x00 at position 1; allowed are A-Z a-z 0-9 _ -");
}

}  // namespace
}  // namespace sextant
