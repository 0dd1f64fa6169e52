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

// An interface below another one: in the network namespace of this process, or of the other one.
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
  int lower = 0;                      // what it lies on; 0: none, or it is not known where that is
  std::optional<std::string> bus;     // of the device behind it, as in /sys/bus: since Linux 5.14
  std::optional<std::string> device;  // its name on that bus
  // What it lies on, or the way of its packets if it is a tunnel, is in the network namespace with
  // this number, which only its own namespace knows it by.
  std::optional<int> lower_netns;
  bool lower_is_own = false;      // that is the namespace of this process
  std::string remote;             // of a tunnel: the address of its other end, as bytes
  std::vector<Carrier> carriers;  // what else it lies on
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

// Both parse one message without its header. nullopt: the loopback interface; no address of this
// end.
std::optional<NetLink> ParseLink(std::string_view message);
std::optional<NetAddress> ParseAddress(std::string_view message);

}  // namespace kmod
