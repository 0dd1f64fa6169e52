#include "net_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>

namespace kmod {
namespace {

Result<NetTables> ReadThrough(const Result<UniqueFd>& socket) {
  if (Failed(socket)) return std::get<Failure>(socket);
  return ReadNetTables(std::get<UniqueFd>(socket).get());
}

}  // namespace

NetNamespaces::NetNamespaces() : own_(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {}

Result<NetTables> NetNamespaces::ReadOwn() const {
  return ReadThrough(OpenRouteSocket());
}

Result<NetTables> NetNamespaces::ReadOther(const std::string& path) const {
  // Nowhere to come back to.
  if (!own_) return SystemFailure(EPERM, "open", "/proc/self/ns/net");
  const UniqueFd other(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!other) return SystemFailure(errno, "open", path);
  if (setns(other.get(), CLONE_NEWNET) != 0) return SystemFailure(errno, "setns", path);
  const Result<UniqueFd> socket = OpenRouteSocket();
  if (setns(own_.get(), CLONE_NEWNET) != 0) _exit(71);
  return ReadThrough(socket);
}

}  // namespace kmod
