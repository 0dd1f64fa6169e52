#include "net_routes.h"

#include <sys/socket.h>

#include <set>
#include <utility>

#include "netlink.h"

namespace kmod {
namespace {

// The headers of kernels before 5.3 lack these. Source: include/uapi/linux/nexthop.h.
constexpr uint16_t kRouteNexthop = 30;  // RTA_NH_ID
constexpr uint16_t kNewNexthop = 104;   // RTM_NEWNEXTHOP
constexpr uint16_t kGetNexthop = 106;   // RTM_GETNEXTHOP
constexpr uint16_t kNexthopId = 1;      // NHA_ID
constexpr uint16_t kNexthopGroup = 2;   // NHA_GROUP
constexpr uint16_t kNexthopOut = 5;     // NHA_OIF
struct NexthopMessage {
  uint8_t family, scope, protocol, reserved;
  uint32_t flags;
};
struct NexthopMember {
  uint32_t id;
  uint8_t weight, weight_high;
  uint16_t reserved;
};

// The next hops of RTA_MULTIPATH, a list of rtnexthop structures.
void AddHops(std::string_view hops, std::vector<int>* indexes) {
  while (const auto hop = TakeItem<rtnexthop>(&hops, Load<rtnexthop>(hops).rtnh_len)) {
    indexes->push_back(hop->header.rtnh_ifindex);
  }
}

void Append(const RouteEnds& more, RouteEnds* ends) {
  ends->interfaces.insert(ends->interfaces.end(), more.interfaces.begin(), more.interfaces.end());
  ends->nexthops.insert(ends->nexthops.end(), more.nexthops.begin(), more.nexthops.end());
}

bool IsEmpty(const RouteEnds& ends) {
  return ends.interfaces.empty() && ends.nexthops.empty();
}

// Adds the interfaces of nexthop objects. A group does not contain other groups.
void AddEnds(const std::map<uint32_t, Nexthop>& nexthops, const std::vector<uint32_t>& ids,
             std::vector<int>* indexes) {
  for (const uint32_t id : ids) {
    const auto found = nexthops.find(id);
    if (found == nexthops.end()) continue;
    indexes->push_back(found->second.interface);
    for (const uint32_t member : found->second.members) {
      const auto end = nexthops.find(member);
      if (end != nexthops.end()) indexes->push_back(end->second.interface);
    }
  }
}

}  // namespace

void AddWideRoute(std::string_view message, WideRoutes* routes) {
  const auto route = Load<rtmsg>(message);
  if (message.size() < sizeof(route) || route.rtm_dst_len > 1 || route.rtm_type != RTN_UNICAST ||
      route.rtm_table == RT_TABLE_LOCAL) {
    return;
  }
  RouteEnds ends;
  bool upper = false;
  ForEachAttribute(message.substr(sizeof(route)), [&](uint16_t type, std::string_view payload) {
    if (type == RTA_DST) upper = (Load<uint8_t>(payload) & 0x80) != 0;
    if (type == RTA_OIF) ends.interfaces.push_back(Load<int>(payload));
    if (type == RTA_MULTIPATH) AddHops(payload, &ends.interfaces);
    if (type == kRouteNexthop) ends.nexthops.push_back(Load<uint32_t>(payload));
  });
  RouteEnds* const half = upper ? &routes->upper : &routes->lower;
  Append(ends, route.rtm_dst_len == 0 ? &routes->all : half);
}

void AddNexthop(std::string_view message, std::map<uint32_t, Nexthop>* nexthops) {
  if (message.size() < sizeof(NexthopMessage)) return;
  uint32_t id = 0;
  Nexthop nexthop;
  ForEachAttribute(message.substr(sizeof(NexthopMessage)), [&](uint16_t type,
                                                               std::string_view payload) {
    if (type == kNexthopId) id = Load<uint32_t>(payload);
    if (type == kNexthopOut) nexthop.interface = Load<int>(payload);
    if (type != kNexthopGroup) return;
    for (; payload.size() >= sizeof(NexthopMember); payload.remove_prefix(sizeof(NexthopMember))) {
      nexthop.members.push_back(Load<NexthopMember>(payload).id);
    }
  });
  (*nexthops)[id] = std::move(nexthop);
}

DefaultRoutes ReadDefaultRoutes(int socket) {
  DefaultRoutes routes;
  // Keeps the first failure. It is no failure if the kernel has no IPv6 or no nexthop objects.
  const auto note = [&routes](const Result<>& end) {
    if (routes.end.ok() && !end.ok() && !IsUnsupported(end.failure())) routes.end = end;
  };
  RouteEnds ends;
  for (const uint8_t family : {AF_INET, AF_INET6}) {
    rtmsg body = {};
    body.rtm_family = family;
    const auto found =
        DumpWhole<WideRoutes>(socket, DumpRequest(RTM_GETROUTE, body), RTM_NEWROUTE, AddWideRoute);
    note(found.end);
    const auto& [all, lower, upper] = found.table;
    Append(all, &ends);
    if (IsEmpty(lower) || IsEmpty(upper)) continue;
    Append(lower, &ends);
    Append(upper, &ends);
  }
  // A route has the interface of its nexthop object only if net.ipv4.nexthop_compat_mode is 1.
  // Source: fib_dump_info() in net/ipv4/fib_semantics.c.
  if (!ends.nexthops.empty()) {
    const auto nexthops = DumpWhole<std::map<uint32_t, Nexthop>>(
        socket, DumpRequest(kGetNexthop, NexthopMessage{}), kNewNexthop, AddNexthop);
    note(nexthops.end);
    AddEnds(nexthops.table, ends.nexthops, &ends.interfaces);
  }
  std::set<int> interfaces(ends.interfaces.begin(), ends.interfaces.end());
  interfaces.erase(0);  // a nexthop object without an interface
  routes.interfaces.assign(interfaces.begin(), interfaces.end());
  return routes;
}

}  // namespace kmod
