#include "cli/wordnet.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sextant {
namespace {

namespace fs = std::filesystem;

using Strings = std::vector<std::string>;

constexpr std::string_view kLicence = "  1 This software and database is licensed.  \n  2   \n";

/// A database of a few lines.
class WordnetTest : public testing::Test {
 protected:
  WordnetTest() {
    std::string pattern = (fs::temp_directory_path() / "sextant_wordnet_XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    write("data.noun",
          "00000110 05 n 02 dog 0 domestic_dog 0 001 @ 00000220 n 0000 | a pet; \"the dog barked\"  \n"
          "00000220 03 n 01 animal 0 000 | a being  \n"
          "00000330 18 n 01 dog 1 000 | a dull person  \n");
    write("data.verb", "00000110 38 v 01 dog 0 001 @ 00000110 v 0000 01 + 08 00 | go after  \n");
    write("data.adj",
          "00000110 00 s 01 gone(p) 2 001 & 00000220 a 0000 | away  \n"
          "00000220 00 a 01 Absent(a) 1 001 & 00000110 a 0000 | not here  \n");
    write("data.adv", "00000110 02 r 01 away 0 000 | elsewhere  \n");
    write("cntlist.rev",
          "absent%3:00:01:: 1 2\n"
          "dog%1:05:00:: 1 40\n"
          "dog%1:18:01:: 2 3\n"
          "dog%2:38:00:: 1 3\n"
          "domestic_dog%1:05:00:: 1 2\n"
          "gone%5:00:02:absent(a):01 1 7\n"
          "vanished%1:05:00:: 1 99\n");
  }
  ~WordnetTest() override { fs::remove_all(root_); }
  WordnetTest(const WordnetTest&) = delete;
  WordnetTest& operator=(const WordnetTest&) = delete;

  void write(const std::string& file, std::string_view lines) const {
    std::ofstream(root_ / file, std::ios::binary) << (file.starts_with("data") ? kLicence : "") << lines;
  }
  std::string error() const {
    const auto read = read_wordnet(root_.string());
    return read ? "none" : read.error().to_string();
  }

  fs::path root_;
};

TEST_F(WordnetTest, ReadsSynsetsTheMostUsedFirst) {
  const auto synsets = read_wordnet(root_.string());
  ASSERT_TRUE(synsets) << synsets.error().to_string();
  Strings order;
  for (const Synset& synset : *synsets) order.push_back(synset.id + " " + std::to_string(synset.uses));
  EXPECT_EQ(order,
            (Strings{"wn30-00000110-n 42", "wn30-00000110-s 7", "wn30-00000110-v 3", "wn30-00000330-n 3",
                     "wn30-00000220-a 2", "wn30-00000110-r 0", "wn30-00000220-n 0"}));
  const Synset& dog = synsets->front();
  EXPECT_EQ(dog.words, (Strings{"dog", "domestic dog"}));
  EXPECT_EQ(dog.part_of_speech, "noun");
  EXPECT_EQ(dog.topic, "animal");
  EXPECT_EQ(dog.gloss, "a pet");
  EXPECT_EQ(dog.examples, (Strings{"the dog barked"}));
  EXPECT_EQ((*synsets)[1].words, (Strings{"gone"})) << "without its marker";
  EXPECT_EQ((*synsets)[1].part_of_speech, "adjective");
  EXPECT_EQ((*synsets)[2].topic, "motion");
  EXPECT_EQ((*synsets)[4].words, (Strings{"Absent"}));
  EXPECT_EQ((*synsets)[5].part_of_speech, "adverb");
}

TEST_F(WordnetTest, NamesFileAndLineOfDamage) {
  const auto damage = [&](const std::string& file, std::string_view lines, const std::string& expected) {
    const fs::path path = root_ / file;
    fs::copy_file(path, root_ / "whole");
    write(file, lines);
    EXPECT_EQ(error(), "damaged: WordNet's " + expected);
    fs::rename(root_ / "whole", path);
  };
  const std::string format = "not in the format of wndb(5WN)";
  damage("data.noun", "00000110 05 n 01 dog 0 000 | a pet\nrubbish\n", "data.noun, line 4: " + format);
  damage("data.verb", "00000110 99 v 01 dog 0 000 | no such topic\n", "data.verb, line 3: " + format);
  damage("data.verb", "00000110 38 x 01 dog 0 000 | no such type\n", "data.verb, line 3: " + format);
  damage("data.verb", "00000110 38 v 00 000 | no words\n", "data.verb, line 3: " + format);
  damage("data.verb", "00000110 38 v 02 dog 0 000 | a word short\n", "data.verb, line 3: " + format);
  damage("data.verb", "00000110 38 v 02 dog 0  0 000 | an empty word\n", "data.verb, line 3: " + format);
  damage("data.verb", "00000110 38 v 01 dog 0 002 @ 00000110 v 0000 | a pointer short\n",
         "data.verb, line 3: " + format);
  damage("data.verb", "00000110 38 v 01 dog 0 000 no gloss\n", "data.verb, line 3: " + format);
  damage("data.verb", "00000110 38 v 01 d\xC3\xB6g 0 000 | no ASCII\n", "data.verb, line 3: " + format);
  damage("data.adj", "00000110 00 s 01 gone 2 000 | no head\n", "data.adj, line 3: " + format);
  damage("data.adj", "00000110 00 s 01 gone 2 001 & 00000220 a 0000 | away\n",
         "data.adj, line 3: no head 00000220");
  damage("cntlist.rev", "dog%1:05:00:: 1 40\ndog%1:05:00:: 1\n",
         "cntlist.rev, line 2: not in the format of cntlist(5WN)");
  EXPECT_EQ(error(), "none");
}

TEST_F(WordnetTest, NamesTheFileThatIsMissing) {
  fs::remove(root_ / "data.adv");
  const auto read = read_wordnet(root_.string());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kIo);
  EXPECT_NE(read.error().message.find("data.adv"), std::string::npos) << read.error().message;
}

