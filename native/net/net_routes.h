// Finds the interfaces that the default routes of a network namespace lead to, by rtnetlink.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "../common/result.h"

namespace kmod {

struct DefaultRoutes {
  std::vector<int> interfaces;  // each once
  Result<> end;                 // a failure if the list may be incomplete
};

// `socket`: from OpenRouteSocket().
DefaultRoutes ReadDefaultRoutes(int socket);

// What routes lead to: interfaces, or nexthop objects, which name the interfaces.
struct RouteEnds {
  std::vector<int> interfaces;
  std::vector<uint32_t> nexthops;
};

// A nexthop object (`ip nexthop`): an interface, or a group of other nexthop objects.
struct Nexthop {
  int interface = 0;
  std::vector<uint32_t> members;
};

// What the routes to all addresses lead to, and what those to the lower and the upper half of all
// addresses lead to: some VPNs set two routes to the halves instead of a default route.
struct WideRoutes {
  RouteEnds all, lower, upper;
};

// Both parse one message without its header. A route to fewer addresses is skipped.
void AddWideRoute(std::string_view message, WideRoutes* routes);
void AddNexthop(std::string_view message, std::map<uint32_t, Nexthop>* nexthops);

}  // namespace kmod
