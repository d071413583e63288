#include "engine/applier.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/keys.h"
#include "engine/record_codec.h"

namespace sextant {

namespace {

Status contradiction(Sequence sequence, std::string_view what) {
  return fail(ErrorCode::kDamaged,
              fmt::format("the log's record {} contradicts the state before it: {}", sequence, what));
}

template <typename Rows>
bool known_rows(const Rows& rows, const PartitionState& partition) {
  return std::ranges::all_of(rows, [&](RowId row) { return row < partition.next_row(); });
}

Result<std::shared_ptr<const Json>> shared_object(const std::string& bytes) {
  if (bytes.empty()) return std::shared_ptr<const Json>();
  TRY_ASSIGN(Json json, decode_object(bytes));
  return std::make_shared<const Json>(std::move(json));
}

}  // namespace

// A record with everything that can be parsed without looking at state.
struct Applier::Decoded {
  record::CommitRecord record;
  std::string_view vectors;
  std::vector<std::shared_ptr<const Json>>
      metadata;  // of each written document, then of each of its new chunks, in order
  Status status;
};

Status Applier::decode(const LogEntry& entry, Decoded& out) const {
  if (!out.record.ParseFromArray(entry.record.data(), static_cast<int>(entry.record.size()))) {
    return fail(ErrorCode::kDamaged, "a record of the commit log cannot be decoded");
  }
  out.vectors = entry.vectors;
  for (const record::Change& change : out.record.changes()) {
    if (!change.has_write_document()) continue;
    const record::WriteDocument& write = change.write_document();
    TRY_ASSIGN(auto document, shared_object(write.metadata()));
    out.metadata.push_back(std::move(document));
    for (const record::Entry& e : write.entries()) {
      if (e.has_kept_row()) continue;
      TRY_ASSIGN(auto chunk, shared_object(e.metadata()));
      out.metadata.push_back(std::move(chunk));
    }
  }
  return {};
}

Status Applier::apply(const LogGroup& group) {
  if (group.entries.empty()) return {};
  std::vector<Decoded> decoded(group.entries.size());
  const auto decode_one = [&](std::size_t i) { decoded[i].status = decode(group.entries[i], decoded[i]); };
  if (pool_ != nullptr && decoded.size() > 1) {
    pool_->parallel_for(decoded.size(), decode_one);
  } else {
    for (std::size_t i = 0; i < decoded.size(); ++i) decode_one(i);
  }
  const Sequence stored_through = records_.applied_through();
  batch_ = RecordBatch();
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    TRY(decoded[i].status);
    const Sequence sequence = group.first_sequence + i;
    if (sequence != state_.sequence + 1) return contradiction(sequence, "sequences have a gap");
    TRY(apply_record(decoded[i], sequence));
    state_.sequence = sequence;
    // A record that the store holds already was flushed with its whole group.
    if (sequence <= stored_through) batch_ = RecordBatch();
  }
  if (state_.sequence > stored_through) TRY(records_.write(std::move(batch_), state_.sequence));
  return {};
}

Snapshot Applier::publishable() const {
  auto state = std::make_shared<DatabaseState>(state_);
  state->records = records_.snapshot();
  return state;
}

Status Applier::apply_record(const Decoded& decoded, Sequence sequence) {
  next_vector_byte_ = 0;
  next_metadata_ = 0;
  for (const record::Change& change : decoded.record.changes()) TRY(apply_change(change, decoded, sequence));
  if (next_vector_byte_ != decoded.vectors.size()) return contradiction(sequence, "vectors are left over");
  return {};
}

Status Applier::apply_change(const record::Change& change, const Decoded& decoded, Sequence sequence) {
  switch (change.kind_case()) {
    case record::Change::kCreateLibrary:
      return create_library(change.create_library(), sequence);
    case record::Change::kUpdateLibrary:
      return update_library(change.update_library(), sequence);
    case record::Change::kDropLibrary:
      return drop_library(change.drop_library());
    case record::Change::kEstablishContract:
      return establish_contract(change.establish_contract(), sequence);
    case record::Change::kWriteDocument:
      return write_document(change.write_document(), decoded, sequence);
    case record::Change::kDeleteDocument:
      return delete_document(change.delete_document());
    case record::Change::kRememberOutcome:
      remember_outcome(change.remember_outcome());
      return {};
    case record::Change::kForgetOutcomes:
      return forget_outcomes(change.forget_outcomes());
    case record::Change::KIND_NOT_SET:
      break;
  }
  return fail(ErrorCode::kFormatTooNew,
              fmt::format("the log's record {} holds a change that this build does not know", sequence));
}

