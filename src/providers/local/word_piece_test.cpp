#include "providers/local/word_piece.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "base/memory_disk.h"

namespace sextant {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
using Words = std::vector<std::string>;
using Tokens = std::vector<std::int32_t>;

Words words(std::string_view text, const BertTextOptions& options = {}) {
  return split_bert_words(text, options).value();
}

TEST(BertText, SplitsAtWhiteSpaceAndPunctuation) {
  EXPECT_EQ(words("Don't stop.\tNow\n"), (Words{"don", "'", "t", "stop", ".", "now"}));
  EXPECT_EQ(words("a\u00a0b\u2003c\u3000d"), (Words{"a", "b", "c", "d"}));
  EXPECT_EQ(words("$5^2=`x`~|"), (Words{"$", "5", "^", "2", "=", "`", "x", "`", "~", "|"}));
  EXPECT_EQ(words("\u00abquoted\u00bb \u2014 \u3002"),
            (Words{"\u00ab", "quoted", "\u00bb", "\u2014", "\u3002"}));
  EXPECT_EQ(words(""), Words{});
}

TEST(BertText, DropsWhatIsNoCharacter) {
  EXPECT_EQ(words("a\x01\x7f\u200b\ufeff\ufffd\ue000z"), Words{"az"});
  EXPECT_EQ(words(std::string("a\0z", 3)), Words{"az"});
  EXPECT_EQ(words("a\xff\xc3z\xe2\x82"), Words{"az"});
}

TEST(BertText, StripsAccentsByDecomposing) {
  EXPECT_EQ(words("Ångström ÇA e\u0301 Việt"), (Words{"angstrom", "ca", "e", "viet"}));
  EXPECT_EQ(words("한국"), Words{"\u1112\u1161\u11ab\u1100\u116e\u11a8"});
  EXPECT_EQ(words("ÉÇ", {.lower_case = true, .strip_accents = false}), Words{"éç"});
}

TEST(BertText, LowersCaseOfEveryScript) {
  EXPECT_EQ(words("ÀΣЖ", {.lower_case = true, .strip_accents = false}), Words{"àσж"});
  EXPECT_EQ(words("\u0130x", {.lower_case = true, .strip_accents = false}), Words{"i\u0307x"});
  EXPECT_EQ(words("\u0130x"), Words{"ix"});
  EXPECT_EQ(words("ABC É", {.lower_case = false, .strip_accents = false}), (Words{"ABC", "É"}));
}

TEST(BertText, MakesEachIdeographAWord) {
  EXPECT_EQ(words("中文ab字"), (Words{"中", "文", "ab", "字"}));
  EXPECT_EQ(words("中文", {.split_cjk = false}), Words{"中文"});
  EXPECT_EQ(words("\U00020000\u30ab\u30bf"), (Words{"\U00020000", "\u30ab\u30bf"}));
}

class WordPieceTest : public ::testing::Test {
 protected:
  // [PAD] 0 [UNK] 1 [CLS] 2 [SEP] 3 un 4 ##want 5 ##ed 6 want 7 runn 8 ##ing 9 , 10 中 11 ##é 12 e 13
  static constexpr std::string_view kVocabulary =
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##want\n##ed\nwant\nrunn\n##ing\n,\n中\n##é\ne\n";

  Result<WordPiece> open(std::string_view vocabulary, std::size_t max_size = 100,
                         BertTextOptions options = {}) {
    EXPECT_TRUE(write_file_atomically(disk_, "/vocab.txt", vocabulary).has_value());
    return WordPiece::open(disk_, "/vocab.txt", options, max_size);
  }
  Tokens encode(std::string_view text, std::size_t max_tokens = kNoLimit) {
    return open(kVocabulary).value().encode(text, max_tokens).value();
  }

  MemoryDisk disk_;
};

TEST_F(WordPieceTest, TakesTheLongestPieceEachTime) {
  EXPECT_EQ(encode("UNwanted, running"), (Tokens{2, 4, 5, 6, 10, 8, 9, 3}));
  EXPECT_EQ(encode("want中want"), (Tokens{2, 7, 11, 7, 3}));
  EXPECT_EQ(encode(""), (Tokens{2, 3}));
}

TEST_F(WordPieceTest, MakesAWordWithAnUnknownPieceUnknown) {
  EXPECT_EQ(encode("unwantedx want"), (Tokens{2, 1, 7, 3}));
  EXPECT_EQ(encode("xwant"), (Tokens{2, 1, 3}));
}

TEST_F(WordPieceTest, CountsCharactersNotBytesOfALongWord) {
  const auto pieces = open(kVocabulary, 100, {.lower_case = true, .strip_accents = false}).value();
  std::string word = "e";
  for (std::size_t i = 1; i < WordPiece::kMaxWordCharacters; ++i) word += "é";
  EXPECT_EQ(pieces.encode(word, kNoLimit).value().size(),
            WordPiece::kMaxWordCharacters + WordPiece::kFramingTokens);
  EXPECT_EQ(pieces.encode(word + "é", kNoLimit).value(), (Tokens{2, 1, 3}));
}

TEST_F(WordPieceTest, KeepsTheFrameWhenItCuts) {
  EXPECT_EQ(encode("want want want", 4), (Tokens{2, 7, 7, 3}));
  EXPECT_EQ(encode("want unwanted", 4), (Tokens{2, 7, 4, 3}));
  EXPECT_EQ(encode("want", 2), (Tokens{2, 3}));
  EXPECT_EQ(encode("want[SEP]want", 4), (Tokens{2, 7, 3, 3}));
}

TEST_F(WordPieceTest, SplitsNoWordOfALongText) {
  std::string text;
  Tokens expected = {2};
  for (int i = 0; i < 30'000; ++i) {
    text += "unwanted ";
    expected.insert(expected.end(), {4, 5, 6});
  }
  expected.push_back(3);
  EXPECT_EQ(encode(text), expected);
  expected.resize(70'000);
  expected.back() = 3;
  EXPECT_EQ(encode(text, 70'000), expected);
}

TEST_F(WordPieceTest, TakesSpecialTokensInATextForThemselves) {
  EXPECT_EQ(encode("want[SEP]want [CLS][PAD]"), (Tokens{2, 7, 3, 7, 2, 0, 3}));
  EXPECT_EQ(encode("[MASK]"), (Tokens{2, 1, 1, 1, 3})) << "not in this vocabulary, so it is text";
  EXPECT_EQ(encode("[sep] ["), (Tokens{2, 1, 1, 1, 1, 3}));
}

TEST_F(WordPieceTest, ReadsLinesHoweverTheyEnd) {
  const auto pieces = open("[UNK]\r\n[CLS]\r\n[SEP]\r\nwant");
  ASSERT_TRUE(pieces) << pieces.error().to_string();
  EXPECT_EQ(pieces->size(), 4U);
  EXPECT_EQ(pieces->encode("want x", kNoLimit).value(), (Tokens{1, 3, 0, 2}));
}

TEST_F(WordPieceTest, RefusesAVocabularyThatDoesNotFitTheModel) {
  const auto larger = open(kVocabulary, 13);
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().code, ErrorCode::kDamaged);
  EXPECT_NE(larger.error().message.find("more than the 13 tokens of the model"), std::string::npos);
  const auto lacking = open("[UNK]\n[CLS]\nwant\n");
  ASSERT_FALSE(lacking);
  EXPECT_NE(lacking.error().message.find("lacks the token [SEP]"), std::string::npos);
}

}  // namespace
}  // namespace sextant
