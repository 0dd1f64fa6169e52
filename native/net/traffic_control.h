// The queueing disciplines of a network namespace, and the filters on them, by rtnetlink.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kmod {

struct TrafficControl {
  int index = 0;  // of the interface
  bool filter = false;
  std::string kind;     // such as `htb`; of a filter, `u32`
  uint32_t handle = 0;  // 0: a default, which the kernel put there
  uint32_t parent = 0;
};

// `socket`: of OpenRouteSocket(). Without the disciplines that belong to the kernel itself.
std::vector<TrafficControl> ReadTrafficControl(int socket);

// One message, without its header. Nothing: one that belongs to the kernel itself, or a part of a
// filter that was told before.
std::optional<TrafficControl> ParseQdisc(std::string_view message);
std::optional<TrafficControl> ParseFilter(std::string_view message);

}  // namespace kmod
