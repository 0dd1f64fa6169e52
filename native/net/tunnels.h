// Finds the interfaces through which the packets of tunnels leave, which no attribute of a tunnel
// names: the kernel is asked for the route to the other end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net_links.h"

namespace kmod {

// The address of a tunnel's other end, as bytes; "" if the link is no tunnel or has none. `data`:
// of IFLA_INFO_DATA.
std::string RemoteOf(std::string_view kind, std::string_view data);

// The other ends of a WireGuard interface, as bytes of an address, and how it marks its packets.
struct WireguardEnds {
  std::vector<std::string> addresses;
  uint32_t mark = 0;
};

// Parses one message without its header.
WireguardEnds ParseWireguard(std::string_view message);

// Where a tunnel's socket may be: sockets of rtnetlink, in the namespace of the tunnel and in that
// of the calling process. The second is -1 if they are the same.
struct TunnelSockets {
  int here;
  int own;
};

// Adds to `carriers` of each tunnel. Asks for the peers of WireGuard by `generic`, a socket of
// NETLINK_GENERIC in the namespace of the links; -1 if wireguard is not in the kernel, into which
// the question would load it.
void FindCarriers(const TunnelSockets& sockets, int generic, std::vector<NetLink>* links);

}  // namespace kmod
