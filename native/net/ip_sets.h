// Reads the sets of ipset in a network namespace, by nfnetlink.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../common/result.h"

namespace kmod {

struct IpSet {
  std::string name;
  std::string type;  // such as `hash:ip`
};

struct IpSetsRead {
  std::vector<IpSet> sets;
  Result<> end;  // a failure if there may be more
};

// `socket`: of NETLINK_NETFILTER. The question loads ip_set if it is not in the kernel.
IpSetsRead ReadIpSets(int socket);

// Adds one message without its header.
void AddIpSet(std::string_view message, std::vector<IpSet>* sets);

}  // namespace kmod
