#include "base/disk_image.h"

#include "base/random.h"

namespace sextant::memory_disk_detail {

void DiskImage::apply(const Event& event) {
  switch (event.shown.kind) {
    case PendingKind::kWrite:
      write(event, event.bytes);
      return;
    case PendingKind::kTruncate:
      files[event.node].resize(event.shown.size);
      return;
    case PendingKind::kCreate:
      directories[event.to.directory][event.to.name] = event.node;  // out of reach if that directory was lost
      if (event.makes_directory) {
        directories.try_emplace(event.node);
      } else {
        files.try_emplace(event.node);
      }
      return;
    case PendingKind::kRename:
      if (!names(event.from, event.node) || !directories.contains(event.to.directory)) return;
      directories[event.from.directory].erase(event.from.name);
      directories[event.to.directory][event.to.name] = event.node;
      return;
    case PendingKind::kRemove:
      if (names(event.from, event.node)) directories[event.from.directory].erase(event.from.name);
      return;
  }
}

void DiskImage::apply_garbled(const Event& event) {
  if (event.shown.kind != PendingKind::kWrite) return apply(event);
  std::string garbage = event.bytes;
  std::uint64_t seed = mix64(event.node) ^ event.shown.offset;
  for (char& byte : garbage) byte = static_cast<char>(mix64(++seed) & 0xFFU);
  write(event, garbage);
}

void DiskImage::write(const Event& event, std::string_view bytes) {
  // The entry may not be durable yet: data without a name waits here for it.
  std::string& content = files[event.node];
  const std::uint64_t end = event.shown.offset + bytes.size();
  if (content.size() < end) content.resize(end);
  content.replace(event.shown.offset, bytes.size(), bytes);
}

bool DiskImage::names(const Place& place, NodeId node) const {
  const auto directory = directories.find(place.directory);
  if (directory == directories.end()) return false;
  const auto entry = directory->second.find(place.name);
  return entry != directory->second.end() && entry->second == node;
}

std::set<NodeId> DiskImage::reachable() const {
  std::set<NodeId> seen{kRoot};
  std::vector<NodeId> unvisited{kRoot};
  while (!unvisited.empty()) {
    const auto directory = directories.find(unvisited.back());
    unvisited.pop_back();
    if (directory == directories.end()) continue;
    for (const auto& [name, node] : directory->second) {
      if (seen.insert(node).second) unvisited.push_back(node);
    }
  }
  return seen;
}

void DiskImage::keep_only(const std::set<NodeId>& nodes) {
  const auto unwanted = [&](const auto& entry) { return !nodes.contains(entry.first); };
  std::erase_if(files, unwanted);
  std::erase_if(directories, unwanted);
}

}  // namespace sextant::memory_disk_detail