void Applier::store_definition(const LibraryDefinition& definition) {
  record::Library message;
  encode_library(definition, message);
  batch_.put(Family::kMeta, keys::library(definition.id), message.SerializeAsString());
}

void Applier::put_library(LibraryState library) {
  const LibraryId id = library.definition->id;
  state_.libraries = state_.libraries.with(id, std::make_shared<const LibraryState>(std::move(library)));
}

Status Applier::create_library(const record::Library& message, Sequence sequence) {
  TRY_ASSIGN(LibraryDefinition definition, decode_library(message));
  definition.version = sequence;
  if (state_.library(definition.id) != nullptr || state_.library(definition.spec.name) != nullptr) {
    return contradiction(sequence, fmt::format("library '{}' exists", definition.spec.name));
  }
  next_library_id_ = std::max(next_library_id_, definition.id + 1);
  store_definition(definition);
  state_.names = state_.names.with(definition.spec.name, definition.id);
  put_library({std::make_shared<const LibraryDefinition>(std::move(definition)), {}});
  return {};
}

Status Applier::update_library(const record::Library& message, Sequence sequence) {
  TRY_ASSIGN(LibraryDefinition definition, decode_library(message));
  definition.version = sequence;
  const LibraryState* current = state_.library(definition.id);
  if (current == nullptr) return contradiction(sequence, "an update of a library that does not exist");
  store_definition(definition);
  put_library({std::make_shared<const LibraryDefinition>(std::move(definition)), current->partitions});
  return {};
}

Status Applier::drop_library(LibraryId id) {
  const LibraryState* current = state_.library(id);
  if (current == nullptr)
    return contradiction(state_.sequence + 1, "a drop of a library that does not exist");
  current->partitions.for_each(
      [&](PartitionId partition, const auto&) { stores_.erase(std::uint64_t{id} << 32U | partition); });
  batch_.erase(Family::kMeta, keys::library(id));
  const std::string prefix = keys::all_of(id);
  batch_.erase_range(Family::kIds, prefix, prefix_end(prefix));
  batch_.erase_range(Family::kPayload, prefix, prefix_end(prefix));
  const std::string name = current->definition->spec.name;
  state_.names = state_.names.without(name);
  state_.libraries = state_.libraries.without(id);
  return {};
}

Status Applier::establish_contract(const record::EstablishContract& message, Sequence sequence) {
  const LibraryState* current = state_.library(message.library());
  if (current == nullptr) return contradiction(sequence, "a contract for a library that does not exist");
  LibraryDefinition definition = *current->definition;
  const VectorField& field = definition.spec.field;
  if (message.dimension() == 0 || (field.dimension != 0 && field.dimension != message.dimension()) ||
      (field.model && *field.model != message.model())) {
    return contradiction(sequence, "a contract beside another");
  }
  definition.spec.field.dimension = message.dimension();
  definition.spec.field.model = message.model();
  store_definition(definition);
  put_library({std::make_shared<const LibraryDefinition>(std::move(definition)), current->partitions});
  return {};
}

VectorStore& Applier::store_for(LibraryId library, PartitionId partition, std::size_t dimension) {
  auto& store = stores_[std::uint64_t{library} << 32U | partition];
  if (!store) store = std::make_unique<VectorStore>(dimension);
  return *store;
}

