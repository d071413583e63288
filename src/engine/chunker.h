// Chunker: cuts Markdown or plain text into chunks by headings and paragraphs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sextant {

struct ChunkingOptions {
  std::size_t max_bytes = 1200;  // of one chunk's text; longer paragraphs are cut at sentences, then at words
  std::size_t min_bytes = 200;   // shorter neighbours under the same heading are joined
};

struct TextChunk {
  std::string text;     // begins with its heading path ("Title > Section") on a line of its own, if it has one
  std::string heading;  // the heading path alone
  std::size_t line = 0; // 1-based line of its first paragraph in the source
};

/// Markdown: ATX (#) and setext headings open sections; fenced code blocks and lists are not cut inside a line; front matter
/// between --- lines is skipped. Never empty for text that has a non-space character; the pieces hold every paragraph once, in order.
std::vector<TextChunk> chunk_markdown(std::string_view text, const ChunkingOptions& options = {});
/// Plain text: blank lines separate paragraphs.
std::vector<TextChunk> chunk_plain_text(std::string_view text, const ChunkingOptions& options = {});

}  // namespace sextant
