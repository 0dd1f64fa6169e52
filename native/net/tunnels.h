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
// the payload of IFLA_INFO_DATA.
std::string RemoteOf(std::string_view kind, std::string_view data);

// The other ends of a WireGuard interface, as bytes of an address, and how it marks its packets.
struct WireguardEnds {
  std::vector<std::string> addresses;
  uint32_t mark = 0;
};

// Parses one message without its header.
WireguardEnds ParseWireguard(std::string_view message);

// The packets of a tunnel leave from one of two namespaces. These are sockets of rtnetlink in both:
// in that of the link (`here`), and in that of the calling process (`own`; -1 if it is the same
// one).
struct TunnelSockets {
  int here;
  int own;
};

// Adds to `carriers` of each tunnel. `generic`: a socket of NETLINK_GENERIC in the namespace of the
// links, for requests about the peers of WireGuard; -1 if wireguard is not loaded, because a
// request would load it.
void FindCarriers(const TunnelSockets& sockets, int generic, std::vector<NetLink>* links);

}  // namespace kmod
