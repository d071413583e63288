#include "engine/commit_lane.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "base/fault_point.h"
#include "base/log.h"

namespace sextant {

namespace {

constexpr std::int64_t kExpiryIntervalMs = 10LL * 60 * 1000;

// What a record holds of a document or chunk beside ids, text, metadata and vector: at most about this.
constexpr std::size_t kBytesBesideContent = 64;

std::size_t size_of(const Submission& submission) {
  std::size_t bytes = 0;
  for (const auto& transaction : submission.transactions) {
    if (!transaction) continue;
    for (const PreparedStep& step : transaction->steps) {
      const auto* document = std::get_if<PreparedDocument>(&step);
      if (document == nullptr) continue;
      bytes += document->id.size() + document->metadata.size() + kBytesBesideContent;
      for (const PreparedEntry& entry : document->entries) {
        bytes += entry.chunk_id.size() + entry.chunk.text.size() + entry.chunk.metadata.size() +
                 entry.chunk.vector.size() * sizeof(float) + kBytesBesideContent;
      }
    }
  }
  return bytes;
}

}  // namespace

CommitLane::CommitLane(CommitLog& log, Applier& applier, Published<const DatabaseState>& published,
                       WriteHistory& history, Clock& clock, const OwnerLock* owner, CommitLaneOptions options)
    : log_(log),
      applier_(applier),
      published_(published),
      history_(history),
      clock_(clock),
      owner_(owner),
      options_(std::move(options)),
      thread_([this] { run(); }) {}

CommitLane::~CommitLane() {
  {
    const MutexLock lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Result<WriteResult> CommitLane::submit(Submission submission) {
  Waiting waiting;
  waiting.bytes = size_of(submission);
  waiting.submission = std::move(submission);
  auto done = waiting.done.get_future();
  {
    const MutexLock lock(mutex_);
    if (stopped_) return fail(*stopped_);
    if (closing_) return fail(ErrorCode::kShuttingDown, "the database is closing");
    if (queue_.size() >= options_.max_queued) {
      return fail(ErrorCode::kBackpressure,
                  fmt::format("{} writes are waiting to be committed", queue_.size()));
    }
    queue_.push_back(std::move(waiting));
  }
  wake_.notify_one();
  return done.get();
}

Status CommitLane::health() const {
  const MutexLock lock(mutex_);
  if (stopped_) return fail(*stopped_);
  return {};
}

std::vector<CommitLane::Waiting> CommitLane::take_group() {
  const MutexLock lock(mutex_);
  std::vector<Waiting> group;
  std::size_t bytes = 0;
  while (!queue_.empty() && (group.empty() || bytes + queue_.front().bytes <= options_.max_group_bytes)) {
    bytes += queue_.front().bytes;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

void CommitLane::run() {
  for (;;) {
    bool closing = false;
    bool idle = false;
    {
      const MutexLock lock(mutex_);
      if (queue_.empty() && !closing_)
        idle = !wake_.wait_for(mutex_, std::chrono::milliseconds(options_.idle_mark_ms));
      closing = closing_;
    }
    auto group = take_group();
    if (!group.empty()) {
      // Out of memory, most likely; how far the commit got is not known here.
      try {
        commit_group(group);
      } catch (const std::exception& exception) {
        stop(make_error(ErrorCode::kOutcomeUnknown, fmt::format("a commit broke off: {}", exception.what())),
             group);
      }
    } else if (closing) {
      return;
    } else if (log_.poisoned()) {
      // A flush of the record store met it; nobody has to write for the process to leave.
      if (health()) stop(make_error(ErrorCode::kStorePoisoned, "a sync of the commit log failed"), group);
    } else if (idle) {
      // Failing to leave the mark costs nothing but the mark; the next append meets the cause.
      if (auto marked = log_.mark_idle(); !marked)
        log_warning("log_mark_failed", {{"error", marked.error().to_string()}});
    }
  }
}

Status CommitLane::append(Sequencer& sequencer, bool sync) {
  if (owner_ != nullptr) TRY(owner_->check_owner());
  std::vector<LogEntry> entries;
  for (const SequencedRecord& record : sequencer.records()) {
    entries.push_back(
        {record.record,
         {reinterpret_cast<const char*>(record.vectors.data()), record.vectors.size() * sizeof(float)}});
  }
  FAULT_POINT("commit.before_append");
  TRY_ASSIGN(const Sequence first, log_.append(entries));
  if (first != applier_.state().sequence + 1) {
    return fail(ErrorCode::kStorePoisoned,
                fmt::format("the log gave sequence {}, state is at {}", first, applier_.state().sequence));
  }
  if (sync) TRY(log_.sync());
  return {};
}

void CommitLane::stop(Error error, std::vector<Waiting>& group) {
  log_failure("commit_lane_stopped", {{"error", error.to_string()}});
  std::deque<Waiting> queued;
  {
    const MutexLock lock(mutex_);
    stopped_ = make_error(ErrorCode::kStorePoisoned, "the store takes no more writes: " + error.message);
    queued.swap(queue_);
  }
  // The group may be in the log or not: only a restart can tell.
  const Error unknown = error.code == ErrorCode::kOutcomeUnknown
                            ? error
                            : caused_by(ErrorCode::kOutcomeUnknown,
                                        "whether the commit is kept is known after a restart", error);
  for (Waiting& waiting : group) waiting.done.set_value(fail(unknown));
  for (Waiting& waiting : queued) {
    waiting.done.set_value(
        fail(ErrorCode::kStorePoisoned, "the store takes no more writes: " + error.message));
  }
  if (options_.on_stop) options_.on_stop(error);
}

void CommitLane::expire_outcomes(Sequencer& sequencer) {
  const std::int64_t now = clock_.unix_ms();
  if (now < next_expiry_ms_) return;
  next_expiry_ms_ = now + kExpiryIntervalMs;
  sequencer.forget_outcomes(std::max<std::int64_t>(0, now - options_.outcome_lifetime_ms));
}

void CommitLane::commit_group(std::vector<Waiting>& group) {
  {
    const MutexLock lock(mutex_);
    if (stopped_) {
      for (Waiting& waiting : group) waiting.done.set_value(fail(*stopped_));
      return;
    }
  }
  const Snapshot base = published_.load();
  Sequencer sequencer(*base, history_, clock_);
  bool sync = false;
  std::vector<Result<WriteResult>> results;
  for (Waiting& waiting : group) {
    sync = sync || waiting.submission.durability == Durability::kFsync;
    results.push_back(sequencer.add(std::move(waiting.submission)));
  }
  if (sequencer.records().empty() && sync) {
    // What was found to be there already may have been written without a sync.
    if (auto synced = log_.sync_through(base->sequence); !synced) {
      stop(std::move(synced).error(), group);
      return;
    }
  }
  if (!sequencer.records().empty()) {
    expire_outcomes(sequencer);
    if (auto appended = append(sequencer, sync); !appended) {
      Error error = std::move(appended).error();
      if (error.code == ErrorCode::kStorePoisoned || log_.last_sequence() != applier_.state().sequence) {
        stop(std::move(error), group);
        return;
      }
      for (Waiting& waiting : group) waiting.done.set_value(fail(error));
      return;
    }
    LogGroup applied;
    applied.first_sequence = applier_.state().sequence + 1;
    for (const SequencedRecord& record : sequencer.records()) {
      applied.entries.push_back(
          {record.record,
           {reinterpret_cast<const char*>(record.vectors.data()), record.vectors.size() * sizeof(float)}});
    }
    const auto apply = [&]() -> Status {
      FAULT_POINT("commit.before_apply");
      TRY(applier_.apply(applied));
      FAULT_POINT("commit.before_publish");
      return {};
    };
    if (auto status = apply(); !status) {
      stop(caused_by(ErrorCode::kOutcomeUnknown,
                     "the commit is in the log but could not be applied; it is there after a restart",
                     std::move(status).error()),
           group);
      return;
    }
    for (const auto& [key, sequence] : sequencer.deletes()) history_.record_delete(key, sequence);
    published_.store(applier_.publishable());
    history_.trim(applier_.state().sequence);
  }
  for (std::size_t i = 0; i < group.size(); ++i) group[i].done.set_value(std::move(results[i]));
}

}  // namespace sextant
