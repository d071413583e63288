#include "cli/notes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace sextant {
namespace {

namespace fs = std::filesystem;

class NotesTest : public testing::Test {
 protected:
  NotesTest() {
    std::string pattern = (fs::temp_directory_path() / "sextant_notes_XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~NotesTest() override { fs::remove_all(root_); }
  NotesTest(const NotesTest&) = delete;
  NotesTest& operator=(const NotesTest&) = delete;

  void write(const fs::path& path, std::string_view content) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary) << content;
  }
  Notes read(const NotesOptions& options = {}) const {
    auto notes = read_notes(root_.string(), options);
    EXPECT_TRUE(notes) << (notes ? "" : notes.error().to_string());
    return notes ? *std::move(notes) : Notes();
  }

  fs::path root_;
};

std::vector<std::string> ids(const Notes& notes) {
  std::vector<std::string> result;
  for (const Json& document : notes.documents) result.push_back(document.find("id")->as_string());
  return result;
}

std::vector<std::string> skipped(const Notes& notes) {
  std::vector<std::string> result;
  for (const SkippedNote& note : notes.skipped) result.push_back(note.path + ": " + note.reason);
  return result;
}

using Strings = std::vector<std::string>;

TEST_F(NotesTest, MakesADocumentOfAFile) {
  write("house/roof.md", "# The roof\n\nIt leaks.\n\n## Costs\n\nA lot.\n");
  fs::last_write_time(
      root_ / "house/roof.md",
      std::chrono::file_clock::from_sys(std::chrono::sys_seconds(std::chrono::seconds(1714564800))));
  const Notes notes = read();
  ASSERT_EQ(notes.documents.size(), 1U);
  EXPECT_EQ(notes.documents[0], *parse_json(R"({"id": "house/roof.md",
                            "metadata": {"path": "house/roof.md", "title": "The roof", "modified": "2024-05-01T12:00:00Z"},
                            "chunks": [{"text": "The roof\nIt leaks.", "metadata": {"heading": "The roof", "line": 3}},
                                       {"text": "The roof > Costs\nA lot.", "metadata": {"heading": "The roof > Costs", "line": 7}}]})"))
      << notes.documents[0].to_string();
}

TEST_F(NotesTest, NamesUntitledNotesAfterTheirFiles) {
  write("plain.TXT", "# a heading to Markdown only");
  write("late.md", "text\n\n# later");
  write("front.markdown", "---\ntags: x\n---\n# Front\n## Part\ntext");
  const Notes notes = read();
  ASSERT_EQ(ids(notes), (Strings{"front.markdown", "late.md", "plain.TXT"}));
  EXPECT_EQ(notes.documents[0].find("metadata")->find("title")->as_string(), "Front");
  EXPECT_EQ(notes.documents[1].find("metadata")->find("title")->as_string(), "late");
  EXPECT_EQ(notes.documents[2].find("metadata")->find("title")->as_string(), "plain");
  const Json plain = notes.documents[2].find("chunks")->element(0);
  EXPECT_EQ(plain.find("text")->as_string(), "# a heading to Markdown only");
  EXPECT_EQ(plain.find("metadata")->find("heading"), nullptr);
}

TEST_F(NotesTest, TakesNotesOnlyAndPassesOverWhatIsHidden) {
  for (const char* path : {"b.md", "a/z.txt", "a/b/c.md", "image.png", "no_extension", ".hidden.md",
                           ".git/x.md", "a/.trash/y.md", ".md"}) {
    write(path, "text");
  }
  const Notes notes = read();
  EXPECT_EQ(ids(notes), (Strings{"a/b/c.md", "a/z.txt", "b.md"}));
  EXPECT_EQ(skipped(notes), Strings());
}

TEST_F(NotesTest, ReportsWhatItCannotRead) {
  write("big.md", std::string(101, 'x'));
  write("fits.md", std::string(100, 'x'));
  write("latin1.txt", "caf\xE9");
  write("blank.md", " \n\n");
  write("name\xFF.md", "text");
  fs::create_symlink("nowhere.md", root_ / "broken.md");
  const Notes notes = read({.max_file_bytes = 100, .chunking = {}});
  EXPECT_EQ(ids(notes), (Strings{"fits.md"}));
  EXPECT_EQ(skipped(notes), (Strings{"big.md: has 101 bytes; at most 100 are read", "blank.md: has no text",
                                     "broken.md: No such file or directory", "latin1.txt: is not valid UTF-8",
                                     "name?.md: its name is not valid UTF-8"}));
}

TEST_F(NotesTest, EntersNoFolderTwice) {
  // A folder is listed in any order: with this many links around it, "real" is neither first nor last.
  for (int i = 0; i < 8; ++i) fs::create_directory_symlink("real", root_ / ("early" + std::to_string(i)));
  write("real/note.md", "text");
  for (int i = 0; i < 8; ++i) fs::create_directory_symlink("real", root_ / ("late" + std::to_string(i)));
  fs::create_directory_symlink(root_, root_ / "real/up");
  fs::create_symlink("real/note.md", root_ / "same.md");
  EXPECT_EQ(ids(read()), (Strings{"real/note.md", "same.md"}));
}

TEST_F(NotesTest, FollowsLinksOutOfTheFolder) {
  write("outside/note.md", "text");
  fs::create_directory(root_ / "inside");
  fs::create_directory_symlink("../outside", root_ / "inside/linked");
  const auto notes = read_notes((root_ / "inside").string());
  ASSERT_TRUE(notes);
  EXPECT_EQ(ids(*notes), (Strings{"linked/note.md"}));
}

TEST_F(NotesTest, CutsAsAsked) {
  write("long.md", "One paragraph.\n\nAnother one.");
  EXPECT_EQ(read().documents[0].find("chunks")->size(), 1U);
  EXPECT_EQ(read({.chunking = {.max_bytes = 1200, .min_bytes = 0}}).documents[0].find("chunks")->size(), 2U);
}

TEST_F(NotesTest, NeedsAFolder) {
  write("file.md", "text");
  for (const char* name : {"missing", "file.md"}) {
    const auto notes = read_notes((root_ / name).string());
    ASSERT_FALSE(notes);
    EXPECT_EQ(notes.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(notes.error().message.find(std::string(name) + "' is not a folder"), std::string::npos);
  }
}

}  // namespace
}  // namespace sextant
