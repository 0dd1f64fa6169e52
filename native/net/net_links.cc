#include "net_links.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include "net_routes.h"
#include "netlink.h"
#include "tunnels.h"

namespace kmod {
namespace {

// The headers of older kernels (before 5.14 and 5.7) lack these.
constexpr uint16_t kParentDeviceName = 56;  // IFLA_PARENT_DEV_NAME
constexpr uint16_t kParentBusName = 57;     // IFLA_PARENT_DEV_BUS_NAME
constexpr uint32_t kSkipStatistics = 1U << 3;

std::string LinkRequest() {
  ifinfomsg body = {};
  body.ifi_family = AF_UNSPEC;
  return DumpRequest(RTM_GETLINK, body, Attribute(IFLA_EXT_MASK, kSkipStatistics));
}

// Appends what a message describes, if anything.
template <typename Item, std::optional<Item> (*parse)(std::string_view)>
void Add(std::string_view message, std::vector<Item>* items) {
  if (std::optional<Item> item = parse(message)) items->push_back(std::move(*item));
}

}  // namespace

std::optional<NetLink> ParseLink(std::string_view message) {
  const auto info = Load<ifinfomsg>(message);
  if (message.size() < sizeof(info) || info.ifi_type == ARPHRD_LOOPBACK) return std::nullopt;
  NetLink link;
  link.index = info.ifi_index;
  link.up = (info.ifi_flags & IFF_UP) != 0;
  ForEachAttribute(message.substr(sizeof(info)), [&](uint16_t type, std::string_view payload) {
    if (type == IFLA_IFNAME) link.name = AttributeText(payload);
    if (type == IFLA_MASTER) link.master = Load<int>(payload);
    if (type == IFLA_LINK) link.lower = Load<int>(payload);
    if (type == IFLA_LINK_NETNSID) link.lower_netns = Load<int>(payload);
    if (type == kParentDeviceName) link.device = AttributeText(payload);
    if (type == kParentBusName) link.bus = AttributeText(payload);
    if (type == IFLA_LINKINFO) {
      std::string_view data;
      ForEachAttribute(payload, [&](uint16_t detail, std::string_view content) {
        if (detail == IFLA_INFO_KIND) link.kind = AttributeText(content);
        if (detail == IFLA_INFO_DATA) data = content;
      });
      if (link.kind) link.remote = RemoteOf(*link.kind, data);
    }
  });
  if (!link.lower_netns && link.lower == link.index) link.lower = 0;
  return link;
}

std::optional<NetAddress> ParseAddress(std::string_view message) {
  const auto info = Load<ifaddrmsg>(message);
  if (message.size() < sizeof(info)) return std::nullopt;
  const size_t length = info.ifa_family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  std::string_view own;
  ForEachAttribute(message.substr(sizeof(info)), [&](uint16_t type, std::string_view payload) {
    if (payload.size() != length) return;
    // On a point-to-point link IFA_ADDRESS is the address of the other end.
    if (type == IFA_LOCAL || (type == IFA_ADDRESS && own.empty())) own = payload;
  });
  if (own.empty()) return std::nullopt;
  char text[INET6_ADDRSTRLEN] = {};
  if (inet_ntop(info.ifa_family, own.data(), text, sizeof(text)) == nullptr) return std::nullopt;
  return NetAddress{static_cast<int>(info.ifa_index), text};
}

Result<UniqueFd> OpenRouteSocket() {
  return OpenNetlink(NETLINK_ROUTE);
}

Result<NetTables> ReadNetTables(int socket) {
  NetTables tables;
  auto links =
      DumpWhole<std::vector<NetLink>>(socket, LinkRequest(), RTM_NEWLINK, Add<NetLink, ParseLink>);
  tables.links = std::move(links.table);
  if (!links.end.ok()) {
    const Failure& failure = links.end.failure();
    if (failure.error != E2BIG) {
      return SystemFailure(failure.error, failure.syscall, "RTM_GETLINK");
    }
    // The socket cannot be used any more.
    tables.unreadable.insert("network interfaces and routes beyond the first " +
                             std::to_string(tables.links.size()));
    return tables;
  }

  auto routes = ReadDefaultRoutes(socket);
  tables.default_routes = std::move(routes.interfaces);
  if (!routes.end.ok()) {
    tables.unreadable.insert(std::string("default routes (") +
                             ErrnoName(routes.end.failure().error) + ")");
  }

  auto addresses = DumpWhole<std::vector<NetAddress>>(socket, DumpRequest(RTM_GETADDR, ifaddrmsg{}),
                                                      RTM_NEWADDR, Add<NetAddress, ParseAddress>);
  tables.addresses = std::move(addresses.table);
  if (!addresses.end.ok() && !IsUnsupported(addresses.end.failure())) {
    tables.unreadable.insert(std::string("network addresses (") +
                             ErrnoName(addresses.end.failure().error) + ")");
  }
  return tables;
}

}  // namespace kmod
