#include "net_links.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>

namespace kmod {
namespace {

// Headers of before Linux 5.14 and 5.7 lack these.
constexpr uint16_t kParentDeviceName = 56;  // IFLA_PARENT_DEV_NAME
constexpr uint16_t kParentBusName = 57;     // IFLA_PARENT_DEV_BUS_NAME
constexpr uint32_t kSkipStatistics = 1U << 3;

// The kernel hands out at most 32 KiB at a time.
constexpr size_t kBufferSize = 64 * 1024;
// A dump that the tables changed under is begun again; then any answer is as good as the next.
constexpr int kTries = 5;

template <typename T>
T Load(std::string_view bytes) {
  T value = {};
  memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof(value)));
  return value;
}

// Takes a header and what follows it off the front of `bytes`, as their length field says. Messages
// and attributes are both of this kind; false: there is no whole one.
template <typename Header>
bool TakeNext(std::string_view* bytes, size_t length, Header* header, std::string_view* payload) {
  constexpr size_t kHeader = (sizeof(Header) + 3) & ~size_t{3};
  if (length < kHeader || length > bytes->size()) return false;
  *header = Load<Header>(*bytes);
  *payload = bytes->substr(kHeader, length - kHeader);
  bytes->remove_prefix(std::min(bytes->size(), (length + 3) & ~size_t{3}));
  return true;
}

void ForEachAttribute(std::string_view bytes,
                      const std::function<void(uint16_t, std::string_view)>& visit) {
  rtattr attribute = {};
  std::string_view payload;
  while (TakeNext(&bytes, Load<rtattr>(bytes).rta_len, &attribute, &payload)) {
    visit(attribute.rta_type & NLA_TYPE_MASK, payload);
  }
}

std::string Text(std::string_view payload) {
  return std::string(payload.substr(0, payload.find('\0')));
}

// Asks for a table and hands each message of the answer on. 0, or an errno; EINTR: the table
// changed meanwhile.
int Dump(int socket, const std::string& request, uint16_t wanted,
         const std::function<void(std::string_view)>& visit) {
  if (send(socket, request.data(), request.size(), 0) < 0) return errno;
  std::string buffer(kBufferSize, '\0');
  bool changed = false;
  for (;;) {
    const ssize_t got = recv(socket, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : ENODATA;
    std::string_view rest(buffer.data(), static_cast<size_t>(got));
    nlmsghdr header = {};
    std::string_view payload;
    while (TakeNext(&rest, Load<nlmsghdr>(rest).nlmsg_len, &header, &payload)) {
      if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) changed = true;
      if (header.nlmsg_type == NLMSG_DONE) return changed ? EINTR : 0;
      if (header.nlmsg_type == NLMSG_ERROR) return -Load<nlmsgerr>(payload).error;
      if (header.nlmsg_type == wanted) visit(payload);
    }
  }
}

template <typename Body>
std::string Request(uint16_t type, const Body& body, std::string_view attributes = {}) {
  nlmsghdr header = {};
  header.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(sizeof(body)) + attributes.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  std::string bytes(NLMSG_LENGTH(sizeof(body)), '\0');
  memcpy(bytes.data(), &header, sizeof(header));
  memcpy(bytes.data() + NLMSG_HDRLEN, &body, sizeof(body));
  return bytes.append(attributes);
}

std::string LinkRequest() {
  ifinfomsg body = {};
  body.ifi_family = AF_UNSPEC;
  const rtattr attribute = {RTA_LENGTH(sizeof(kSkipStatistics)), IFLA_EXT_MASK};
  std::string attributes(reinterpret_cast<const char*>(&attribute), sizeof(attribute));
  attributes.append(reinterpret_cast<const char*>(&kSkipStatistics), sizeof(kSkipStatistics));
  return Request(RTM_GETLINK, body, attributes);
}

std::string RouteRequest(uint8_t family) {
  rtmsg body = {};
  body.rtm_family = family;
  return Request(RTM_GETROUTE, body);
}

