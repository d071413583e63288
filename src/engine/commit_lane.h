// CommitLane: the one thread through which every change passes.
//
// It takes whatever waits, sequences it as one group, appends the group to the log, makes it as durable as
// its callers ask (that is the commit point), applies it, publishes the new state by one atomic store and
// only then answers. A failure before the commit point leaves nothing behind; a failed sync, or a failed
// apply after the commit point, stops the lane for good: `on_stop` is called and every caller, present and
// future, gets kStorePoisoned or kOutcomeUnknown.
#pragma once

#include <deque>
#include <functional>
#include <future>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/published.h"
#include "engine/applier.h"
#include "engine/prepared.h"
#include "engine/sequencer.h"
#include "engine/write_history.h"
#include "storage/commit_log.h"
#include "storage/owner_lock.h"

namespace sextant {

struct CommitLaneOptions {
  std::size_t max_queued = 4096;                          // beyond: kBackpressure
  std::size_t max_group_bytes = 32ULL << 20U;             // a group takes no further submission beyond this
  std::int64_t outcome_lifetime_ms = 24LL * 3600 * 1000;  // of idempotency keys
  std::int64_t idle_mark_ms = 100;            // after this long without work the log gets its mark
  std::function<void(const Error&)> on_stop;  // called once, on the lane's thread
};

class CommitLane {
 public:
  /// `applier` holds the recovered state. All references must outlive the lane. `owner` may be null (tests).
  CommitLane(CommitLog& log, Applier& applier, Published<const DatabaseState>& published,
             WriteHistory& history, Clock& clock, const OwnerLock* owner, CommitLaneOptions options);
  /// Finishes what is queued.
  ~CommitLane();
  CommitLane(const CommitLane&) = delete;
  CommitLane& operator=(const CommitLane&) = delete;

  /// Blocks until the submission is committed, visible, or refused. Any thread. An Error means that nothing
  /// of it happened, except for kOutcomeUnknown.
  Result<WriteResult> submit(Submission submission);
  /// Ok while the lane takes submissions.
  Status health() const;

 private:
  struct Waiting {
    Submission submission;
    std::size_t bytes = 0;
    std::promise<Result<WriteResult>> done;
  };
  void run();
  std::vector<Waiting> take_group() EXCLUDES(mutex_);
  void commit_group(std::vector<Waiting>& group);
  Status append(Sequencer& sequencer, bool sync);
  void stop(Error error, std::vector<Waiting>& group);
  void expire_outcomes(Sequencer& sequencer);

  CommitLog& log_;
  Applier& applier_;
  Published<const DatabaseState>& published_;
  WriteHistory& history_;
  Clock& clock_;
  const OwnerLock* owner_;
  CommitLaneOptions options_;
  std::int64_t next_expiry_ms_ = 0;  // lane's thread only

  mutable Mutex mutex_;
  ConditionVariable wake_;
  std::deque<Waiting> queue_ GUARDED_BY(mutex_);
  std::optional<Error> stopped_ GUARDED_BY(mutex_);
  bool closing_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace sextant
