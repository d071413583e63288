#include "base/bytes.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "base/random.h"

namespace sextant {
namespace {

std::string random_bytes(Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.below(256));
  return bytes;
}

bool decodes(std::string_view text) {
  std::string out = "kept";
  const bool ok = append_from_base64(text, out);
  EXPECT_TRUE(ok || out == "kept") << "a refused text must leave the output alone";
  return ok;
}

TEST(Bytes, LittleEndianValuesReadBackAtAnyOffset) {
  std::string out = "x";
  append_le(out, std::uint32_t{0x01020304});
  append_le(out, -1.5);
  EXPECT_EQ(out.substr(0, 5), std::string_view("x\x04\x03\x02\x01"));
  EXPECT_EQ(load_le<std::uint32_t>(out, 1), 0x01020304U);
  EXPECT_EQ(load_le<double>(out, 5), -1.5);
}

TEST(Bytes, BigEndianKeysSortAsTheirNumbers) {
  const std::vector<std::uint64_t> ascending = {0, 1, 255, 256, 0xFFFFFFFF, 0x1'0000'0000, ~std::uint64_t{0}};
  std::string previous;
  for (const std::uint64_t value : ascending) {
    std::string key;
    append_be64(key, value);
    EXPECT_LT(previous, key);
    EXPECT_EQ(load_be64(key, 0), value);
    previous = key;
  }
  std::string key;
  append_be32(key, 0x01020304);
  EXPECT_EQ(key, "\x01\x02\x03\x04");
  EXPECT_EQ(load_be32(key, 0), 0x01020304U);
}

TEST(Bytes, HexIsLowerCase) { EXPECT_EQ(to_hex(std::string_view("\x00\xAB\x7F", 3)), "00ab7f"); }

TEST(Bytes, Base64AgreesWithTheVectorsOfRfc4648) {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"},
                                                                    {"\xFB\xFF\xBF", "+/+/"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(to_base64(bytes), text);
    std::string decoded = "before ";
    EXPECT_TRUE(append_from_base64(text, decoded));
    EXPECT_EQ(decoded, "before " + bytes);
  }
}

TEST(Bytes, Base64ReadsBackRandomBytesOfEveryLength) {
  SeededRandom random(1);
  for (std::size_t size = 0; size < 300; ++size) {
    const std::string bytes = random_bytes(random, size);
    std::string decoded;
    ASSERT_TRUE(append_from_base64(to_base64(bytes), decoded));
    ASSERT_EQ(decoded, bytes);
  }
}

TEST(Bytes, Base64ThatIsNotCanonicalIsRefused) {
  for (const char* text :
       {"Z",    "Zg",   "Zg=",  "Zm8",   "Zm9vY",    "=",    "==",    "====", "Z===", "Zg==Zg==",
        "Zm=v", "Z=8=", "=m9v", "Zm9v=", "Zm9v====", "Zm 9", "Zm9\n", "Zm9-", "Zm9_", "Zm\xC3\xA9"}) {
    EXPECT_FALSE(decodes(text)) << text;
  }
  EXPECT_FALSE(decodes(std::string_view("Zm\0v", 4)));
}

TEST(Bytes, Base64WithUnusedBitsSetIsRefused) {
  EXPECT_TRUE(decodes("Zg=="));
  EXPECT_FALSE(decodes("Zh=="));
  EXPECT_TRUE(decodes("Zm8="));
  EXPECT_FALSE(decodes("Zm9="));
}

TEST(Bytes, EveryAcceptedBase64IsTheOneThatItsBytesEncodeTo) {
  SeededRandom random(2);
  constexpr std::string_view kAlphabet = "AZaz09+/==-";
  std::size_t accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random.below(9), ' ');
    for (char& c : text) c = kAlphabet[random.below(kAlphabet.size())];
    std::string decoded;
    if (!append_from_base64(text, decoded)) continue;
    ++accepted;
    ASSERT_EQ(to_base64(decoded), text);
  }
  EXPECT_GT(accepted, 1000U);
}

}  // namespace
}  // namespace sextant
