#include "net_namespace.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "netlink.h"

namespace kmod {
namespace {

// "WHAT (ENOBUFS)", or the missing capability where that is known.
void AddIfFailed(const char* what, const Result<>& end, std::set<std::string>* unreadable) {
  if (end.ok()) return;
  const int error = end.failure().error;
  unreadable->insert(std::string(what) + " (" +
                     (error == EPERM ? "CAP_NET_ADMIN is missing" : ErrnoName(error)) + ")");
}

}  // namespace

// What must be opened or read while the process is inside the namespace. The sockets answer for it
// from outside, too.
struct NetNamespaces::Opened {
  Result<UniqueFd> route;
  Result<UniqueFd>
      netfilter;  // not open if users are not wanted, or if the kernel has no nf_tables
  NetFilesRead files;
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
  const bool has_rules = users_ && HasNfTables();
  return {OpenRouteSocket(), has_rules ? OpenNetlink(NETLINK_NETFILTER) : UniqueFd(), files_.Read(),
          users_};
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
  if (!opened.users) return contents;

  TrafficControlRead traffic_control = ReadTrafficControl(opened.route->get());
  contents.traffic_control = std::move(traffic_control.items);
  AddIfFailed("queueing disciplines and their filters", traffic_control.end, &contents.unreadable);
  if (!opened.netfilter.ok()) {
    AddIfFailed("the rules of nftables", opened.netfilter.failure(), &contents.unreadable);
  } else if (*opened.netfilter) {
    NftTablesRead rules = ReadNfTables(opened.netfilter->get());
    contents.nf_tables = std::move(rules.tables);
    AddIfFailed("the rules of nftables", rules.end, &contents.unreadable);
  }
  return contents;
}

}  // namespace kmod
