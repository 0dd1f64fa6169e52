#include "index_check.h"

#include <cstdint>
#include <vector>

namespace kmod {
namespace {

// The format, from the description at the top of libkmod-index.c: big-endian 32-bit numbers; a
// magic, a version whose high half must match, and the root's offset. A node's offset says in its
// top bits which parts follow: a prefix, the children by a range of 7-bit characters, the values.
constexpr uint32_t kMagic = 0xB007F457;
constexpr uint32_t kMajorVersion = 2;
constexpr uint32_t kHasPrefix = 0x80000000;
constexpr uint32_t kHasValues = 0x40000000;
constexpr uint32_t kHasChildren = 0x20000000;
constexpr uint32_t kOffsetMask = 0x0FFFFFFF;
constexpr size_t kHeaderSize = 12;
constexpr unsigned kCharacters = 128;

class Cursor {
 public:
  Cursor(std::string_view bytes, size_t position) : bytes_(bytes), position_(position) {}

  bool TakeByte(uint8_t* value) {
    if (position_ >= bytes_.size()) return false;
    *value = static_cast<uint8_t>(bytes_[position_++]);
    return true;
  }

  bool TakeNumber(uint32_t* value) {
    *value = 0;
    uint8_t byte = 0;
    for (int i = 0; i < 4; ++i) {
      if (!TakeByte(&byte)) return false;
      *value = (*value << 8) | byte;
    }
    return true;
  }

  bool SkipString() {
    const size_t end =
        position_ > bytes_.size() ? std::string_view::npos : bytes_.find('\0', position_);
    if (end == std::string_view::npos) return false;
    position_ = end + 1;
    return true;
  }

 private:
  std::string_view bytes_;
  size_t position_;
};

// Reads one node and appends the offsets of its children.
bool CheckNode(std::string_view bytes, uint32_t offset, std::vector<uint32_t>* pending) {
  Cursor cursor(bytes, offset & kOffsetMask);
  if ((offset & kHasPrefix) != 0 && !cursor.SkipString()) return false;
  if ((offset & kHasChildren) != 0) {
    uint8_t first = 0;
    uint8_t last = 0;
    if (!cursor.TakeByte(&first) || !cursor.TakeByte(&last)) return false;
    if (first > last || last >= kCharacters) return false;
    for (unsigned i = first; i <= last; ++i) {
      uint32_t child = 0;
      if (!cursor.TakeNumber(&child)) return false;
      if ((child & kOffsetMask) != 0) pending->push_back(child);
    }
  }
  if ((offset & kHasValues) != 0) {
    uint32_t count = 0;
    if (!cursor.TakeNumber(&count)) return false;
    for (uint32_t i = 0; i < count; ++i) {
      uint32_t priority = 0;
      if (!cursor.TakeNumber(&priority) || !cursor.SkipString()) return false;
    }
  }
  return true;
}

}  // namespace

std::optional<std::string> FindIndexFault(std::string_view bytes) {
  Cursor header(bytes, 0);
  uint32_t magic = 0;
  uint32_t version = 0;
  uint32_t root = 0;
  if (!header.TakeNumber(&magic) || !header.TakeNumber(&version) || !header.TakeNumber(&root)) {
    return "it is shorter than its header";
  }
  if (magic != kMagic) return "it has no index magic";
  if (version >> 16 != kMajorVersion) {
    return "its format version is " + std::to_string(version >> 16) + ", not 2";
  }
  std::vector<uint32_t> pending = {root};
  // In a tree no node is met twice, and the smallest takes a byte: more nodes than bytes is a
  // cycle.
  size_t budget = bytes.size();
  while (!pending.empty()) {
    const uint32_t offset = pending.back();
    pending.pop_back();
    if ((offset & kOffsetMask) == 0) continue;
    if (budget-- == 0) return "its nodes form a cycle";
    if ((offset & kOffsetMask) < kHeaderSize || !CheckNode(bytes, offset, &pending)) {
      return "a node at offset " + std::to_string(offset & kOffsetMask) + " is cut off or damaged";
    }
  }
  return std::nullopt;
}

}  // namespace kmod
