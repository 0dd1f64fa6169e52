// Feeds any bytes as netlink messages, and as the entries of tables that getsockopt(2) returns.
#include <cstddef>
#include <cstdint>
#include <map>

#include "../net/change_watch.h"
#include "../net/ip_sets.h"
#include "../net/net_links.h"
#include "../net/net_routes.h"
#include "../net/nf_tables.h"
#include "../net/tcp_uses.h"
#include "../net/traffic_control.h"
#include "../net/tunnels.h"
#include "../net/x_tables.h"
#include "../net/xfrm.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  const auto link = kmod::ParseLink(message);
  if (link && !link->lower_netns && link->lower == link->index && link->index != 0)
    __builtin_trap();
  const auto address = kmod::ParseAddress(message);
  if (address && address->address.empty()) __builtin_trap();
  const auto qdisc = kmod::ParseQdisc(message);
  if (qdisc && (qdisc->kind.empty() || qdisc->filter)) __builtin_trap();
  const auto filter = kmod::ParseFilter(message);
  if (filter && filter->handle != 0) __builtin_trap();

  kmod::WideRoutes routes;
  kmod::AddWideRoute(message, &routes);
  for (const kmod::RouteEnds& ends : {routes.all, routes.lower, routes.upper}) {
    if (ends.interfaces.size() + ends.nexthops.size() > size) __builtin_trap();
  }
  if (kmod::ParseWireguard(message).addresses.size() > size) __builtin_trap();
  std::vector<kmod::IpSet> sets;
  kmod::AddIpSet(message, &sets);
  // The sizes and fields of ipt_entry, ip6t_entry and arpt_entry.
  for (const kmod::EntryLayout& layout :
       {kmod::EntryLayout{112, 88}, kmod::EntryLayout{168, 140}, kmod::EntryLayout{192, 164}}) {
    const size_t offset = size < 2 ? 0 : data[0] * 256 + data[1];
    if (!kmod::IsAcceptPolicy(message, offset, layout) && offset > size) __builtin_trap();
  }
  kmod::RemoteOf(size % 2 == 0 ? "vxlan" : "ipip", message);
  kmod::IsAboutModule(message);
  kmod::XTable table;
  kmod::AddEbtablesEntries(message, &table);
  kmod::TcpUses uses;
  kmod::AddTcpSocket(message, &uses);
  kmod::XfrmCounts counts;
  kmod::AddXfrmState(message, &counts);
  kmod::ParseClass(message);
  if (kmod::CountActions(message) > size) __builtin_trap();
  std::map<uint32_t, kmod::Nexthop> nexthops;
  kmod::AddNexthop(message, &nexthops);
  if (nexthops.size() > 1) __builtin_trap();

  kmod::NftTables tables;
  kmod::AddNftTable(message, &tables);
  kmod::AddNftChain(message, &tables);
  kmod::AddNftRule(message, &tables);
  kmod::AddNftObject(message, &tables);
  kmod::AddNftFlowtable(message, &tables);
  for (const auto& [key, table] : tables) {
    if (table.parts.size() > size) __builtin_trap();
  }
  return 0;
}
