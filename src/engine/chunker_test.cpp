#include "engine/chunker.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sextant {
namespace {

using Texts = std::vector<std::string>;

// Every paragraph a chunk of its own.
constexpr ChunkingOptions kApart{.max_bytes = 1200, .min_bytes = 0};

Texts texts(const std::vector<TextChunk>& chunks) {
  Texts result;
  for (const TextChunk& chunk : chunks) result.push_back(chunk.text);
  return result;
}

Texts markdown(std::string_view text, const ChunkingOptions& options = kApart) {
  return texts(chunk_markdown(text, options));
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

std::string_view without_heading(const TextChunk& chunk) {
  std::string_view text = chunk.text;
  if (!chunk.heading.empty()) text.remove_prefix(std::min(chunk.heading.size() + 1, text.size()));
  return text;
}

/// All that is not white space: what no cut may lose, double or reorder.
std::string ink(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c != ' ' && (c < '\t' || c > '\r')) result += c;
  }
  return result;
}

std::string ink(const std::vector<TextChunk>& chunks) {
  std::string result;
  for (const TextChunk& chunk : chunks) result += ink(without_heading(chunk));
  return result;
}

bool begins_within_utf8(std::string_view text) {
  return !text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0U) == 0x80U;
}

// ---- Headings ----

TEST(Chunker, PutsTheHeadingPathBeforeTheText) {
  const auto chunks =
      chunk_markdown("intro\n\n# A\none\n## B\ntwo\n### C ###\nthree\n## D\nfour\n# E #5\nfive\n", kApart);
  EXPECT_EQ(texts(chunks),
            (Texts{"intro", "A\none", "A > B\ntwo", "A > B > C\nthree", "A > D\nfour", "E #5\nfive"}));
  EXPECT_EQ(chunks[0].heading, "");
  EXPECT_EQ(chunks[3].heading, "A > B > C");
  Texts lines;
  for (const TextChunk& chunk : chunks) lines.push_back(std::to_string(chunk.line));
  EXPECT_EQ(lines, (Texts{"1", "4", "6", "8", "10", "12"}));
}

TEST(Chunker, ReadsSetextHeadingsOfOneLine) {
  EXPECT_EQ(markdown("Title\n=====\ntext\n\nPart\n---\nmore"), (Texts{"Title\ntext", "Title > Part\nmore"}));
  EXPECT_EQ(markdown("two lines\nof text\n---\nmore"), (Texts{"two lines\nof text", "more"}));
  EXPECT_EQ(markdown("- item\n---\nmore"), (Texts{"- item", "more"}));
  EXPECT_EQ(markdown("a\n\n===\nb"), (Texts{"a", "===\nb"}));
}

TEST(Chunker, TakesOnlyHeadingsForHeadings) {
  for (const std::string_view text : {"#no blank", "####### seven", "    # code", "\\# escaped", "a # b"}) {
    const auto chunks = chunk_markdown(text);
    ASSERT_EQ(chunks.size(), 1U) << text;
    EXPECT_EQ(chunks[0].heading, "") << text;
  }
  EXPECT_EQ(markdown("#\ttabbed\nx"), (Texts{"tabbed\nx"}));
  EXPECT_EQ(markdown("   ## indented\nx"), (Texts{"indented\nx"}));
  EXPECT_EQ(markdown("#\nx"), (Texts{"x"})) << "an empty heading adds nothing to the path";
  EXPECT_EQ(markdown("# C#\nx"), (Texts{"C#\nx"}));
}

TEST(Chunker, KeepsHeadingsWithoutText) {
  EXPECT_EQ(markdown("# A\n## B\n## C\nc\n# D\n"), (Texts{"A > B", "A > C\nc", "D"}));
  const auto chunks = chunk_markdown("\n\n# Alone");
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(chunks[0].text, "Alone");
  EXPECT_EQ(chunks[0].line, 3U);
}

TEST(Chunker, ShortensLongHeadingPathsAndLosesNothing) {
  const ChunkingOptions small{.max_bytes = 90, .min_bytes = 0};  // 30 for the path
  EXPECT_EQ(markdown("# Outermost heading\n## In the middle\n### Inner\ntext", small),
            (Texts{"In the middle > Inner\ntext"}));
  const std::string heading = "ä heading of more than thirty bytes";
  const auto chunks = chunk_markdown("# " + heading + "\ntext", small);
  ASSERT_EQ(chunks.size(), 2U);
  EXPECT_EQ(chunks[0].heading, "ä heading of more than thi…");
  EXPECT_EQ(chunks[0].text, chunks[0].heading + "\n" + heading);
  EXPECT_EQ(chunks[1].text, chunks[0].heading + "\ntext");
}

