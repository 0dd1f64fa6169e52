// The messages between the Node process and its helper: a number that pairs an answer with its
// request, and a list of strings. Both ends are built from one source tree, so there is no version.
//
//   u32 length of the rest, u32 id, then for each string: u32 length, bytes     (little-endian)
//
// lib/helper/wire.ts is the other end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kmod {

struct Message {
  uint32_t id = 0;
  std::vector<std::string> strings;
};

// Far above the largest honest message (the answer to thousands of names).
constexpr uint32_t kMessageLimit = 64 * 1024 * 1024;

std::string EncodeMessage(const Message& message);

enum class DecodeStatus { kMessage, kIncomplete, kMalformed };

// Takes the first message off the front of `buffer`; leaves it alone while incomplete.
DecodeStatus DecodeMessage(std::string* buffer, Message* message);

}  // namespace kmod