// Nothing: the loopback.
std::optional<NetLink> ToLink(std::string_view message) {
  const auto info = Load<ifinfomsg>(message);
  if (message.size() < sizeof(info) || info.ifi_type == ARPHRD_LOOPBACK) return std::nullopt;
  NetLink link;
  link.index = info.ifi_index;
  link.up = (info.ifi_flags & IFF_UP) != 0;
  bool lower_is_elsewhere = false;
  ForEachAttribute(message.substr(sizeof(info)), [&](uint16_t type, std::string_view payload) {
    if (type == IFLA_IFNAME) link.name = Text(payload);
    if (type == IFLA_MASTER) link.master = Load<int>(payload);
    if (type == IFLA_LINK) link.lower = Load<int>(payload);
    if (type == IFLA_LINK_NETNSID) lower_is_elsewhere = true;
    if (type == kParentDeviceName) link.device = Text(payload);
    if (type == kParentBusName) link.bus = Text(payload);
    if (type == IFLA_LINKINFO) {
      ForEachAttribute(payload, [&link](uint16_t detail, std::string_view text) {
        if (detail == IFLA_INFO_KIND) link.kind = Text(text);
      });
    }
  });
  if (lower_is_elsewhere || link.lower == link.index) link.lower = 0;
  return link;
}

// The next hops of RTA_MULTIPATH, a list of rtnexthop structures.
void AddHops(std::string_view hops, std::vector<int>* indexes) {
  rtnexthop hop = {};
  std::string_view payload;
  while (TakeNext(&hops, Load<rtnexthop>(hops).rtnh_len, &hop, &payload)) {
    indexes->push_back(hop.rtnh_ifindex);
  }
}

void AddDefaultRoute(std::string_view message, std::vector<int>* indexes) {
  const auto route = Load<rtmsg>(message);
  if (message.size() < sizeof(route) || route.rtm_dst_len != 0 || route.rtm_type != RTN_UNICAST ||
      route.rtm_table == RT_TABLE_LOCAL) {
    return;
  }
  ForEachAttribute(message.substr(sizeof(route)), [&](uint16_t type, std::string_view payload) {
    if (type == RTA_OIF) indexes->push_back(Load<int>(payload));
    if (type == RTA_MULTIPATH) AddHops(payload, indexes);
  });
}

// Fills `table` by `visit`; begins again where it changed meanwhile.
template <typename Table>
int DumpWhole(int socket, const std::string& request, uint16_t wanted, Table* table,
              const std::function<void(std::string_view, Table*)>& visit) {
  int error = EINTR;
  for (int tried = 0; error == EINTR && tried < kTries; ++tried) {
    Table found;
    error =
        Dump(socket, request, wanted, [&](std::string_view message) { visit(message, &found); });
    if (error == 0 || error == EINTR) *table = std::move(found);
  }
  return error == EINTR ? 0 : error;
}

}  // namespace

Result<UniqueFd> OpenRouteSocket() {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd) return SystemFailure(errno, "socket", "AF_NETLINK");
  return fd;
}

Result<NetTables> ReadNetTables(int socket) {
  NetTables tables;
  const int error =
      DumpWhole<std::vector<NetLink>>(socket, LinkRequest(), RTM_NEWLINK, &tables.links,
                                      [](std::string_view message, std::vector<NetLink>* links) {
                                        if (std::optional<NetLink> link = ToLink(message))
                                          links->push_back(std::move(*link));
                                      });
  if (error != 0) return SystemFailure(error, "recv", "RTM_GETLINK");
  for (const uint8_t family : {AF_INET, AF_INET6}) {
    std::vector<int> indexes;
    // A kernel may be without one of the two.
    DumpWhole<std::vector<int>>(socket, RouteRequest(family), RTM_NEWROUTE, &indexes,
                                AddDefaultRoute);
    tables.default_routes.insert(tables.default_routes.end(), indexes.begin(), indexes.end());
  }
  std::vector<int>& routes = tables.default_routes;
  std::sort(routes.begin(), routes.end());
  routes.erase(std::unique(routes.begin(), routes.end()), routes.end());
  return tables;
}

}  // namespace kmod
