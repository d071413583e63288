#include "engine/sequencer.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "engine/contract.h"
#include "engine/keys.h"
#include "engine/outcomes.h"
#include "engine/record_codec.h"

namespace sextant {

// A transaction in the making: dropped as a whole when a step fails.
struct Sequencer::Draft {
  explicit Draft(const PendingView& below, Sequence s) : view(below), sequence(s) {}
  PendingView view;
  Sequence sequence;
  record::CommitRecord record;
  std::vector<float> vectors;
  std::vector<std::string> deleted;  // keys
  std::unordered_map<std::string, std::size_t>
      given_up;            // key of a chunk id -> the operation that gave it up
  bool ids_moved = false;  // one that was given up has been taken
};

namespace {

Error not_found(const PreparedDocument& document) {
  return make_error(ErrorCode::kDocumentNotFound, fmt::format("there is no document '{}'", document.id));
}

}  // namespace

Sequencer::Sequencer(const DatabaseState& state, const WriteHistory& history, Clock& clock)
    : state_(state), history_(history), now_ms_(clock.unix_ms()), view_(state) {}

Result<std::optional<WriteResult>> Sequencer::remembered(const IdempotencyKey& idempotency) const {
  const auto it = outcomes_.find(keys::outcome(idempotency.scope, idempotency.key));
  if (it == outcomes_.end()) return find_outcome(*state_.records, idempotency);
  return decode_outcome(it->second, idempotency);
}

Result<WriteResult> Sequencer::add(Submission submission) {
  if (submission.idempotency) {
    TRY_ASSIGN(auto earlier, remembered(*submission.idempotency));
    if (earlier) return *std::move(earlier);
  }
  WriteResult result;
  std::unique_ptr<Draft> last;  // held back: the outcome of the whole request goes into its last record
  const auto append = [&] {
    if (!last) return;
    records_.push_back({last->record.SerializeAsString(), std::move(last->vectors)});
    last.reset();
  };
  for (auto& transaction : submission.transactions) {
    if (!transaction) {
      result.transactions.emplace_back(std::unexpected<Error>(std::move(transaction).error()));
      break;
    }
    const Sequence sequence = next_sequence() + (last ? 1 : 0);
    auto draft = std::make_unique<Draft>(view_, sequence);
    auto outcome = add_transaction(*transaction, *draft);
    const bool failed = !outcome.has_value();
    const bool changed = !failed && draft->record.changes_size() > 0;
    result.transactions.push_back(std::move(outcome));
    if (failed) break;
    if (!changed) continue;
    result.sequence = sequence;
    for (std::string& key : draft->deleted) deletes_.emplace_back(std::move(key), sequence);
    view_.merge(std::move(draft->view));
    append();
    last = std::move(draft);
  }
  if (result.sequence == 0)
    result.sequence = next_sequence() - 1;  // nothing changed: visible with what is before it
  const bool refused = !result.transactions.empty() && !result.transactions.back();
  if (submission.idempotency && !last && !refused) {
    // Nothing changed, and a repeat shall hear so even when it would change something by then.
    last = std::make_unique<Draft>(view_, next_sequence());
    last->record.set_time_ms(now_ms_);
  }
  if (submission.idempotency && last) {
    record::RememberOutcome& outcome = *last->record.add_changes()->mutable_remember_outcome();
    outcome.set_scope(submission.idempotency->scope);
    outcome.set_key(submission.idempotency->key);
    outcome.set_request_hash(submission.idempotency->request_hash);
    outcome.set_time_ms(now_ms_);
    encode_result(result, outcome);
    outcomes_[keys::outcome(outcome.scope(), outcome.key())] = outcome.SerializeAsString();
  }
  append();
  return result;
}

void Sequencer::forget_outcomes(std::int64_t before_ms) {
  record::CommitRecord record;
  record.set_time_ms(now_ms_);
  record.add_changes()->mutable_forget_outcomes()->set_before_ms(before_ms);
  records_.push_back({record.SerializeAsString(), {}});
}

Result<TransactionOutcome> Sequencer::add_transaction(PreparedTransaction& transaction, Draft& draft) {
  draft.record.set_time_ms(now_ms_);
  struct StepResult {
    Effect effect = Effect::kIgnored;
    Version version = 0;
  };
  std::vector<StepResult> steps(transaction.steps.size());
  TRY(find_given_up_ids(transaction, draft));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    steps[i].version = draft.sequence;
    if (auto* document = std::get_if<PreparedDocument>(&transaction.steps[i])) {
      if (auto status = add_document(*document, draft, steps[i].effect, steps[i].version); !status) {
        return fail(in_field(document->field, std::move(status).error()));
      }
    } else {
      const auto& change = std::get<PreparedLibrary>(transaction.steps[i]);
      if (auto status = add_library(change, draft, steps[i].effect); !status) {
        return fail(in_field(change.field, std::move(status).error()));
      }
    }
  }
  TransactionOutcome outcome;
  outcome.sequence = draft.record.changes_size() > 0 ? draft.sequence : 0;
  for (PreparedOperation& operation : transaction.operations) {
    OperationOutcome& to = operation.outcome;
    if (operation.step != PreparedOperation::kNoStep) {
      if (operation.effect_of_step) to.effect = steps[operation.step].effect;
      const auto* document = std::get_if<PreparedDocument>(&transaction.steps[operation.step]);
      to.version = to.effect == Effect::kDeleted && document != nullptr && document->erase
                       ? 0
                       : steps[operation.step].version;
    }
    outcome.operations.push_back(std::move(to));
  }
  return outcome;
}

