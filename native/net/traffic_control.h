// Reads the queueing disciplines of a network namespace, the filters on them and on their classes,
// and the actions, by rtnetlink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../common/result.h"

namespace kmod {

struct TrafficControl {
  int index = 0;  // of the interface; 0 for a filter of a shared block
  bool filter = false;
  std::string kind;       // such as `htb`; for a filter, such as `u32`
  uint32_t handle = 0;    // 0: a default discipline, which the kernel itself attached
  uint32_t parent = 0;    // a discipline or a class
  uint32_t block = 0;     // of a filter: the number of the shared block that it is in; 0: none
  uint32_t chain = 0;     // of a filter
  uint16_t priority = 0;  // of a filter
  uint16_t protocol = 0;  // of a filter: ETH_P_...
};

struct TrafficControlRead {
  std::vector<TrafficControl> items;
  std::map<std::string, size_t> actions;  // how many there are of each kind, such as `mirred`
  Result<> end;                           // a failure if the list may be incomplete
};

// `socket`: from OpenRouteSocket(). Leaves out the disciplines that are compiled into the kernel.
TrafficControlRead ReadTrafficControl(int socket);

// Both parse one message without its header. ParseQdisc returns nullopt for a discipline that is
// compiled into the kernel, ParseFilter for a message about an element of a filter.
std::optional<TrafficControl> ParseQdisc(std::string_view message);
std::optional<TrafficControl> ParseFilter(std::string_view message);

// Parses one message about a class: its number, or nullopt.
std::optional<uint32_t> ParseClass(std::string_view message);

// The number of actions in one message.
size_t CountActions(std::string_view message);

}  // namespace kmod