// ---- Paragraphs ----

TEST(Chunker, JoinsShortParagraphsOfOneSection) {
  const std::string longer(300, 'x');
  const ChunkingOptions options{.max_bytes = 1000, .min_bytes = 200};
  EXPECT_EQ(markdown("a\n\nb\n\n# H\nc", options), (Texts{"a\n\nb", "H\nc"}));
  EXPECT_EQ(markdown("a\n\n" + longer + "\n\n" + longer + "\n\nb", options),
            (Texts{"a\n\n" + longer, longer + "\n\nb"}));
  EXPECT_EQ(markdown(std::string(950, 'y') + "\n\n" + std::string(60, 'z'), options).size(), 2U)
      << "over the limit";
}

TEST(Chunker, KeepsAnAnnouncementWithWhatItAnnounces) {
  const std::string list = "- " + std::string(300, 'x');
  EXPECT_EQ(markdown("The rules are these:\n\n" + list), (Texts{"The rules are these:\n\n" + list}));
  EXPECT_EQ(markdown("Rules:\n" + list), (Texts{"Rules:\n" + list}));
  EXPECT_EQ(markdown("No rules.\n\n" + list), (Texts{"No rules.", list}));
}

TEST(Chunker, LeavesCodeFencesAlone) {
  const std::string code = "```sh\n# no heading\n\n---\necho hi\n```";
  EXPECT_EQ(markdown("# H\n" + code + "\nafter"), (Texts{"H\n" + code, "H\nafter"}));
  EXPECT_EQ(markdown("~~~~\n```\n~~~\n# x\n~~~~\n# H\ny"), (Texts{"~~~~\n```\n~~~\n# x\n~~~~", "H\ny"}));
  EXPECT_EQ(markdown("- item\n\n  ```\n  # x\n  ```\n"), (Texts{"- item", "  ```\n  # x\n  ```"}));
  EXPECT_EQ(markdown("```\n```x\n# y\n```"), (Texts{"```\n```x\n# y\n```"}));
  EXPECT_EQ(markdown("```inline``` code\n# H\nx"), (Texts{"```inline``` code", "H\nx"}));
  EXPECT_EQ(markdown("```\n# never closed\n\nto the end"), (Texts{"```\n# never closed\n\nto the end"}));
}

TEST(Chunker, KeepsTheIndentationOfListsAndCode) {
  EXPECT_EQ(markdown("1. one\n   - nested\n     more\n2. two\n\n       code\n"),
            (Texts{"1. one\n   - nested\n     more\n2. two", "       code"}));
  EXPECT_EQ(markdown("  prose is flush   \n  left only at its start\t\n"),
            (Texts{"prose is flush\n  left only at its start"}));
}

TEST(Chunker, ReadsAllLineEnds) {
  const auto chunks = chunk_markdown(
      "# A\r\n\r\none\r\ntwo\r\n\r\n```\r\n# x\r\n```\r\nB\r\n===\r\nthree\rfour\r\r\nfive", kApart);
  EXPECT_EQ(texts(chunks), (Texts{"A\none\ntwo", "A\n```\n# x\n```", "B\nthree\nfour", "B\nfive"}));
  EXPECT_EQ(chunks.back().line, 14U);
}

TEST(Chunker, SkipsFrontMatterAndRules) {
  EXPECT_EQ(markdown("---\ntitle: x\ntags: [a]\n---\n# H\ny"), (Texts{"H\ny"}));
  EXPECT_EQ(chunk_markdown("---\ntitle: x\n...\ny").front().line, 4U);
  EXPECT_EQ(markdown("---\nno front matter\n\n---\ny"), (Texts{"no front matter", "y"}));
  EXPECT_EQ(markdown("---\ntitle: never closed"), (Texts{"title: never closed"}));
  EXPECT_EQ(markdown("a\n***\nb\n\n- - -\n_ _ _\nc"), (Texts{"a", "b", "c"}));
  EXPECT_EQ(markdown("\xEF\xBB\xBF# H\ny"), (Texts{"H\ny"})) << "a byte order mark";
}

TEST(Chunker, NeverLosesATextOfMarksOnly) {
  EXPECT_EQ(markdown("---\n"), (Texts{"---"}));
  EXPECT_EQ(markdown("---\ntitle: x\n---\n"), (Texts{"---\ntitle: x\n---"}));
  EXPECT_TRUE(markdown("").empty());
  EXPECT_TRUE(markdown(" \n\t\r\n\v").empty());
  EXPECT_TRUE(chunk_plain_text(" \n\n ").empty());
}

