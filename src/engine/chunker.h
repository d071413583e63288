// Chunker: cuts Markdown or plain text into chunks by headings and paragraphs.
//
// A chunk is one paragraph (or list, table, code block), or several short ones of the same section, or a part
// of a long one. Chunks stand in the order of the source and hold each of its paragraphs once. Cuts within a
// paragraph fall behind a sentence where there is one, else behind a line, else between words; in lists,
// tables and code behind a line. Only a word longer than a chunk is cut itself, never within a UTF-8
// sequence. Line ends become "\n"; blanks at line ends and blank lines around paragraphs go.
// Stateless; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sextant {

struct ChunkingOptions {
  std::size_t max_bytes = 1200;  // of one chunk's text, heading path included; at least 64
  // Shorter paragraphs, and what follows a ':', join their neighbours of the same section while max_bytes
  // allows.
  std::size_t min_bytes = 200;
};

struct TextChunk {
  std::string text;      // begins with its heading path on a line of its own, if it has one
  std::string heading;   // the heading path alone: "Title > Section"
  std::size_t line = 0;  // 1-based line of the source where its first paragraph, or the part of it, begins
};

/// Markdown: ATX (#) and one-line setext headings open sections; thematic breaks and leading YAML front
/// matter are left out. A heading path longer than a third of max_bytes loses its outer headings, then the
/// end of the last one, which then also stands whole in the section's first paragraph. A section without text
/// and without subsections is a chunk of its heading path alone. Never empty for text that has a non-space
/// character.
std::vector<TextChunk> chunk_markdown(std::string_view text, const ChunkingOptions& options = {});
/// Plain text: blank lines separate paragraphs. Never empty for text that has a non-space character.
std::vector<TextChunk> chunk_plain_text(std::string_view text, const ChunkingOptions& options = {});

}  // namespace sextant
