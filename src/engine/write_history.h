// WriteHistory: which documents were deleted since the oldest open transaction began.
//
// A document that exists carries the commit that last changed it; one that is gone cannot, so its deletion is
// remembered here as long as some open transaction could be in conflict with it. Bounded: beyond kMaxDeletes
// the oldest are forgotten and transactions from before them are too old. Thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"
#include "engine/types.h"

namespace sextant {

class WriteHistory {
 public:
  static constexpr std::size_t kMaxDeletes = 1'000'000;

  /// An open transaction that read at a sequence; closed when this goes.
  class Reader {
   public:
    Reader(WriteHistory& history, Sequence sequence);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

   private:
    WriteHistory& history_;
    std::multiset<Sequence>::iterator position_;
  };

  void record_delete(std::string key, Sequence sequence);
  /// The deletion of a document that does not exist now, 0 when none is remembered; or kTransactionTooOld
  /// when one after `as_of` may have been forgotten.
  Result<Sequence> last_delete(const std::string& key, Sequence as_of) const;
  /// Forgets what no open transaction can need; `applied` is the sequence that new transactions read at.
  void trim(Sequence applied);

 private:
  mutable Mutex mutex_;
  std::multiset<Sequence> readers_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, Sequence> deletes_ GUARDED_BY(mutex_);
  std::deque<std::pair<Sequence, std::string>> order_ GUARDED_BY(mutex_);
  Sequence forgotten_through_ GUARDED_BY(mutex_) = 0;
};

}  // namespace sextant
