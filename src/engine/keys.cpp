#include "engine/keys.h"

#include "base/checksum.h"

namespace sextant::keys {

namespace {

std::string place_prefix(Place place, char kind) {
  std::string key;
  append_be32(key, place.library);
  append_be32(key, place.partition);
  key.push_back(kind);
  return key;
}

std::string place_key(Place place, char kind, std::string_view id) {
  std::string key = place_prefix(place, kind);
  key.append(id);
  return key;
}

}  // namespace

std::string library(LibraryId id) {
  std::string key = "L";
  append_be32(key, id);
  return key;
}

std::string outcome(std::string_view scope, std::string_view key) {
  std::string both(scope);
  both.push_back('\0');
  both.append(key);
  return "I" + sha256_hex(both);
}

std::string outcome_age(std::int64_t time_ms, std::string_view outcome) {
  std::string key(1, kOutcomeAgePrefix);
  append_be64(key, static_cast<std::uint64_t>(time_ms));
  key.append(outcome);
  return key;
}

std::string chunk_id(Place place, std::string_view id) { return place_key(place, 'c', id); }
std::string chunk_ids(Place place) { return place_prefix(place, 'c'); }
std::string document(Place place, std::string_view id) { return place_key(place, 'd', id); }
std::string documents(Place place) { return place_prefix(place, 'd'); }
std::string row(Place place, RowId row) {
  std::string key = place_prefix(place, 'r');
  append_be64(key, row);
  return key;
}
std::string rows(Place place) { return place_prefix(place, 'r'); }
std::string all_of(LibraryId library) {
  std::string key;
  append_be32(key, library);
  return key;
}

std::string encode(const ChunkPlace& place) {
  std::string value;
  append_le(value, place.row);
  value.append(place.document_id);
  return value;
}

Result<ChunkPlace> decode_chunk_place(std::string_view value) {
  if (value.size() < sizeof(RowId)) return fail(ErrorCode::kDamaged, "a chunk id's record is too short");
  return ChunkPlace{load_le<RowId>(value, 0), std::string(value.substr(sizeof(RowId)))};
}

}  // namespace sextant::keys
