// Reads the queueing disciplines of a network namespace, and the filters on them, by rtnetlink.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../common/result.h"

namespace kmod {

struct TrafficControl {
  int index = 0;  // of the interface
  bool filter = false;
  std::string kind;     // such as `htb`; for a filter, such as `u32`
  uint32_t handle = 0;  // 0: a default discipline, which the kernel itself attached
  uint32_t parent = 0;
};

struct TrafficControlRead {
  std::vector<TrafficControl> items;
  Result<> end;  // a failure if the list may be incomplete
};

// `socket`: from OpenRouteSocket(). Leaves out the disciplines that are compiled into the kernel.
TrafficControlRead ReadTrafficControl(int socket);

// Both parse one message without its header. ParseQdisc returns nullopt for a discipline that is
// compiled into the kernel, ParseFilter for a message about an element of a filter.
std::optional<TrafficControl> ParseQdisc(std::string_view message);
std::optional<TrafficControl> ParseFilter(std::string_view message);

}  // namespace kmod
