// Reads how many IPsec states and policies a network namespace has, by NETLINK_XFRM.
#pragma once

#include <cstddef>

#include "../common/result.h"

namespace kmod {

struct XfrmCounts {
  size_t states = 0;
  size_t policies = 0;
};

// `socket`: of NETLINK_XFRM, which loads xfrm_user if it is not in the kernel. Asks for the counts
// alone: the states themselves contain their keys.
Result<XfrmCounts> ReadXfrmCounts(int socket);

}  // namespace kmod
