// Reads the interfaces, addresses and default routes of a network namespace by rtnetlink.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

// An interface that another interface sends its packets through. `own`: it is in the network
// namespace of this process; otherwise it is in that of the other interface.
struct Carrier {
  bool own = false;
  int index = 0;
};

struct NetLink {
  int index = 0;
  std::string name;
  bool up = false;
  std::optional<std::string> kind;    // such as `bridge`; nullopt for hardware
  int master = 0;                     // 0: none
  int lower = 0;                      // the interface that it lies on; 0: none, or not known
  std::optional<std::string> bus;     // of the device behind it, as in /sys/bus: since Linux 5.14
  std::optional<std::string> device;  // its name on that bus
  // The number of the other network namespace that has the interface it lies on, or, for a tunnel,
  // from which its packets leave. The number is valid only in the namespace of this interface.
  std::optional<int> lower_netns;
  bool lower_is_own = false;      // `lower_netns` is the namespace of this process
  std::string remote;             // of a tunnel: the address of its other end, as bytes
  std::vector<Carrier> carriers;  // further interfaces that it lies on
};

struct NetAddress {
  int index = 0;        // of the interface
  std::string address;  // as inet_ntop(3) writes it
};

struct NetTables {
  std::vector<NetLink> links;         // without the loopback interface
  std::vector<int> default_routes;    // the interfaces that they lead to, each once
  std::vector<NetAddress> addresses;  // including those of the loopback interface
  std::set<std::string> unreadable;   // which of these tables is incomplete, and why
};

// A socket stays in the network namespace in which it was opened.
Result<UniqueFd> OpenRouteSocket();

// Fails only if the interfaces cannot be read.
Result<NetTables> ReadNetTables(int socket);

// Both parse one message without its header. ParseLink returns nullopt for the loopback interface,
// ParseAddress for a message without an address of this end.
std::optional<NetLink> ParseLink(std::string_view message);
std::optional<NetAddress> ParseAddress(std::string_view message);

}  // namespace kmod
