// Reads the sets of ipset in a network namespace, by nfnetlink.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../common/result.h"

namespace kmod {

struct IpSet {
  std::string name;
  std::string type;         // such as `hash:ip`
  uint32_t references = 0;  // how many rules and lists use it
};

struct IpSetsRead {
  std::vector<IpSet> sets;
  Result<> end;  // a failure if the list may be incomplete
};

// `socket`: a socket of NETLINK_NETFILTER. The request loads ip_set if it is not loaded.
IpSetsRead ReadIpSets(int socket);

// Parses one message (without its header) and adds its set to `sets`.
void AddIpSet(std::string_view message, std::vector<IpSet>* sets);

}  // namespace kmod