// Documents of one transaction may hand chunk ids to one another: what an operation gave up, a later one may
// take, whatever the order of the steps.
Status Sequencer::find_given_up_ids(const PreparedTransaction& transaction, Draft& draft) const {
  const auto documents = std::ranges::count_if(transaction.steps, [](const PreparedStep& step) {
    return std::holds_alternative<PreparedDocument>(step);
  });
  if (documents < 2) return {};
  for (const PreparedStep& step : transaction.steps) {
    const auto* document = std::get_if<PreparedDocument>(&step);
    if (document == nullptr || !draft.view.library(document->library)) continue;
    TRY_ASSIGN(const auto head, draft.view.document(document->library, document->partition, document->id));
    if (!head || (!document->erase && document->on_conflict != OnConflict::kReplace)) continue;
    std::unordered_set<std::string_view> kept;
    for (const PreparedEntry& entry : document->entries) kept.insert(entry.chunk_id);
    for (const std::string& id : head->chunk_ids) {
      if (kept.contains(id)) continue;
      const auto named = document->given_up_at.find(id);
      const std::size_t at =
          named != document->given_up_at.end() ? named->second : document->all_given_up_at.value_or(0);
      draft.given_up[keys::chunk_id({document->library, document->partition}, id)] = at;
    }
  }
  return {};
}

// Whether the chunk id that an entry takes is free for it.
Status Sequencer::check_chunk_id(const PreparedDocument& document, const PreparedEntry& entry, Draft& draft) {
  TRY_ASSIGN(const auto owner, draft.view.chunk_owner(document.library, document.partition, entry.chunk_id));
  if (!owner || *owner == document.id) return {};
  const auto given_up =
      draft.given_up.find(keys::chunk_id({document.library, document.partition}, entry.chunk_id));
  if (given_up != draft.given_up.end() && given_up->second < entry.taken_at) {
    draft.given_up.erase(given_up);
    draft.ids_moved = true;
    return {};
  }
  return fail(ErrorCode::kChunkIdTaken,
              fmt::format("the chunk id '{}' belongs to document '{}'", entry.chunk_id, *owner));
}

// Whether a document that gives up a chunk id is still the one that has it: another may have taken it in a
// step before.
Result<bool> Sequencer::still_has(const PreparedDocument& document, const std::string& chunk_id,
                                  const Draft& draft) {
  if (draft.given_up.empty() && !draft.ids_moved) return true;
  TRY_ASSIGN(const auto owner, draft.view.chunk_owner(document.library, document.partition, chunk_id));
  return !owner || *owner == document.id;
}