Status Applier::write_document(const record::WriteDocument& message, const Decoded& decoded,
                               Sequence sequence) {
  const LibraryState* library = state_.library(message.library());
  if (library == nullptr) return contradiction(sequence, "a document for a library that does not exist");
  const keys::Place place{message.library(), message.partition()};
  const PartitionState* before = library->partition(place.partition);
  PartitionState after = before == nullptr ? PartitionState{} : *before;
  const std::size_t dimension = library->definition->spec.field.dimension;

  const std::shared_ptr<const Json> document_metadata = decoded.metadata[next_metadata_++];
  record::StoredDocument stored;
  stored.set_version(sequence);
  stored.set_created_ms(message.existed() ? message.created_ms() : decoded.record.time_ms());
  stored.set_updated_ms(decoded.record.time_ms());
  stored.set_metadata(message.metadata());
  RowId row = message.first_row();
  VectorStore* store = nullptr;
  for (const record::Entry& entry : message.entries()) {
    stored.add_chunk_ids(entry.chunk_id());
    if (entry.has_kept_row()) {
      stored.add_rows(entry.kept_row());
      continue;
    }
    const std::size_t bytes = dimension * sizeof(float);
    if (dimension == 0 || entry.vectors_size() != 1 || decoded.vectors.size() - next_vector_byte_ < bytes) {
      return contradiction(sequence, "a row's vector is missing");
    }
    if (store == nullptr) store = &store_for(place.library, place.partition, dimension);
    if (row != store->view().size()) return contradiction(sequence, "a row is out of order");
    const auto* values = reinterpret_cast<const float*>(decoded.vectors.data() + next_vector_byte_);
    next_vector_byte_ += bytes;
    store->append({values, dimension}, {decoded.metadata[next_metadata_++], document_metadata});

    record::StoredChunk chunk;
    chunk.set_id(entry.chunk_id());
    chunk.set_document_id(message.id());
    chunk.set_text(entry.text());
    chunk.set_metadata(entry.metadata());
    *chunk.mutable_vectors() = entry.vectors();
    batch_.put(Family::kPayload, keys::row(place, row), chunk.SerializeAsString());
    batch_.put(Family::kIds, keys::chunk_id(place, entry.chunk_id()), keys::encode({row, message.id()}));
    stored.add_rows(row);
    ++row;
  }
  batch_.put(Family::kPayload, keys::document(place, message.id()), stored.SerializeAsString());
  for (const RowId dead : message.dead_rows()) batch_.erase(Family::kPayload, keys::row(place, dead));
  for (const std::string& id : message.removed_chunk_ids())
    batch_.erase(Family::kIds, keys::chunk_id(place, id));

  if (store != nullptr) after.rows = store->view();
  if (!known_rows(message.dead_rows(), after))
    return contradiction(sequence, "a deleted row was never written");
  after.dead =
      after.dead.with({message.dead_rows().data(), static_cast<std::size_t>(message.dead_rows_size())});
  after.documents += message.existed() ? 0 : 1;
  put_library(
      {library->definition,
       library->partitions.with(place.partition, std::make_shared<const PartitionState>(std::move(after)))});
  return {};
}

Status Applier::delete_document(const record::DeleteDocument& message) {
  const Sequence sequence = state_.sequence + 1;
  const LibraryState* library = state_.library(message.library());
  const PartitionState* before = library == nullptr ? nullptr : library->partition(message.partition());
  if (before == nullptr || before->documents == 0)
    return contradiction(sequence, "a deletion of what does not exist");
  const keys::Place place{message.library(), message.partition()};
  batch_.erase(Family::kPayload, keys::document(place, message.id()));
  for (const RowId dead : message.dead_rows()) batch_.erase(Family::kPayload, keys::row(place, dead));
  for (const std::string& id : message.removed_chunk_ids())
    batch_.erase(Family::kIds, keys::chunk_id(place, id));
  PartitionState after = *before;
  if (!known_rows(message.dead_rows(), after))
    return contradiction(sequence, "a deleted row was never written");
  after.dead =
      after.dead.with({message.dead_rows().data(), static_cast<std::size_t>(message.dead_rows_size())});
  --after.documents;
  put_library(
      {library->definition,
       library->partitions.with(place.partition, std::make_shared<const PartitionState>(std::move(after)))});
  return {};
}

void Applier::remember_outcome(const record::RememberOutcome& message) {
  const std::string key = keys::outcome(message.scope(), message.key());
  batch_.put(Family::kMeta, key, message.SerializeAsString());
  batch_.put(Family::kMeta, keys::outcome_age(message.time_ms(), key), {});
}

Status Applier::forget_outcomes(const record::ForgetOutcomes& message) {
  // The record store is read as of before this group; outcomes of one group are never forgotten by it.
  const std::string lower(1, keys::kOutcomeAgePrefix);
  const std::string upper = keys::outcome_age(message.before_ms(), {});
  const auto snapshot = records_.snapshot();
  auto cursor = snapshot->scan(Family::kMeta, lower, upper);
  for (; cursor->valid(); cursor->next()) {
    batch_.erase(Family::kMeta, cursor->key().substr(keys::kOutcomeAgeHeader));
    batch_.erase(Family::kMeta, cursor->key());
  }
  return cursor->status();
}

}  // namespace sextant
