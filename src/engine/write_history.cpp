#include "engine/write_history.h"

#include <fmt/format.h>

namespace sextant {

WriteHistory::Reader::Reader(WriteHistory& history, Sequence sequence) : history_(history) {
  const MutexLock lock(history.mutex_);
  position_ = history.readers_.insert(sequence);
}

WriteHistory::Reader::~Reader() {
  const MutexLock lock(history_.mutex_);
  history_.readers_.erase(position_);
}

void WriteHistory::record_delete(std::string key, Sequence sequence) {
  const MutexLock lock(mutex_);
  order_.emplace_back(sequence, key);
  deletes_[std::move(key)] = sequence;
}

Result<Sequence> WriteHistory::last_delete(const std::string& key, Sequence as_of) const {
  const MutexLock lock(mutex_);
  if (as_of < forgotten_through_) {
    return fail(
        ErrorCode::kTransactionTooOld,
        fmt::format("the transaction reads at commit {}, but deletions are only remembered after commit {}; "
                    "begin it again",
                    as_of, forgotten_through_));
  }
  const auto it = deletes_.find(key);
  return it == deletes_.end() ? 0 : it->second;
}

void WriteHistory::trim(Sequence applied) {
  const MutexLock lock(mutex_);
  // Readers register before they take their snapshot, and this is called after publishing, so none is missed.
  const Sequence oldest = readers_.empty() ? applied : std::min(*readers_.begin(), applied);
  while (!order_.empty() && (order_.front().first < oldest || order_.size() > kMaxDeletes)) {
    const auto& [sequence, key] = order_.front();
    const auto it = deletes_.find(key);
    if (it != deletes_.end() && it->second == sequence) deletes_.erase(it);
    forgotten_through_ = std::max(forgotten_through_, sequence);
    order_.pop_front();
  }
}

}  // namespace sextant
