#include "net_namespace.h"

#include <fcntl.h>
#include <linux/net_namespace.h>
#include <sched.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "module_loaded.h"
#include "netlink.h"
#include "tunnels.h"

namespace kmod {
namespace {

// Whether the interface is one end of a pair: its IFLA_LINK is the other end, and it does not lie
// on that.
bool IsPair(const NetLink& link) {
  return link.kind == "veth" || link.kind == "netkit" || link.kind == "vxcan";
}

// The number that the namespace of the socket `route` has for the namespace `other`; nullopt if it
// has none.
std::optional<int> NumberOf(int route, int other) {
  std::optional<int> number;
  // Kernels before 4.9 do not answer; the number is not known then.
  Dump(route,
       Request(RTM_GETNSID, NLM_F_ACK, rtgenmsg{},
               Attribute(NETNSA_FD, static_cast<uint32_t>(other))),
       RTM_NEWNSID,
       [&number](std::string_view message) {
         constexpr size_t kHeader = NLMSG_ALIGN(sizeof(rtgenmsg));
         if (message.size() < kHeader) return;
         ForEachAttribute(message.substr(kHeader),
                          [&number](uint16_t type, std::string_view payload) {
                            if (type == NETNSA_NSID) number = Load<int>(payload);
                          });
       })
      .IgnoreFailure();
  return number && *number >= 0 ? number : std::nullopt;
}

}  // namespace

// What must be opened or read while the process is inside the namespace. The sockets stay in that
// namespace and can be used after the process has left it.
struct NetNamespaces::Opened {
  Result<UniqueFd> route;
  NetFilesRead files;
  FirewallReader firewalls;
  // A socket of NETLINK_GENERIC; not open if wireguard is not loaded.
  Result<UniqueFd> generic;
  TcpReader tcp;
};

NetNamespaces::NetNamespaces(bool users)
    : users_(users),
      own_(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)),
      own_route_(OpenRouteSocket()),
      files_(users) {}

Result<NetContents> NetNamespaces::ReadOwn() {
  return Read(OpenHere(), true);
}

Result<NetContents> NetNamespaces::ReadOther(const UniqueFd& other) {
  // Without this file the process could not return to its own namespace.
  if (!own_) return SystemFailure(EPERM, "open", "/proc/self/ns/net");
  if (setns(other.get(), CLONE_NEWNET) != 0)
    return SystemFailure(errno, "setns", "network namespace");
  Opened opened = OpenHere();
  if (setns(own_.get(), CLONE_NEWNET) != 0) _exit(EX_OSERR);
  return Read(std::move(opened), false);
}

NetNamespaces::Opened NetNamespaces::OpenHere() {
  Result<UniqueFd> route = OpenRouteSocket();
  NetFilesRead files = files_.Read();
  FirewallReader firewalls = FirewallReader::Open(files.files);
  return {std::move(route), std::move(files), std::move(firewalls),
          IsModuleLoaded("wireguard") ? OpenNetlink(NETLINK_GENERIC) : UniqueFd(),
          users_ ? TcpReader::Open() : TcpReader()};
}

void NetNamespaces::ResolveLower(int route, std::vector<NetLink>* links) const {
  std::optional<int> own;
  bool asked = false;
  for (NetLink& link : *links) {
    if (!link.lower_netns || IsPair(link)) continue;
    if (!asked) own = NumberOf(route, own_.get());
    asked = true;
    link.lower_is_own = own && link.lower_netns == own;
    if (link.lower_is_own && link.lower != 0) link.carriers.push_back({true, link.lower});
  }
}

Result<NetContents> NetNamespaces::Read(Opened opened, bool is_own) const {
  if (!opened.route.ok()) return opened.route.failure();
  Result<NetTables> tables = ReadNetTables(opened.route->get());
  if (!tables.ok()) return tables.failure();
  NetContents contents;
  contents.tables = *std::move(tables);
  contents.files = std::move(opened.files.files);
  contents.unreadable = std::move(opened.files.unreadable);
  contents.unreadable.insert(contents.tables.unreadable.begin(), contents.tables.unreadable.end());

  std::vector<NetLink>& links = contents.tables.links;
  if (!is_own && own_) ResolveLower(opened.route->get(), &links);
  for (NetLink& link : links) {
    if (!link.lower_netns) continue;
    link.lower = 0;
    if (link.lower_is_own || IsPair(link)) continue;
    contents.unreadable.insert("the lower interface of " + link.name +
                               ", which is in another network namespace");
  }
  const int own_route = is_own || !own_route_.ok() ? -1 : own_route_->get();
  const int generic = opened.generic.ok() && *opened.generic ? opened.generic->get() : -1;
  FindCarriers({opened.route->get(), own_route}, generic, &links);

  const bool bridges = std::any_of(links.begin(), links.end(),
                                   [](const NetLink& link) { return link.kind == "bridge"; });
  contents.firewalls = opened.firewalls.Read(users_, bridges);
  contents.unreadable.insert(contents.firewalls.unreadable.begin(),
                             contents.firewalls.unreadable.end());
  if (!users_) return contents;

  TrafficControlRead traffic_control = ReadTrafficControl(opened.route->get());
  contents.traffic_control = std::move(traffic_control.items);
  contents.actions = std::move(traffic_control.actions);
  if (!traffic_control.end.ok()) {
    contents.unreadable.insert(std::string("queueing disciplines and their filters (") +
                               ErrnoName(traffic_control.end.failure().error) + ")");
  }
  contents.tcp = opened.tcp.Read(&contents.unreadable);
  return contents;
}

}  // namespace kmod
