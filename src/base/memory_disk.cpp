#include "base/memory_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/disk_image.h"
#include "base/mutex.h"

namespace sextant {

using memory_disk_detail::DiskImage;
using memory_disk_detail::Event;
using memory_disk_detail::kRoot;
using memory_disk_detail::NodeId;
using memory_disk_detail::Place;

namespace {

constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

std::unexpected<Error> fail_io(std::string_view operation, std::string_view path, std::string_view why) {
  return fail(ErrorCode::kIo, fmt::format("{} \"{}\": {}", operation, path, why));
}

/// The names on the way from the root, "." and ".." resolved.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> names;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (name == "..") {
      if (!names.empty()) names.pop_back();
    } else if (!name.empty() && name != ".") {
      names.push_back(name);
    }
  }
  return names;
}

}  // namespace

struct MemoryDisk::State {
  Mutex mutex;
  DiskImage durable GUARDED_BY(mutex);  // what no power loss can take away
  DiskImage current GUARDED_BY(mutex);  // as its users see it: `durable` after all `events`
  std::vector<Event> events GUARDED_BY(mutex);
  NodeId last_node GUARDED_BY(mutex) = kRoot;
  std::map<NodeId, int> open_files GUARDED_BY(mutex);
  std::map<NodeId, std::string> locked GUARDED_BY(mutex);  // with the holder's note
  std::uint64_t capacity GUARDED_BY(mutex) = kUnlimited;
  std::uint64_t syncs GUARDED_BY(mutex) = 0;
  int syncs_until_failure GUARDED_BY(mutex) = 0;

  std::optional<NodeId> find(std::string_view path) const REQUIRES(mutex) {
    NodeId node = kRoot;
    for (const std::string_view name : split(path)) {
      const auto directory = current.directories.find(node);
      if (directory == current.directories.end()) return std::nullopt;
      const auto entry = directory->second.find(name);
      if (entry == directory->second.end()) return std::nullopt;
      node = entry->second;
    }
    return node;
  }

  /// Where `path` is or would be; its directory must exist.
  Result<Place> place(std::string_view operation, std::string_view path) const REQUIRES(mutex) {
    std::vector<std::string_view> names = split(path);
    if (names.empty()) return fail_io(operation, path, "is the root directory");
    Place place{.directory = kRoot, .name = std::string(names.back())};
    names.pop_back();
    for (const std::string_view name : names) {
      const auto& entries = current.directories.at(place.directory);
      const auto entry = entries.find(name);
      if (entry == entries.end()) return fail_io(operation, path, "no such directory");
      if (!current.directories.contains(entry->second)) return fail_io(operation, path, "not a directory");
      place.directory = entry->second;
    }
    return place;
  }

  void perform(Event event) REQUIRES(mutex) {
    current.apply(event);
    events.push_back(std::move(event));
  }

  Result<NodeId> create(const std::string& path, bool makes_directory) REQUIRES(mutex) {
    TRY_ASSIGN(Place to, place("create", path));
    if (current.directories[to.directory].contains(to.name)) return fail_io("create", path, "already exists");
    perform(Event{.shown = {.kind = PendingKind::kCreate, .path = path},
                  .node = ++last_node,
                  .makes_directory = makes_directory,
                  .to = std::move(to)});
    return last_node;
  }

  std::uint64_t used_bytes() const REQUIRES(mutex) {
    std::uint64_t used = 0;
    for (const NodeId node : current.reachable()) {
      const auto file = current.files.find(node);
      if (file != current.files.end()) used += file->second.size();
    }
    return used;
  }

  /// Counts a sync; true when this is the one to fail.
  bool sync_fails() REQUIRES(mutex) {
    ++syncs;
    return syncs_until_failure > 0 && --syncs_until_failure == 0;
  }

