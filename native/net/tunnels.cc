#include "tunnels.h"

#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

#include "netlink.h"

namespace kmod {
namespace {

// The kinds of tunnels, each with the attributes that hold the address of its other end.
struct TunnelKind {
  std::string_view kind;
  uint16_t remote, remote6;
};
constexpr TunnelKind kTunnels[] = {
    {"gre", IFLA_GRE_REMOTE, 0},
    {"gretap", IFLA_GRE_REMOTE, 0},
    {"ip6gre", IFLA_GRE_REMOTE, 0},
    {"ip6gretap", IFLA_GRE_REMOTE, 0},
    {"erspan", IFLA_GRE_REMOTE, 0},
    {"ip6erspan", IFLA_GRE_REMOTE, 0},
    {"ipip", IFLA_IPTUN_REMOTE, 0},
    {"sit", IFLA_IPTUN_REMOTE, 0},
    {"ip6tnl", IFLA_IPTUN_REMOTE, 0},
    {"vti", IFLA_VTI_REMOTE, 0},
    {"vti6", IFLA_VTI_REMOTE, 0},
    {"vxlan", IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6},
    {"geneve", IFLA_GENEVE_REMOTE, IFLA_GENEVE_REMOTE6},
};

// The interfaces that packets to an address are sent through. `mark`: the mark that the tunnel sets
// on its packets, which rules of `ip rule` can select.
std::vector<int> RouteTo(int socket, std::string_view address, uint32_t mark) {
  const bool is_ipv4 = address.size() == sizeof(in_addr);
  if (!is_ipv4 && address.size() != sizeof(in6_addr)) return {};
  if (address.find_first_not_of('\0') == std::string_view::npos) return {};
  rtmsg body = {};
  body.rtm_family = is_ipv4 ? AF_INET : AF_INET6;
  body.rtm_dst_len = static_cast<uint8_t>(address.size() * 8);
  std::string attributes = BytesAttribute(RTA_DST, address);
  if (mark != 0) attributes += Attribute(RTA_MARK, mark);
  std::vector<int> interfaces;
  // It fails if there is no route to the other end; then no packet leaves.
  Dump(socket, Request(RTM_GETROUTE, NLM_F_ACK, body, attributes), RTM_NEWROUTE,
       [&interfaces](std::string_view message) {
         if (message.size() < sizeof(rtmsg)) return;
         ForEachAttribute(message.substr(sizeof(rtmsg)),
                          [&interfaces](uint16_t type, std::string_view payload) {
                            if (type == RTA_OIF) interfaces.push_back(Load<int>(payload));
                          });
       })
      .IgnoreFailure();
  return interfaces;
}

void AddCarriers(const TunnelSockets& sockets, std::string_view address, uint32_t mark,
                 NetLink* link) {
  // If a tunnel was moved to another namespace, its packets leave from the namespace in which it
  // was created. WireGuard does not report which one that is, so both are looked up.
  if (!link->lower_is_own) {
    for (const int index : RouteTo(sockets.here, address, mark)) {
      if (index != link->index) link->carriers.push_back({false, index});
    }
  }
  if (sockets.own >= 0 && (link->lower_is_own || link->kind == "wireguard")) {
    for (const int index : RouteTo(sockets.own, address, mark)) {
      link->carriers.push_back({true, index});
    }
  }
}

// The number of a family of generic netlink; 0 if there is none.
uint16_t FindFamily(int socket, std::string_view name) {
  const genlmsghdr body = {CTRL_CMD_GETFAMILY, 1, 0};
  uint16_t family = 0;
  Dump(socket,
       Request(GENL_ID_CTRL, NLM_F_ACK, body,
               BytesAttribute(CTRL_ATTR_FAMILY_NAME, std::string(name).append(1, '\0'))),
       GENL_ID_CTRL,
       [&family](std::string_view message) {
         if (message.size() < sizeof(genlmsghdr)) return;
         ForEachAttribute(message.substr(sizeof(genlmsghdr)),
                          [&family](uint16_t type, std::string_view payload) {
                            if (type == CTRL_ATTR_FAMILY_ID) family = Load<uint16_t>(payload);
                          });
       })
      .IgnoreFailure();
  return family;
}

}  // namespace

std::string RemoteOf(std::string_view kind, std::string_view data) {
  std::string remote;
  for (const TunnelKind& tunnel : kTunnels) {
    if (tunnel.kind != kind) continue;
    ForEachAttribute(data, [&](uint16_t type, std::string_view address) {
      if (type == tunnel.remote || (tunnel.remote6 != 0 && type == tunnel.remote6)) {
        remote = address;
      }
    });
  }
  return remote;
}

WireguardEnds ParseWireguard(std::string_view message) {
  WireguardEnds ends;
  if (message.size() < sizeof(genlmsghdr)) return ends;
  const auto add_peer = [&ends](uint16_t type, std::string_view payload) {
    if (type != WGPEER_A_ENDPOINT || payload.size() < sizeof(sa_family_t)) return;
    const auto family = Load<sa_family_t>(payload);
    if (family == AF_INET && payload.size() >= sizeof(sockaddr_in)) {
      ends.addresses.emplace_back(payload.substr(offsetof(sockaddr_in, sin_addr), sizeof(in_addr)));
    }
    if (family == AF_INET6 && payload.size() >= sizeof(sockaddr_in6)) {
      ends.addresses.emplace_back(
          payload.substr(offsetof(sockaddr_in6, sin6_addr), sizeof(in6_addr)));
    }
  };
  ForEachAttribute(message.substr(sizeof(genlmsghdr)), [&](uint16_t type, std::string_view device) {
    if (type == WGDEVICE_A_FWMARK) ends.mark = Load<uint32_t>(device);
    if (type != WGDEVICE_A_PEERS) return;
    ForEachAttribute(
        device, [&add_peer](uint16_t, std::string_view peer) { ForEachAttribute(peer, add_peer); });
  });
  return ends;
}

void FindCarriers(const TunnelSockets& sockets, int generic, std::vector<NetLink>* links) {
  uint16_t wireguard = 0;
  for (NetLink& link : *links) {
    if (!link.remote.empty()) AddCarriers(sockets, link.remote, 0, &link);
    if (link.kind != "wireguard" || generic < 0) continue;
    if (wireguard == 0) wireguard = FindFamily(generic, "wireguard");
    if (wireguard == 0) return;
    const genlmsghdr body = {WG_CMD_GET_DEVICE, 1, 0};
    const std::string request = DumpRequest(
        wireguard, body, Attribute(WGDEVICE_A_IFINDEX, static_cast<uint32_t>(link.index)));
    // The messages also contain keys, which are not kept. Without CAP_NET_ADMIN the request fails,
    // and no carriers are added.
    Dump(generic, request, wireguard, [&](std::string_view message) {
      const WireguardEnds ends = ParseWireguard(message);
      for (const std::string& address : ends.addresses) {
        AddCarriers(sockets, address, ends.mark, &link);
      }
    }).IgnoreFailure();
  }
}

}  // namespace kmod
