// WordNet: reads the lexical database WordNet 3.0 as documents, the sample data of `sextant load`.
//
// The files are those of the distribution's package (wordnet-base): data.{noun,verb,adj,adv} and cntlist.rev,
// in the formats of wndb(5WN), lexnames(5WN) and cntlist(5WN). Functions without state; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace sextant {

/// Words that share a meaning, and the meaning.
struct Synset {
  std::string id;                     // "wn30-02084071-n": offset in its file and n, v, a, s or r
  std::vector<std::string> words;     // as written, "guide dog"
  std::string part_of_speech;         // "noun", "verb", "adjective" or "adverb"
  std::string topic;                  // of its lexicographer file: "animal" for noun.animal
  std::string gloss;                  // the definition, without examples
  std::vector<std::string> examples;  // without quotes and the names of those quoted
  std::uint64_t uses = 0;             // how often its words were tagged with this meaning in text corpora
};

/// All synsets of the database in `directory`, the most used first, equals by id. Counts of senses that the
/// data no longer has are left out. kIo where a file cannot be read, kDamaged with file and line where one is
/// not in its format.
Result<std::vector<Synset>> read_wordnet(const std::string& directory);

/// The synset as a document of POST .../documents: a chunk of its words and gloss, and one for each example.
Json synset_document(const Synset& synset);

struct Gloss {
  std::string definition;
  std::vector<std::string> examples;
};

/// Parts a data file's gloss: quotations behind ';', ':' or ',' are examples, other quotes belong to the
/// definition.
Gloss parse_gloss(std::string_view text);

}  // namespace sextant