  /// Moves what is durable and no longer waits for an earlier event from `events` into `durable`.
  void settle() REQUIRES(mutex) {
    std::vector<Event> waiting;
    std::set<NodeId> waiting_files;
    bool entries_wait = false;
    for (Event& event : events) {
      const bool waits = event.on_data() ? waiting_files.contains(event.node) : entries_wait;
      if (event.state == Event::State::kDurable && !waits) {
        durable.apply(event);
        continue;
      }
      if (event.on_data()) {
        waiting_files.insert(event.node);
      } else {
        entries_wait = true;
      }
      waiting.push_back(std::move(event));
    }
    events = std::move(waiting);
    forget_removed();
  }

  /// Drops the data of files that no entry can name any more, whatever the power loss.
  void forget_removed() REQUIRES(mutex) {
    std::set<NodeId> wanted = current.reachable();
    wanted.merge(durable.reachable());
    for (const Event& event : events) {
      if (!event.on_data()) wanted.insert(event.node);
    }
    std::erase_if(events, [&](const Event& event) { return !wanted.contains(event.node); });
    durable.keep_only(wanted);
    for (const auto& [node, count] : open_files) wanted.insert(node);
    current.keep_only(wanted);
  }
};

class MemoryDisk::OpenFile final : public File {
 public:
  OpenFile(std::shared_ptr<State> state, NodeId node, std::string path, OpenMode mode) REQUIRES(state->mutex)
      : state_(std::move(state)), node_(node), path_(std::move(path)), writable_(mode != OpenMode::kRead) {
    ++state_->open_files[node_];
  }
  ~OpenFile() override {
    const MutexLock lock(state_->mutex);
    if (--state_->open_files[node_] == 0) state_->open_files.erase(node_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) const override {
    const MutexLock lock(state_->mutex);
    const std::string& content = state_->current.files[node_];
    return offset >= content.size() ? 0 : content.copy(out, size, offset);
  }

  Status write_at(std::uint64_t offset, std::string_view bytes) override {
    const MutexLock lock(state_->mutex);
    if (!writable_) return fail_io("write", path_, "not open for writing");
    const std::string_view fitting = bytes.substr(0, room_for(offset, bytes.size()));
    // As a page cache would write it back: pages may reach the disk each on its own.
    for (std::size_t done = 0; done < fitting.size();) {
      const std::uint64_t at = offset + done;
      const std::string_view piece = fitting.substr(done, kPageBytes - at % kPageBytes);
      state_->perform(
          Event{.shown = {.kind = PendingKind::kWrite, .path = path_, .offset = at, .size = piece.size()},
                .node = node_,
                .bytes = std::string(piece)});
      done += piece.size();
    }
    if (fitting.size() == bytes.size()) return {};
    return fail(ErrorCode::kOutOfSpace, fmt::format("write \"{}\": no space left on the disk", path_));
  }

  Status sync() override {
    const MutexLock lock(state_->mutex);
    const bool fails = state_->sync_fails();
    for (Event& event : state_->events) {
      if (!event.on_data() || event.node != node_ || event.state != Event::State::kPending) continue;
      event.state = fails ? Event::State::kStuck : Event::State::kDurable;
    }
    if (fails) return fail_io("sync", path_, "injected failure");
    state_->settle();
    return {};
  }

  Status truncate(std::uint64_t size) override {
    const MutexLock lock(state_->mutex);
    if (!writable_) return fail_io("truncate", path_, "not open for writing");
    state_->perform(
        Event{.shown = {.kind = PendingKind::kTruncate, .path = path_, .size = size}, .node = node_});
    return {};
  }

  Result<std::uint64_t> size() const override {
    const MutexLock lock(state_->mutex);
    return state_->current.files[node_].size();
  }

 private:
  /// How many of `size` bytes at `offset` the capacity admits.
  std::size_t room_for(std::uint64_t offset, std::size_t size) const REQUIRES(state_->mutex) {
    if (state_->capacity == kUnlimited) return size;
    const std::uint64_t old_size = state_->current.files[node_].size();
    const std::uint64_t used = state_->used_bytes();
    const std::uint64_t free = state_->capacity > used ? state_->capacity - used : 0;
    const std::uint64_t end = std::min(offset + size, old_size + free);
    return end > offset ? static_cast<std::size_t>(end - offset) : 0;
  }

  std::shared_ptr<State> state_;
  NodeId node_;
  std::string path_;
  bool writable_;
};

class MemoryDisk::HeldLock final : public FileLock {
 public:
  HeldLock(std::shared_ptr<State> state, NodeId node) : state_(std::move(state)), node_(node) {}
  ~HeldLock() override {
    const MutexLock lock(state_->mutex);
    state_->locked.erase(node_);
  }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;

