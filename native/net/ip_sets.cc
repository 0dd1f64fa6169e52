#include "ip_sets.h"

#include <arpa/inet.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "netlink.h"

namespace kmod {
namespace {

// The kernel allows 65,534 sets.
constexpr size_t kMessagesLimit = 200'000;

constexpr uint16_t kList = (NFNL_SUBSYS_IPSET << 8) | IPSET_CMD_LIST;

}  // namespace

void AddIpSet(std::string_view message, std::vector<IpSet>* sets) {
  if (message.size() < sizeof(nfgenmsg)) return;
  IpSet set;
  ForEachAttribute(message.substr(sizeof(nfgenmsg)), [&](uint16_t type, std::string_view payload) {
    if (type == IPSET_ATTR_SETNAME) set.name = AttributeText(payload);
    if (type == IPSET_ATTR_TYPENAME) set.type = AttributeText(payload);
    if (type != IPSET_ATTR_DATA) return;
    ForEachAttribute(payload, [&](uint16_t detail, std::string_view value) {
      if (detail == IPSET_ATTR_REFERENCES) set.references = LoadBigEndian(value);
    });
  });
  if (!set.name.empty()) sets->push_back(std::move(set));
}

IpSetsRead ReadIpSets(int socket) {
  // Every kernel that has ipset supports version 6 of the protocol. IPSET_FLAG_LIST_HEADER selects
  // the header of each set, without its elements.
  const std::string attributes =
      Attribute(IPSET_ATTR_PROTOCOL, uint8_t{IPSET_PROTOCOL_MIN}) +
      Attribute(IPSET_ATTR_FLAGS | NLA_F_NET_BYTEORDER, htonl(IPSET_FLAG_LIST_HEADER));
  const nfgenmsg body = {};
  auto dumped = DumpWhole<std::vector<IpSet>>(socket, DumpRequest(kList, body, attributes), kList,
                                              AddIpSet, kMessagesLimit);
  return {std::move(dumped.table), std::move(dumped.end)};
}

}  // namespace kmod
