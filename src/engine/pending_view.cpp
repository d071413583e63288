#include "engine/pending_view.h"

#include "engine/keys.h"
#include "engine/record_codec.h"

namespace sextant {

namespace {

std::string partition_key(LibraryId library, PartitionId partition) {
  return keys::rows({library, partition});
}

template <typename Map>
void take_over(Map& into, Map& from) {
  for (auto& [key, value] : from) into.insert_or_assign(key, std::move(value));
}

}  // namespace

std::shared_ptr<const LibraryDefinition> PendingView::library(LibraryId id) const {
  if (const auto it = libraries_.find(id); it != libraries_.end()) return it->second;
  if (below_ != nullptr) return below_->library(id);
  const LibraryState* found = state_->library(id);
  return found == nullptr ? nullptr : found->definition;
}

bool PendingView::name_taken(const std::string& full_name) const {
  if (const auto it = names_.find(full_name); it != names_.end()) return it->second;
  if (below_ != nullptr) return below_->name_taken(full_name);
  return state_->library(full_name) != nullptr;
}

RowId PendingView::next_row(LibraryId library, PartitionId partition) const {
  if (const auto it = next_rows_.find(partition_key(library, partition)); it != next_rows_.end())
    return it->second;
  if (below_ != nullptr) return below_->next_row(library, partition);
  const LibraryState* found = state_->library(library);
  const PartitionState* state = found == nullptr ? nullptr : found->partition(partition);
  return state == nullptr ? 0 : state->next_row();
}

Result<std::optional<DocumentHead>> PendingView::document(LibraryId library, PartitionId partition,
                                                          const std::string& id) const {
  const std::string key = keys::document({library, partition}, id);
  for (const PendingView* view = this; view != nullptr; view = view->below_) {
    if (const auto it = view->documents_.find(key); it != view->documents_.end()) return it->second;
  }
  TRY_ASSIGN(const auto value, state_->records->get(Family::kPayload, key));
  if (!value) return std::optional<DocumentHead>();
  TRY_ASSIGN(const record::StoredDocument stored, parse_stored_document(*value));
  DocumentHead head;
  head.version = stored.version();
  head.created_ms = stored.created_ms();
  head.chunk_ids.assign(stored.chunk_ids().begin(), stored.chunk_ids().end());
  head.rows.assign(stored.rows().begin(), stored.rows().end());
  return std::optional<DocumentHead>(std::move(head));
}

Result<std::optional<std::string>> PendingView::chunk_owner(LibraryId library, PartitionId partition,
                                                            const std::string& id) const {
  const std::string key = keys::chunk_id({library, partition}, id);
  for (const PendingView* view = this; view != nullptr; view = view->below_) {
    if (const auto it = view->chunk_owners_.find(key); it != view->chunk_owners_.end()) return it->second;
  }
  std::optional<std::string> value;
  if (const auto it = prefetched_.find(key); it != prefetched_.end()) {
    value = it->second;
  } else {
    TRY_ASSIGN(value, state_->records->get(Family::kIds, key));
  }
  if (!value) return std::optional<std::string>();
  TRY_ASSIGN(keys::ChunkPlace place, keys::decode_chunk_place(*value));
  return std::optional<std::string>(std::move(place.document_id));
}

Status PendingView::prefetch_owners(LibraryId library, PartitionId partition,
                                    const std::vector<std::string>& ids) {
  std::vector<std::string> wanted;
  for (const std::string& id : ids) {
    std::string key = keys::chunk_id({library, partition}, id);
    if (!prefetched_.contains(key)) wanted.push_back(std::move(key));
  }
  TRY_ASSIGN(auto values, state_->records->multi_get(Family::kIds, wanted));
  for (std::size_t i = 0; i < wanted.size(); ++i)
    prefetched_.emplace(std::move(wanted[i]), std::move(values[i]));
  return {};
}

void PendingView::set_library(const LibraryDefinition& definition) {
  libraries_[definition.id] = std::make_shared<const LibraryDefinition>(definition);
  names_[definition.spec.name] = true;
}

void PendingView::drop_library(const LibraryDefinition& definition) {
  libraries_[definition.id] = nullptr;
  names_[definition.spec.name] = false;
}

void PendingView::set_next_row(LibraryId library, PartitionId partition, RowId next) {
  next_rows_[partition_key(library, partition)] = next;
}

void PendingView::set_document(LibraryId library, PartitionId partition, const std::string& id,
                               std::optional<DocumentHead> head) {
  documents_[keys::document({library, partition}, id)] = std::move(head);
}

void PendingView::set_chunk_owner(LibraryId library, PartitionId partition, const std::string& id,
                                  std::optional<std::string> owner) {
  chunk_owners_[keys::chunk_id({library, partition}, id)] = std::move(owner);
}

void PendingView::merge(PendingView&& above) {
  take_over(libraries_, above.libraries_);
  take_over(names_, above.names_);
  take_over(next_rows_, above.next_rows_);
  take_over(documents_, above.documents_);
  take_over(chunk_owners_, above.chunk_owners_);
}

}  // namespace sextant