  Status write_note(std::string_view note) override {
    const MutexLock lock(state_->mutex);
    state_->locked[node_] = note;
    return {};
  }

 private:
  std::shared_ptr<State> state_;
  NodeId node_;
};

MemoryDisk::MemoryDisk() : state_(std::make_shared<State>()) {}
MemoryDisk::~MemoryDisk() = default;

Result<std::unique_ptr<File>> MemoryDisk::open(const std::string& path, OpenMode mode) {
  const MutexLock lock(state_->mutex);
  std::optional<NodeId> node;
  if (mode == OpenMode::kCreate) {
    TRY_ASSIGN(node, state_->create(path, false));
  } else {
    node = state_->find(path);
    if (!node) return fail_io("open", path, "no such file");
    if (!state_->current.files.contains(*node)) return fail_io("open", path, "is a directory");
  }
  return std::make_unique<OpenFile>(state_, *node, path, mode);
}

Result<bool> MemoryDisk::exists(const std::string& path) {
  const MutexLock lock(state_->mutex);
  return state_->find(path).has_value();
}

Result<std::vector<std::string>> MemoryDisk::list(const std::string& directory) {
  const MutexLock lock(state_->mutex);
  const std::optional<NodeId> node = state_->find(directory);
  if (!node || !state_->current.directories.contains(*node))
    return fail_io("list", directory, "no such directory");
  std::vector<std::string> names;
  for (const auto& [name, child] : state_->current.directories[*node]) names.push_back(name);
  return names;
}

Status MemoryDisk::make_directory(const std::string& path) {
  const MutexLock lock(state_->mutex);
  const std::optional<NodeId> node = state_->find(path);
  if (node && state_->current.directories.contains(*node)) return {};
  TRY(state_->create(path, true));
  return {};
}

Status MemoryDisk::rename(const std::string& from, const std::string& to) {
  const MutexLock lock(state_->mutex);
  const std::optional<NodeId> node = state_->find(from);
  if (!node) return fail_io("rename", from, "no such file");
  TRY_ASSIGN(Place source, state_->place("rename", from));
  TRY_ASSIGN(Place target, state_->place("rename", to));
  const std::optional<NodeId> replaced = state_->find(to);
  if (replaced == node) return {};
  const bool is_directory = state_->current.directories.contains(*node);
  if (replaced && (is_directory || state_->current.directories.contains(*replaced))) {
    return fail_io("rename", from, fmt::format("\"{}\" exists and one of both is a directory", to));
  }
  state_->perform(Event{.shown = {.kind = PendingKind::kRename, .path = to},
                        .node = *node,
                        .from = std::move(source),
                        .to = std::move(target)});
  return {};
}

Status MemoryDisk::remove(const std::string& path) {
  const MutexLock lock(state_->mutex);
  const std::optional<NodeId> node = state_->find(path);
  if (!node) return fail_io("remove", path, "no such file");
  const auto directory = state_->current.directories.find(*node);
  if (directory != state_->current.directories.end() && !directory->second.empty()) {
    return fail_io("remove", path, "directory not empty");
  }
  TRY_ASSIGN(Place from, state_->place("remove", path));
  state_->perform(
      Event{.shown = {.kind = PendingKind::kRemove, .path = path}, .node = *node, .from = std::move(from)});
  return {};
}

Status MemoryDisk::sync_directory(const std::string& path) {
  const MutexLock lock(state_->mutex);
  const std::optional<NodeId> node = state_->find(path);
  if (!node || !state_->current.directories.contains(*node)) {
    return fail_io("sync directory", path, "no such directory");
  }
  const bool fails = state_->sync_fails();
  for (Event& event : state_->events) {
    if (event.on_data() || event.state != Event::State::kPending) continue;
    const bool from_here = event.has_from() && event.from.directory == *node;
    const bool to_here = event.has_to() && event.to.directory == *node;
    if (!from_here && !to_here) continue;
    event.from_synced = event.from_synced || from_here;
    event.to_synced = event.to_synced || to_here;
    const bool whole = event.from_synced == event.has_from() && event.to_synced == event.has_to();
    if (fails) {
      event.state = Event::State::kStuck;
    } else if (whole) {
      event.state = Event::State::kDurable;
    }
  }
  if (fails) return fail_io("sync directory", path, "injected failure");
  state_->settle();
  return {};
}

Result<std::unique_ptr<FileLock>> MemoryDisk::lock(const std::string& path) {
  const MutexLock guard(state_->mutex);
  std::optional<NodeId> node = state_->find(path);
  if (!node) {
    TRY_ASSIGN(node, state_->create(path, false));
  }
  if (!state_->current.files.contains(*node)) return fail_io("lock", path, "is a directory");
  if (const auto [held, taken] = state_->locked.try_emplace(*node); !taken) {
    return fail(ErrorCode::kOwnerLockHeld,
                fmt::format("Could not set lock on file \"{}\": Conflicting lock is held by {}", path,
                            held->second.empty() ? "process unknown" : held->second));
  }
  return std::make_unique<HeldLock>(state_, *node);
}

std::vector<PendingEvent> MemoryDisk::pending() const {
  const MutexLock lock(state_->mutex);
  std::vector<PendingEvent> shown;
  for (const Event& event : state_->events) {
    if (event.state != Event::State::kDurable) shown.push_back(event.shown);
  }
  return shown;
}

std::unique_ptr<MemoryDisk> MemoryDisk::power_loss(
    const std::function<PendingFate(std::size_t)>& fate) const {
  const MutexLock lock(state_->mutex);
  DiskImage image = state_->durable;
  std::size_t index = 0;
  for (const Event& event : state_->events) {
    const PendingFate decided = event.state == Event::State::kDurable ? PendingFate::kKept : fate(index++);
    if (decided == PendingFate::kKept) image.apply(event);
    if (decided == PendingFate::kGarbled) image.apply_garbled(event);
  }

  auto found = std::make_unique<MemoryDisk>();
  const MutexLock found_lock(found->state_->mutex);
  found->state_->current = image;
  found->state_->durable = std::move(image);
  found->state_->last_node = state_->last_node;
  found->state_->capacity = state_->capacity;
  return found;
}

void MemoryDisk::fail_sync(int nth) {
  const MutexLock lock(state_->mutex);
  state_->syncs_until_failure = nth;
}

void MemoryDisk::set_capacity(std::uint64_t bytes) {
  const MutexLock lock(state_->mutex);
  state_->capacity = bytes;
}

std::uint64_t MemoryDisk::sync_count() const {
  const MutexLock lock(state_->mutex);
  return state_->syncs;
}

Status MemoryDisk::corrupt(const std::string& path, std::uint64_t offset, unsigned char mask) {
  const MutexLock lock(state_->mutex);
  const std::optional<NodeId> node = state_->find(path);
  const auto flip = [mask](std::string& bytes, std::uint64_t at) {
    if (at < bytes.size()) bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ mask);
  };
  if (!node || offset >= state_->current.files[*node].size()) return fail_io("corrupt", path, "no such byte");
  flip(state_->current.files[*node], offset);
  if (const auto file = state_->durable.files.find(*node); file != state_->durable.files.end()) {
    flip(file->second, offset);
  }
  for (Event& event : state_->events) {
    if (event.node == *node && offset >= event.shown.offset) flip(event.bytes, offset - event.shown.offset);
  }
  return {};
}

}  // namespace sextant
