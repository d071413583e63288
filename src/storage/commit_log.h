// CommitLog: the one ordered, durable sequence of changes. The log is the truth; all else is its applied
// state.
//
// A group is what one round of the commit lane appends: its entries get consecutive sequences. An entry is an
// encoded record and, beside it, raw vectors; the log looks into neither. Local files (file_log.h) are one
// implementation, a partition of a shared log another. docs/format.md describes the bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sextant {

/// Sequences start at 1; 0 means "before everything".
using Sequence = std::uint64_t;

struct LogEntry {
  std::string_view record;
  std::string_view vectors;  // read back 64-byte aligned
};

/// A group as read back. The views live as long as the callback that receives it.
struct LogGroup {
  std::uint64_t epoch = 0;
  Sequence first_sequence = 0;    // of entries[0]
  Sequence previous = 0;          // the sequence accepted before this group
  Sequence durable_through = 0;   // what was synced when this group was written
  std::vector<LogEntry> entries;  // empty: a mark written when the log fell idle
};

class CommitLog {
 public:
  virtual ~CommitLog() = default;

  /// Writes one group (to the operating system, not yet to the device) and returns its first sequence. After
  /// an error the group is not in the log and the state is as before (kOutOfSpace, kIo); if even that cannot
  /// be made sure of, or the log is poisoned, kStorePoisoned. One thread appends.
  virtual Result<Sequence> append(std::span<const LogEntry> entries) = 0;

  /// Makes everything appended durable; returns the sequence through which it is. kStorePoisoned after any
  /// failed sync, for ever: nothing is synced a second time. Any thread.
  virtual Result<Sequence> sync() = 0;
  /// sync() unless `through` is durable already. Any thread.
  virtual Status sync_through(Sequence through) = 0;

  /// Writes an empty group that carries durable_through, if the last group does not carry it already, so that
  /// later damage to durable groups is told from an unfinished tail. The appending thread calls this when the
  /// log falls idle.
  virtual Status mark_idle() = 0;

  /// Calls `visit` for every group that holds a sequence >= `from` (a mark holds none), oldest first, up to
  /// the last one appended before the call; an error of `visit` ends the reading and is returned. A damaged
  /// group is kDamaged, naming file and offset; a `from` before first_sequence() is kInvalidArgument. Any
  /// thread.
  virtual Status read_from(Sequence from, const std::function<Status(const LogGroup&)>& visit) = 0;

  /// Forgets groups whose last sequence is below `before`; the lower bound is made durable before files go.
  virtual Status trim_before(Sequence before) = 0;

  virtual Sequence last_sequence() const = 0;    // appended; 0 when empty
  virtual Sequence durable_through() const = 0;  // synced
  virtual Sequence first_sequence() const = 0;   // oldest that read_from can give; 1 when never trimmed
  virtual std::uint64_t size_bytes() const = 0;
  virtual bool poisoned() const = 0;
};

}  // namespace sextant
