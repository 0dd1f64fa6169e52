// The network interfaces of a network namespace and their addresses, by rtnetlink.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../common/failure.h"
#include "../common/handles.h"

namespace kmod {

struct NetLink {
  int index = 0;
  std::string name;
  bool up = false;
  std::optional<std::string> kind;    // such as `bridge`; nothing for hardware
  int master = 0;                     // 0: none
  int lower = 0;                      // 0: none, or one of another namespace
  std::optional<std::string> bus;     // of the device behind it, as in /sys/bus: since Linux 5.14
  std::optional<std::string> device;  // and its name there
};

struct NetAddress {
  int index = 0;
  std::string address;  // as inet_ntop(3) writes it
};

struct NetTables {
  std::vector<NetLink> links;         // without the loopback
  std::vector<int> default_routes;    // the interfaces that they lead to, each once
  std::vector<NetAddress> addresses;  // those of the loopback too
};

// A socket belongs for ever to the network namespace in which it was opened.
Result<UniqueFd> OpenRouteSocket();

Result<NetTables> ReadNetTables(int socket);

// Of one message each, without its header. Nothing: the loopback, or no address of its own.
std::optional<NetLink> ParseLink(std::string_view message);
std::optional<NetAddress> ParseAddress(std::string_view message);

}  // namespace kmod
