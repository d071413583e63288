// DiskImage: what a MemoryDisk holds at one moment, and the events that lead from one moment to another.
//
// Part of memory_disk.h; nobody else includes this. A file's data and the entries of a directory are separate
// concerns, as on ext4 and XFS. Files and directories are nodes, so that an event means the same file
// whatever became of its name. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/memory_disk.h"

namespace sextant::memory_disk_detail {

using NodeId = std::uint64_t;
inline constexpr NodeId kRoot = 0;

/// A name within a directory.
struct Place {
  NodeId directory = kRoot;
  std::string name;
};

struct Event {
  enum class State : std::uint8_t {
    kPending,  // waits for a sync
    kDurable,  // synced; still listed only because an event before it is not
    kStuck,    // its sync failed: never durable, and for ever either lost or kept
  };

  PendingEvent shown;
  State state = State::kPending;
  NodeId node = kRoot;           // what is written, created, renamed or removed
  std::string bytes = {};        // of a write
  bool makes_directory = false;  // of a creation
  Place from = {};               // of a rename or removal
  Place to = {};                 // of a creation or rename
  // A rename between directories is durable once both are synced.
  bool from_synced = false;
  bool to_synced = false;

  bool on_data() const { return shown.kind == PendingKind::kWrite || shown.kind == PendingKind::kTruncate; }
  bool has_from() const { return shown.kind == PendingKind::kRename || shown.kind == PendingKind::kRemove; }
  bool has_to() const { return shown.kind == PendingKind::kRename || shown.kind == PendingKind::kCreate; }
};

struct DiskImage {
  using Entries = std::map<std::string, NodeId, std::less<>>;

  std::map<NodeId, std::string> files;
  std::map<NodeId, Entries> directories{{kRoot, {}}};

  /// Does what the event did. An entry event that has lost its ground (the directory was never created, the
  /// entry names another node by now) does nothing.
  void apply(const Event& event);
  /// The same with random bytes in place of a write's own.
  void apply_garbled(const Event& event);

  /// The nodes that can be reached from the root.
  std::set<NodeId> reachable() const;
  /// Forgets all other nodes.
  void keep_only(const std::set<NodeId>& nodes);

 private:
  void write(const Event& event, std::string_view bytes);
  bool names(const Place& place, NodeId node) const;
};

}  // namespace sextant::memory_disk_detail