TEST(Chunker, ReadsPlainTextAsParagraphsOnly) {
  const auto chunks = chunk_plain_text("# no heading\nsame\n \t\n\n```\n\n  last  \n", kApart);
  EXPECT_EQ(texts(chunks), (Texts{"# no heading\nsame", "```", "last"}));
  EXPECT_EQ(chunks[2].line, 7U);
}

// ---- Cuts ----

TEST(Chunker, CutsLongParagraphsBehindSentences) {
  const ChunkingOptions small{.max_bytes = 64, .min_bytes = 0};
  EXPECT_EQ(
      markdown(
          "The first sentence has some words. (The second, e.g. this one, too!) And a third one ends it.",
          small),
      (Texts{"The first sentence has some words.",
             "(The second, e.g. this one, too!) And a third one ends it."}));
  EXPECT_EQ(markdown("Version 1.5 of the library is here and it has no end in sight, none", small),
            (Texts{"Version 1.5 of the library is here and it has no end in sight,", "none"}));
  EXPECT_EQ(markdown("一二三四五六七八九十一二三。一二三四五六七八九十一二三四五", small),
            (Texts{"一二三四五六七八九十一二三。", "一二三四五六七八九十一二三四五"}));
  EXPECT_EQ(markdown("a line that has thirty-five letters\na line that has thirty-five letters", small),
            (Texts{"a line that has thirty-five letters", "a line that has thirty-five letters"}));
}

TEST(Chunker, CutsListsTablesAndCodeBetweenLines) {
  const ChunkingOptions small{.max_bytes = 64, .min_bytes = 0};
  EXPECT_EQ(
      markdown("- One sentence. Another\n  one. A third.\n- Two sentences here. And more\n  of it.", small),
      (Texts{"- One sentence. Another\n  one. A third.", "- Two sentences here. And more\n  of it."}));
  EXPECT_EQ(
      markdown("```\nint f() {\n  return 1;\n}\nint g() {\n\n  return 2;\n}\nint h() {\n  return 3;\n}\n```",
               small),
      (Texts{"```\nint f() {\n  return 1;\n}\nint g() {\n\n  return 2;\n}",
             "int h() {\n  return 3;\n}\n```"}));
  EXPECT_EQ(
      markdown(
          "```\n  one\n    a line of more letters\n\n    two\n    and three of more letters than fit\n```",
          small),
      (Texts{"```\n  one\n    a line of more letters",
             "    two\n    and three of more letters than fit\n```"}));
  EXPECT_EQ(markdown("- ab\n  " + repeated("word ", 14), small),
            (Texts{"- ab", "  word word word word word word word word word word word word", "word word"}));
  EXPECT_EQ(markdown("| a | b |\n" + repeated("| one cell | another cell |\n", 3), small),
            (Texts{"| a | b |\n| one cell | another cell |",
                   "| one cell | another cell |\n| one cell | another cell |"}));
}

TEST(Chunker, JoinsThePartsOfAParagraphAsTheyStood) {
  const ChunkingOptions joining{.max_bytes = 64, .min_bytes = 64};
  const std::string word(64, 'x');
  EXPECT_EQ(markdown(word + "yz. A", joining), (Texts{word, "yz. A"}));
  EXPECT_EQ(markdown(word + "yz\n\nA", joining), (Texts{word, "yz\n\nA"}));
  EXPECT_EQ(markdown("First sentence of some length.     Second sentence of some lengths.", joining),
            (Texts{"First sentence of some length. Second sentence of some lengths."}));
  EXPECT_EQ(markdown("- First sentence of some length.\n- Second sentence of some length", joining).size(),
            2U);
}

TEST(Chunker, CountsTheLinesOfTheParts) {
  const auto chunks = chunk_markdown("# H\n\n```\n" + repeated("0123456789012345678\n", 6) + "```\n",
                                     {.max_bytes = 64, .min_bytes = 0});
  ASSERT_EQ(chunks.size(), 3U);
  EXPECT_EQ(chunks[0].line, 3U);
  EXPECT_EQ(chunks[1].line, 6U);
  EXPECT_EQ(chunks[2].line, 9U);
}

TEST(Chunker, CutsWordsLongerThanAChunkBetweenCodePoints) {
  for (const std::string_view letter : {"x", "é", "字", "🦭"}) {
    const std::string word = "a" + repeated(letter, 200);
    const auto chunks = chunk_markdown(word, {.max_bytes = 64, .min_bytes = 50});
    EXPECT_EQ(ink(chunks), word);
    for (const TextChunk& chunk : chunks) {
      EXPECT_LE(chunk.text.size(), 64U);
      EXPECT_FALSE(begins_within_utf8(chunk.text)) << letter;
    }
  }
}

// ---- Whatever the text ----

