#include "net_namespace.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "netlink.h"

namespace kmod {

// What has to be opened, or read, inside the namespace.
struct NetNamespaces::Door {
  Result<UniqueFd> route;
  UniqueFd netfilter;  // none: nobody wants it, or there is nothing behind it
  bool users;
  std::vector<NetFile> files;
  std::set<std::string> unreadable;
};

NetNamespaces::NetNamespaces(bool users)
    : users_(users), own_(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)), files_(users) {}

Result<NetContents> NetNamespaces::ReadOwn() {
  return ReadThrough(Open());
}

Result<NetContents> NetNamespaces::ReadOther(const std::string& path) {
  // Nowhere to come back to.
  if (!own_) return SystemFailure(EPERM, "open", "/proc/self/ns/net");
  const UniqueFd other(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!other) return SystemFailure(errno, "open", path);
  if (setns(other.get(), CLONE_NEWNET) != 0) return SystemFailure(errno, "setns", path);
  Door door = Open();
  if (setns(own_.get(), CLONE_NEWNET) != 0) _exit(71);
  return ReadThrough(std::move(door));
}

NetNamespaces::Door NetNamespaces::Open() {
  Door door{OpenRouteSocket(), UniqueFd(), users_, {}, {}};
  if (users_ && HasNfTables()) {
    Result<UniqueFd> netfilter = OpenNetlink(NETLINK_NETFILTER);
    if (!Failed(netfilter)) door.netfilter = std::get<UniqueFd>(std::move(netfilter));
  }
  door.files = files_.Read(&door.unreadable);
  return door;
}

Result<NetContents> NetNamespaces::ReadThrough(Door door) {
  if (Failed(door.route)) return std::get<Failure>(std::move(door.route));
  const int route = std::get<UniqueFd>(door.route).get();
  Result<NetTables> tables = ReadNetTables(route);
  if (Failed(tables)) return std::get<Failure>(std::move(tables));
  NetContents contents;
  contents.tables = std::get<NetTables>(std::move(tables));
  contents.files = std::move(door.files);
  contents.unreadable = std::move(door.unreadable);
  if (door.users) contents.traffic_control = ReadTrafficControl(route);
  if (door.netfilter) {
    contents.nf_tables = ReadNfTables(door.netfilter.get(), &contents.unreadable);
  }
  return contents;
}

}  // namespace kmod