TEST(Wordnet, PartsDefinitionsFromExamples) {
  const auto expect = [](std::string_view text, const std::string& definition, const Strings& examples) {
    const Gloss gloss = parse_gloss(text);
    EXPECT_EQ(gloss.definition, definition) << text;
    EXPECT_EQ(gloss.examples, examples) << text;
  };
  expect("a human being", "a human being", {});
  expect("one; two (three; four)", "one; two (three; four)", {});
  expect(R"(a pet; "it barked"; "good dog; sit")", "a pet", {"it barked", "good dog; sit"});
  expect(R"(to be; "To be, or not to be" - Shakespeare; "I am"--Anon)", "to be",
         {"To be, or not to be", "I am"});
  expect(R"(present; "next to me"; often used in combination)", "present; often used in combination",
         {"next to me"});
  expect(R"(a head; "of a nail", "of a pin" or "of a bolt";)", "a head",
         {"of a nail", "of a pin", "of a bolt"});
  expect(R"(act of substituting: "he sent Smith in")", "act of substituting", {"he sent Smith in"});
  expect(R"(in fear, "she hurried down the stairs,")", "in fear", {"she hurried down the stairs"});
  expect(R"(usually as "on behalf of" rather than "in behalf of"; "for me")",
         R"(usually as "on behalf of" rather than "in behalf of")", {"for me"});
  expect(R"(a report (e.g., "he said so"))", R"(a report (e.g., "he said so"))", {});
  expect(R"(utter; "drop a hint"; drop names")", "utter", {"drop a hint", "drop names"});
  expect(R"(a local branch")", "a local branch", {});
  expect(R"(a notice; "a notice of sale)", "a notice", {"a notice of sale"});
  expect("", "", {});
}

TEST(Wordnet, MakesADocumentOfASynset) {
  const Synset synset{"wn30-02084071-n", {"dog", "domestic dog"},   "noun", "animal",
                      "a pet",           {"it barked", "good dog"}, 42};
  EXPECT_EQ(synset_document(synset), *parse_json(R"({"id": "wn30-02084071-n",
                            "metadata": {"words": ["dog", "domestic dog"], "part_of_speech": "noun", "topic": "animal"},
                            "chunks": [{"text": "dog, domestic dog: a pet"}, {"text": "it barked"}, {"text": "good dog"}]})"));
}

TEST(Wordnet, ReadsTheWholeDatabase) {
  const std::string directory = "/usr/share/wordnet";
  if (!fs::exists(directory + "/data.noun")) GTEST_SKIP() << "the package wordnet-base is not installed";
  const auto synsets = read_wordnet(directory);
  ASSERT_TRUE(synsets) << synsets.error().to_string();
  EXPECT_EQ(synsets->size(), 117'659U);
  EXPECT_TRUE(std::ranges::is_sorted(*synsets, std::ranges::greater(), &Synset::uses));
  EXPECT_EQ(synsets->front().words, (Strings{"be"}));
  std::map<std::string, std::size_t> parts;
  std::uint64_t uses = 0;
  for (const Synset& synset : *synsets) {
    ++parts[synset.part_of_speech];
    uses += synset.uses;
    ASSERT_FALSE(synset.words.empty() || synset.gloss.empty() || synset.topic.empty()) << synset.id;
    for (const std::string& word : synset.words)
      ASSERT_EQ(word.find_first_of("_("), std::string::npos) << synset.id;
  }
  EXPECT_EQ(parts, (std::map<std::string, std::size_t>{
                       {"adjective", 18'156}, {"adverb", 3'621}, {"noun", 82'115}, {"verb", 13'767}}));
  EXPECT_EQ(uses, 249'492U) << "of 258,691 counted; the rest names senses that are gone";
  const auto dog = std::ranges::find(*synsets, "wn30-02084071-n", &Synset::id);
  ASSERT_NE(dog, synsets->end());
  EXPECT_LT(dog - synsets->begin(), 10'000);
  EXPECT_EQ(dog->words, (Strings{"dog", "domestic dog", "Canis familiaris"}));
  EXPECT_EQ(dog->topic, "animal");
  EXPECT_EQ(dog->examples, (Strings{"the dog barked all night"}));
}

}  // namespace
}  // namespace sextant
