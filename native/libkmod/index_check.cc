#include "index_check.h"

#include <cerrno>
#include <cstdint>
#include <optional>
#include <vector>

#include "../proc/text_file.h"
#include "index_source.h"

namespace kmod {
namespace {

constexpr size_t kIndexLimit = 256 * 1024 * 1024;

// The format, as libkmod-index.c describes it: big-endian 32-bit numbers; a magic, a version of
// which the high half must match, and the offset of the root. The top bits of a node's offset say
// which parts the node has: a prefix, the children for a range of 7-bit characters, the values.
constexpr uint32_t kMagic = 0xB007F457;
constexpr uint32_t kMajorVersion = 2;
constexpr uint32_t kHasPrefix = 0x80000000;
constexpr uint32_t kHasValues = 0x40000000;
constexpr uint32_t kHasChildren = 0x20000000;
constexpr uint32_t kOffsetMask = 0x0FFFFFFF;
constexpr size_t kHeaderSize = 12;
constexpr unsigned kCharacters = 128;

// Reads forward from a position. Each method returns nullopt or false at the end of the file.
class Cursor {
 public:
  Cursor(std::string_view bytes, size_t position) : bytes_(bytes), position_(position) {}

  std::optional<uint8_t> TakeByte() {
    if (position_ >= bytes_.size()) return std::nullopt;
    return static_cast<uint8_t>(bytes_[position_++]);
  }

  std::optional<uint32_t> TakeNumber() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const std::optional<uint8_t> byte = TakeByte();
      if (!byte) return std::nullopt;
      value = (value << 8) | *byte;
    }
    return value;
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

// Whether a node is complete. Appends the offsets of its children to `pending`.
bool CheckNode(std::string_view bytes, uint32_t offset, std::vector<uint32_t>* pending) {
  Cursor cursor(bytes, offset & kOffsetMask);
  if ((offset & kHasPrefix) != 0 && !cursor.SkipString()) return false;
  if ((offset & kHasChildren) != 0) {
    const std::optional<uint8_t> first = cursor.TakeByte();
    const std::optional<uint8_t> last = cursor.TakeByte();
    if (!first || !last || *first > *last || *last >= kCharacters) return false;
    for (unsigned i = *first; i <= *last; ++i) {
      const std::optional<uint32_t> child = cursor.TakeNumber();
      if (!child) return false;
      if ((*child & kOffsetMask) != 0) pending->push_back(*child);
    }
  }
  if ((offset & kHasValues) != 0) {
    const std::optional<uint32_t> count = cursor.TakeNumber();
    if (!count) return false;
    for (uint32_t i = 0; i < *count; ++i) {
      const std::optional<uint32_t> priority = cursor.TakeNumber();
      if (!priority || !cursor.SkipString()) return false;
    }
  }
  return true;
}

}  // namespace

Result<> CheckIndex(std::string_view bytes) {
  Cursor header(bytes, 0);
  const std::optional<uint32_t> magic = header.TakeNumber();
  const std::optional<uint32_t> version = header.TakeNumber();
  const std::optional<uint32_t> root = header.TakeNumber();
  if (!magic || !version || !root) return FormatFailure("it is shorter than its header");
  if (*magic != kMagic) return FormatFailure("it does not start with the magic of an index");
  if (*version >> 16 != kMajorVersion) {
    return FormatFailure("its format version is " + std::to_string(*version >> 16) + ", not " +
                         std::to_string(kMajorVersion));
  }
  std::vector<uint32_t> pending = {*root};
  // Each node of a tree is reached once and takes at least one byte: more nodes than bytes mean
  // that there is a cycle.
  size_t nodes_left = bytes.size();
  while (!pending.empty()) {
    const uint32_t offset = pending.back();
    pending.pop_back();
    if ((offset & kOffsetMask) == 0) continue;
    if (nodes_left-- == 0) return FormatFailure("its nodes form a cycle");
    if ((offset & kOffsetMask) < kHeaderSize || !CheckNode(bytes, offset, &pending)) {
      return FormatFailure("the node at offset " + std::to_string(offset & kOffsetMask) +
                           " is cut off or damaged");
    }
  }
  return Ok();
}

Result<> CheckIndexFiles(const std::string& directory) {
  for (const char* name : kIndexFiles) {
    const std::string path = directory + "/" + name;
    const Result<std::string> bytes = ReadTextFile(path, kIndexLimit);
    if (!bytes.ok()) {
      // A container, or a kernel package whose depmod has not run yet, has no indexes.
      if (bytes.failure().error == ENOENT || bytes.failure().error == ENOTDIR) continue;
      return bytes.failure();
    }
    // depmod leaves the indexes of built-ins empty if the kernel's build made no list of them.
    const bool of_builtins = std::string_view(name).find("builtin") != std::string_view::npos;
    if (of_builtins && bytes->empty()) continue;
    if (const Result<> checked = CheckIndex(*bytes); !checked.ok()) {
      return FormatFailure(path + " is damaged: " + checked.failure().detail);
    }
  }
  return Ok();
}

}  // namespace kmod
