// An independent, simple model of a database: maps and brute force. For tests only.
//
// It repeats what the engine promises in the plainest way, sharing no code with it but the words of types.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/types.h"

namespace sextant {

struct ModelChunk {
  std::string id;
  std::string text;
  Json metadata = Json::object();
  std::vector<double> vector;  // normalised where the library normalises
  double norm = 1;
};

struct ModelDocument {
  Json metadata = Json::object();
  std::vector<ModelChunk> chunks;
};

struct ModelLibrary {
  Metric metric = Metric::kCosine;
  bool normalize = true;
  std::size_t dimension = 0;
  std::map<std::string, ModelDocument> documents;
};

struct ModelHit {
  std::string chunk_id;
  double distance = 0;
};

class Model {
 public:
  /// Carries the operation out, or says why not and changes nothing.
  std::optional<ErrorCode> apply(const Operation& operation);
  /// From now on an upsert may take a chunk id that another document has; chunk_ids_are_unique() tells.
  void judge_chunk_ids_later(bool later) { later_ = later; }
  bool chunk_ids_are_unique() const;
  const std::map<std::string, ModelLibrary>& libraries() const { return libraries_; }
  /// All chunks whose metadata member "n" (its own, else its document's) is below `limit`, nearest first.
  static std::vector<ModelHit> search(const ModelLibrary& library, const std::vector<float>& query,
                                      std::int64_t limit);

 private:
  ModelDocument* owner_of(ModelLibrary& library, const std::string& chunk_id, std::string* document_id);
  static std::optional<ErrorCode> make_chunk(ModelLibrary& library, const ChunkInput& input,
                                             const std::string& default_id, ModelChunk& out);
  std::map<std::string, ModelLibrary> libraries_;
  bool later_ = false;
};

}  // namespace sextant