// Draws texts of the pieces that Markdown readers stumble over.
std::string draw_markdown() {
  static const std::vector<std::string> kPieces = {"word",
                                                   "Word. ",
                                                   "Ende! ",
                                                   "a b c ",
                                                   "größe ",
                                                   "字字字。",
                                                   "🦭",
                                                   "\n",
                                                   "\n",
                                                   "\n\n",
                                                   "\r\n",
                                                   "\r\n\r\n",
                                                   " ",
                                                   "    ",
                                                   "\t",
                                                   "\f",
                                                   "# ",
                                                   "## ",
                                                   "\n### Deep\n",
                                                   "#",
                                                   "\n===\n",
                                                   "\n---\n",
                                                   "---\n",
                                                   "\n```\n",
                                                   "\n~~~\n",
                                                   "```",
                                                   "\n- item ",
                                                   "\n  - nested ",
                                                   "\n10. ",
                                                   "\n> quote ",
                                                   "\n| a | b |\n",
                                                   ": ",
                                                   "title: x\n",
                                                   "\n***\n",
                                                   std::string(90, 'w'),
                                                   "<!-- x -->",
                                                   "`code` ",
                                                   "\\# "};
  const auto picks =
      *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, kPieces.size()));
  std::string text;
  for (const std::size_t pick : picks) text += kPieces[pick];
  return text;
}

ChunkingOptions draw_options() {
  return {.max_bytes = *rc::gen::inRange<std::size_t>(64, 300),
          .min_bytes = *rc::gen::inRange<std::size_t>(0, 300)};
}

void check_sizes(const std::vector<TextChunk>& chunks, const ChunkingOptions& options) {
  std::size_t line = 1;
  for (const TextChunk& chunk : chunks) {
    RC_ASSERT(!ink(chunk.text).empty());
    RC_ASSERT(chunk.text.size() <= options.max_bytes);
    RC_ASSERT(chunk.text.starts_with(chunk.heading));
    RC_ASSERT(!begins_within_utf8(without_heading(chunk)));
    RC_ASSERT(chunk.text.find('\r') == std::string::npos);
    RC_ASSERT(chunk.line >= line);
    line = chunk.line;
  }
}

TEST(Chunker, KeepsEveryCharacterOfPlainTextOnceAndInOrder) {
  EXPECT_TRUE(rc::check([] {
    const std::string text = draw_markdown();
    const ChunkingOptions options = draw_options();
    const auto chunks = chunk_plain_text(text, options);
    RC_ASSERT(ink(chunks) == ink(text));
    check_sizes(chunks, options);
  }));
}

TEST(Chunker, KeepsTheLimitsOnAnyMarkdown) {
  EXPECT_TRUE(rc::check([] {
    const std::string text = draw_markdown();
    const ChunkingOptions options = draw_options();
    const auto chunks = chunk_markdown(text, options);
    RC_ASSERT(chunks.empty() == ink(text).empty());
    check_sizes(chunks, options);
  }));
}

TEST(Chunker, KeepsEveryParagraphOfMarkdownOnceAndInOrder) {
  static const std::vector<std::string> kBlocks = {"Some prose. With sentences, é and 字.",
                                                   "two\nlines",
                                                   "- a list\n  - nested\n- end",
                                                   "```\n# code\n\nmore\n```",
                                                   "    indented # code",
                                                   "> quote\n> more",
                                                   "| a |\n|---|\n| b |",
                                                   std::string(150, 'x'),
                                                   "Announced:",
                                                   "`inline` **marks** [a](b)",
                                                   "***bold***"};
  static const std::vector<std::string> kBreaks = {"# Heading", "## Deeper", "Setext\n===", "***", "---", ""};
  EXPECT_TRUE(rc::check([] {
    const auto picks = *rc::gen::container<std::vector<std::pair<std::size_t, std::size_t>>>(rc::gen::pair(
        rc::gen::inRange<std::size_t>(0, kBreaks.size()), rc::gen::inRange<std::size_t>(0, kBlocks.size())));
    const std::string end = *rc::gen::element<std::string>("\n", "\r\n");
    std::string text = "start" + end + end;
    std::string expected = "start";
    for (const auto& [before, block] : picks) {
      text += kBreaks[before] + end + end;
      for (const char c : kBlocks[block]) text += c == '\n' ? end : std::string(1, c);
      text += end + end;
      expected += ink(kBlocks[block]);
    }
    const ChunkingOptions options = draw_options();
    const auto chunks = chunk_markdown(text, options);
    RC_ASSERT(ink(chunks) == expected);
    check_sizes(chunks, options);
  }));
}

}  // namespace
}  // namespace sextant
