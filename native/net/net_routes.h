// The interfaces that the default routes of a network namespace lead to, by rtnetlink.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace kmod {

// Each once. `socket`: of OpenRouteSocket().
std::vector<int> ReadDefaultRoutes(int socket);

// Where routes lead: to interfaces, or to nexthop objects that know them.
struct RouteEnds {
  std::vector<int> interfaces;
  std::vector<uint32_t> nexthops;
};

// A nexthop object (`ip nexthop`): an interface, or a group of others.
struct Nexthop {
  int interface = 0;
  std::vector<uint32_t> members;
};

// Of one message, without its header; what is no default route adds nothing.
void AddDefaultRoute(std::string_view message, RouteEnds* ends);
void AddNexthop(std::string_view message, std::map<uint32_t, Nexthop>* nexthops);

}  // namespace kmod
