// Reads which IPsec states and how many policies a network namespace has, by NETLINK_XFRM.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "../common/result.h"

namespace kmod {

struct XfrmCounts {
  size_t states = 0;
  size_t policies = 0;
  // How many states there are of each address family (AF_...) and protocol (IPPROTO_...); only if
  // they were asked for.
  std::map<std::pair<uint16_t, uint8_t>, size_t> protocols;
  Result<> end;  // a failure if `protocols` may be incomplete
};

// `socket`: a socket of NETLINK_XFRM; opening one loads xfrm_user if it is not loaded. Without
// `protocols` it asks only for the counts. The states themselves also contain keys, which are not
// kept.
Result<XfrmCounts> ReadXfrmCounts(int socket, bool protocols);

// Parses one message about a state (without its header) and adds it to `counts`.
void AddXfrmState(std::string_view message, XfrmCounts* counts);

}  // namespace kmod
