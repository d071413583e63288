#include "engine/transaction.h"

#include <fmt/format.h>

#include "engine/search.h"

namespace sextant {

Transaction::Transaction(Published<const DatabaseState>& published, WriteHistory& history, CommitLane& lane,
                         DraftLimits limits, std::function<LibraryId()> new_library_id)
    : reader_(std::make_unique<WriteHistory::Reader>(history, published.load()->sequence)),
      snapshot_(published.load()),
      lane_(lane),
      drafts_(
          std::make_unique<DraftSet>(snapshot_, Isolation::kSnapshot, limits, std::move(new_library_id))) {}

Status Transaction::check_open() const {
  if (drafts_) return {};
  return fail(ErrorCode::kInvalidArgument, "the transaction is finished");
}

Status Transaction::apply(const Operation& operation) {
  TRY(check_open());
  return drafts_->add(operation);
}

Result<Document> Transaction::document(const std::string& library, const std::string& id,
                                       const Include& include) const {
  TRY(check_open());
  TRY_ASSIGN(auto document, drafts_->document(library, id, include));
  if (!document) return fail(ErrorCode::kDocumentNotFound, fmt::format("there is no document '{}'", id));
  return *std::move(document);
}

Result<std::vector<SearchResult>> Transaction::search(const RequestContext& context,
                                                      const std::string& library,
                                                      std::span<const SearchQuery> queries) const {
  TRY(check_open());
  TRY_ASSIGN(const LibraryView view, drafts_->library_view(library));
  TRY_ASSIGN(const PrivateRows own, drafts_->private_rows(library));
  return sextant::search(context, view, queries, &own);
}

Result<TransactionOutcome> Transaction::commit(Durability durability) {
  TRY(check_open());
  Submission submission;
  submission.durability = durability;
  submission.transactions.push_back(std::move(*drafts_).prepare());
  auto result = lane_.submit(std::move(submission));
  rollback();
  if (!result) return fail(std::move(result).error());
  return std::move(result->transactions.front());
}

void Transaction::rollback() {
  drafts_.reset();
  reader_.reset();
}

}  // namespace sextant