Status Sequencer::add_library(const PreparedLibrary& change, Draft& draft, Effect& effect) {
  const LibraryDefinition& definition = change.definition;
  const auto current = draft.view.library(definition.id);
  switch (change.change) {
    case PreparedLibrary::Change::kCreate: {
      if (draft.view.name_taken(definition.spec.name)) {
        return fail(ErrorCode::kLibraryExists,
                    fmt::format("there is a library '{}' already", definition.spec.name));
      }
      LibraryDefinition created = definition;
      created.created_ms = created.updated_ms = now_ms_;
      created.version = draft.sequence;
      encode_library(created, *draft.record.add_changes()->mutable_create_library());
      draft.view.set_library(created);
      effect = Effect::kCreated;
      return {};
    }
    case PreparedLibrary::Change::kUpdate: {
      if (!current)
        return fail(ErrorCode::kLibraryNotFound,
                    fmt::format("there is no library '{}'", definition.spec.name));
      if (current->version != change.as_of) {
        return fail(
            ErrorCode::kTransactionConflict,
            fmt::format("library '{}' was changed by another commit meanwhile", definition.spec.name));
      }
      LibraryDefinition updated = definition;
      updated.spec.field = current->spec.field;  // the contract may have been established meanwhile
      updated.updated_ms = now_ms_;
      updated.version = draft.sequence;
      encode_library(updated, *draft.record.add_changes()->mutable_update_library());
      draft.view.set_library(updated);
      effect = Effect::kPatched;
      return {};
    }
    case PreparedLibrary::Change::kDrop: {
      if (!current)
        return fail(ErrorCode::kLibraryNotFound,
                    fmt::format("there is no library '{}'", definition.spec.name));
      draft.record.add_changes()->set_drop_library(definition.id);
      draft.view.drop_library(*current);
      effect = Effect::kDeleted;
      return {};
    }
  }
  return fail(ErrorCode::kInternal, "an unknown change of a library");
}

Status Sequencer::add_document(PreparedDocument& document, Draft& draft, Effect& effect, Version& version) {
  const auto library = draft.view.library(document.library);
  if (!library) return fail(ErrorCode::kLibraryNotFound, "the library was dropped");
  TRY_ASSIGN(const auto head, draft.view.document(document.library, document.partition, document.id));

  if (document.as_of) {
    Sequence last_change = head ? head->version : 0;
    if (!head) {
      const std::string key = keys::document({document.library, document.partition}, document.id);
      TRY_ASSIGN(last_change, history_.last_delete(key, *document.as_of));
      for (const auto& [deleted, sequence] : deletes_) {
        if (deleted == key) last_change = std::max(last_change, sequence);
      }
    }
    if (last_change > *document.as_of) {
      return fail(ErrorCode::kTransactionConflict,
                  fmt::format("document '{}' was changed by another commit after the transaction began",
                              document.id));
    }
  }
  const bool matches = !document.if_match ||
                       (head && (*document.if_match == kAnyVersion || head->version == *document.if_match));
  if (!matches) {
    return fail(field_error(ErrorCode::kPreconditionFailed, "if_match",
                            head ? fmt::format("document '{}' is at version {:x}, not {:x}", document.id,
                                               head->version, *document.if_match)
                                 : fmt::format("there is no document '{}'", document.id)));
  }
  if (document.erase) {
    if (!head) {
      if (document.missing == MissingPolicy::kError) return fail(not_found(document));
      version = 0;
      effect = Effect::kIgnored;
      return {};
    }
    effect = Effect::kDeleted;
    return erase_document(document, draft, *head);
  }
  if (head && document.on_conflict == OnConflict::kError) {
    return fail(ErrorCode::kDocumentExists, fmt::format("there is a document '{}' already", document.id));
  }
  if (head && document.on_conflict == OnConflict::kIgnore) {
    effect = Effect::kIgnored;
    version = head->version;
    return {};
  }
  effect = head ? Effect::kReplaced : Effect::kCreated;
  TRY(establish_contract(document, *library, draft));
  return write_document(document, draft, head);
}

Status Sequencer::establish_contract(const PreparedDocument& document, const LibraryDefinition& library,
                                     Draft& draft) {
  const auto first_new =
      std::ranges::find_if(document.entries, [](const auto& entry) { return !entry.kept_row; });
  if (first_new == document.entries.end()) return {};
  const auto dimension = static_cast<std::uint32_t>(first_new->chunk.vector.size());
  TRY(check_contract(library.spec.field, dimension, document.model));
  if (library.spec.field.established()) return {};
  LibraryDefinition established = library;
  VectorField& field = established.spec.field;
  // A model named at creation holds; one that nobody named is settled as unnamed.
  field.dimension = dimension;
  if (!field.model) field.model = document.model;
  record::EstablishContract& message = *draft.record.add_changes()->mutable_establish_contract();
  message.set_library(library.id);
  message.set_field(field.number);
  message.set_dimension(field.dimension);
  message.set_model(*field.model);
  draft.view.set_library(established);
  return {};
}

