// Reads how many IPsec states and policies a network namespace has, by NETLINK_XFRM.
#pragma once

#include <cstddef>

#include "../common/result.h"

namespace kmod {

struct XfrmCounts {
  size_t states = 0;
  size_t policies = 0;
};

// `socket`: a socket of NETLINK_XFRM; opening one loads xfrm_user if it is not loaded. Asks only
// for the counts, because the states themselves contain keys.
Result<XfrmCounts> ReadXfrmCounts(int socket);

}  // namespace kmod
