// Writes a modules.*.bin as depmod does, for tests without depmod.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kmod {

class IndexWriter {
 public:
  void Add(const std::string& key, const std::string& value) {
    Node* node = &root_;
    for (const char c : key) node = &node->children[static_cast<unsigned char>(c)];
    node->values.push_back(value);
  }

  std::string Write() {
    bytes_.assign(12, '\0');
    const uint32_t root = WriteNode(root_);
    PutAt(0, 0xB007F457);
    PutAt(4, 0x00020001);
    PutAt(8, root);
    return bytes_;
  }

 private:
  struct Node {
    std::map<unsigned char, Node> children;
    std::vector<std::string> values;
  };

  void PutAt(size_t at, uint32_t value) {
    for (int i = 0; i < 4; ++i) bytes_[at + i] = static_cast<char>(value >> (24 - 8 * i));
  }
  void Put(uint32_t value) {
    bytes_.append(4, '\0');
    PutAt(bytes_.size() - 4, value);
  }

  // Children first, because a node contains their offsets.
  uint32_t WriteNode(const Node& node) {
    std::map<unsigned char, uint32_t> offsets;
    for (const auto& [c, child] : node.children) offsets[c] = WriteNode(child);
    uint32_t offset = static_cast<uint32_t>(bytes_.size());
    if (!offsets.empty()) {
      offset |= 0x20000000;
      const unsigned char first = offsets.begin()->first;
      const unsigned char last = offsets.rbegin()->first;
      bytes_.push_back(static_cast<char>(first));
      bytes_.push_back(static_cast<char>(last));
      for (unsigned c = first; c <= last; ++c) {
        Put(offsets.count(static_cast<unsigned char>(c)) != 0
                ? offsets[static_cast<unsigned char>(c)]
                : 0);
      }
    }
    if (!node.values.empty()) {
      offset |= 0x40000000;
      Put(static_cast<uint32_t>(node.values.size()));
      for (const std::string& value : node.values) {
        Put(0);
        bytes_ += value;
        bytes_.push_back('\0');
      }
    }
    return offset;
  }

  Node root_;
  std::string bytes_;
};

}  // namespace kmod