Status Sequencer::write_document(PreparedDocument& document, Draft& draft,
                                 const std::optional<DocumentHead>& head) {
  const LibraryId library = document.library;
  const PartitionId partition = document.partition;
  std::vector<std::string> new_ids;
  for (const PreparedEntry& entry : document.entries) {
    if (!entry.kept_row) new_ids.push_back(entry.chunk_id);
  }
  TRY(draft.view.prefetch_owners(library, partition, new_ids));
  for (const PreparedEntry& entry : document.entries) {
    if (!entry.kept_row) TRY(check_chunk_id(document, entry, draft));
  }

  record::WriteDocument& message = *draft.record.add_changes()->mutable_write_document();
  message.set_library(library);
  message.set_partition(partition);
  message.set_id(document.id);
  message.set_metadata(std::move(document.metadata));
  message.set_existed(head.has_value());
  if (head) message.set_created_ms(head->created_ms);
  const RowId first_row = draft.view.next_row(library, partition);
  message.set_first_row(first_row);

  DocumentHead after;
  after.version = draft.sequence;
  after.created_ms = head ? head->created_ms : now_ms_;
  RowId row = first_row;
  std::unordered_set<RowId> kept;
  std::unordered_set<std::string> ids;
  for (PreparedEntry& entry : document.entries) {
    record::Entry& to = *message.add_entries();
    ids.insert(entry.chunk_id);
    after.chunk_ids.push_back(entry.chunk_id);
    if (entry.kept_row) {
      to.set_kept_row(*entry.kept_row);
      kept.insert(*entry.kept_row);
      after.rows.push_back(*entry.kept_row);
    } else {
      to.set_text(std::move(entry.chunk.text));
      to.set_metadata(std::move(entry.chunk.metadata));
      record::FieldVector& vector = *to.add_vectors();
      vector.set_norm(entry.chunk.norm);
      if (draft.vectors.empty()) {
        draft.vectors = std::move(entry.chunk.vector);
      } else {
        draft.vectors.insert(draft.vectors.end(), entry.chunk.vector.begin(), entry.chunk.vector.end());
      }
      draft.view.set_chunk_owner(library, partition, entry.chunk_id, document.id);
      after.rows.push_back(row++);
    }
    to.set_chunk_id(std::move(entry.chunk_id));
  }
  if (head) {
    for (std::size_t i = 0; i < head->rows.size(); ++i) {
      if (!kept.contains(head->rows[i])) message.add_dead_rows(head->rows[i]);
      if (ids.contains(head->chunk_ids[i])) continue;
      TRY_ASSIGN(const bool gives_up, still_has(document, head->chunk_ids[i], draft));
      if (gives_up) {
        message.add_removed_chunk_ids(head->chunk_ids[i]);
        draft.view.set_chunk_owner(library, partition, head->chunk_ids[i], std::nullopt);
      }
    }
  }
  draft.view.set_next_row(library, partition, row);
  draft.view.set_document(library, partition, document.id, std::move(after));
  return {};
}

Status Sequencer::erase_document(const PreparedDocument& document, Draft& draft, const DocumentHead& head) {
  record::DeleteDocument& message = *draft.record.add_changes()->mutable_delete_document();
  message.set_library(document.library);
  message.set_partition(document.partition);
  message.set_id(document.id);
  for (const RowId row : head.rows) message.add_dead_rows(row);
  for (const std::string& id : head.chunk_ids) {
    TRY_ASSIGN(const bool gives_up, still_has(document, id, draft));
    if (!gives_up) continue;
    message.add_removed_chunk_ids(id);
    draft.view.set_chunk_owner(document.library, document.partition, id, std::nullopt);
  }
  draft.view.set_document(document.library, document.partition, document.id, std::nullopt);
  draft.deleted.push_back(keys::document({document.library, document.partition}, document.id));
  return {};
}

}  // namespace sextant
