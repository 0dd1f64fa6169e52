#include "net_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace kmod {
// What must be opened or read while the process is inside the namespace. The sockets answer for it
// from outside, too.
struct NetNamespaces::Opened {
  Result<UniqueFd> route;
  NetFilesRead files;
  FirewallReader firewalls;
  bool users;
};

NetNamespaces::NetNamespaces(bool users)
    : users_(users), own_(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)), files_(users) {}

Result<NetContents> NetNamespaces::ReadOwn() {
  return Read(OpenHere());
}

Result<NetContents> NetNamespaces::ReadOther(const std::string& path) {
  // Without it the process could not return.
  if (!own_) return SystemFailure(EPERM, "open", "/proc/self/ns/net");
  const UniqueFd other(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!other) return SystemFailure(errno, "open", path);
  if (setns(other.get(), CLONE_NEWNET) != 0) return SystemFailure(errno, "setns", path);
  Opened opened = OpenHere();
  if (setns(own_.get(), CLONE_NEWNET) != 0) _exit(EX_OSERR);
  return Read(std::move(opened));
}

NetNamespaces::Opened NetNamespaces::OpenHere() {
  Result<UniqueFd> route = OpenRouteSocket();
  NetFilesRead files = files_.Read();
  FirewallReader firewalls = FirewallReader::Open(files.files);
  return {std::move(route), std::move(files), std::move(firewalls), users_};
}

Result<NetContents> NetNamespaces::Read(Opened opened) {
  if (!opened.route.ok()) return opened.route.failure();
  Result<NetTables> tables = ReadNetTables(opened.route->get());
  if (!tables.ok()) return tables.failure();
  NetContents contents;
  contents.tables = *std::move(tables);
  contents.files = std::move(opened.files.files);
  contents.unreadable = std::move(opened.files.unreadable);
  contents.unreadable.insert(contents.tables.unreadable.begin(), contents.tables.unreadable.end());

  const std::vector<NetLink>& links = contents.tables.links;
  const bool bridges = std::any_of(links.begin(), links.end(),
                                   [](const NetLink& link) { return link.kind == "bridge"; });
  contents.firewalls = opened.firewalls.Read(opened.users, bridges);
  contents.unreadable.insert(contents.firewalls.unreadable.begin(),
                             contents.firewalls.unreadable.end());
  if (!opened.users) return contents;

  TrafficControlRead traffic_control = ReadTrafficControl(opened.route->get());
  contents.traffic_control = std::move(traffic_control.items);
  if (!traffic_control.end.ok()) {
    contents.unreadable.insert(std::string("queueing disciplines and their filters (") +
                               ErrnoName(traffic_control.end.failure().error) + ")");
  }
  return contents;
}

}  // namespace kmod
