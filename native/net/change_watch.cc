#include "change_watch.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <iterator>

#include "netlink.h"

namespace kmod {
namespace {

constexpr unsigned kKernelEvents = 1;  // the group of the kernel's own events; 2 is that of udev

// Reads the queued messages. Returns whether a message from the kernel is relevant or any was lost.
bool DrainSocket(const UniqueFd& socket, const std::function<bool(std::string_view)>& is_relevant) {
  char bytes[16 * 1024];
  bool any = false;
  while (socket) {
    sockaddr_nl sender = {};
    socklen_t length = sizeof(sender);
    const ssize_t got = recvfrom(socket.get(), bytes, sizeof(bytes), 0,
                                 reinterpret_cast<sockaddr*>(&sender), &length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) {
      any = true;
      continue;
    }
    if (got < 0) break;
    // Other processes can send to this socket, too; the kernel's port is 0.
    if (sender.nl_pid == 0 && is_relevant({bytes, static_cast<size_t>(got)})) any = true;
  }
  return any;
}

}  // namespace

Result<ChangeWatch> ChangeWatch::Open() {
  ChangeWatch watch;
  // A source that cannot be opened is left out. The caller also polls; the events only shorten its
  // wait.
  watch.modules_ = OpenNetlinkEvents(NETLINK_KOBJECT_UEVENT, kKernelEvents).ValueOr({});
  watch.links_ = OpenNetlinkEvents(NETLINK_ROUTE, RTMGRP_LINK).ValueOr({});
  watch.mounts_.reset(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!watch.modules_ && !watch.links_ && !watch.mounts_) {
    return SystemFailure(errno, "open", "/proc/self/mountinfo");
  }
  return watch;
}

Result<ChangeWatch::Event> ChangeWatch::Await(int socket) const {
  for (;;) {
    // A source that is not open is -1, which poll ignores.
    pollfd waits[] = {{mounts_.get(), POLLPRI, 0},
                      {modules_.get(), POLLIN, 0},
                      {links_.get(), POLLIN, 0},
                      {socket, POLLIN, 0}};
    if (poll(waits, std::size(waits), -1) < 0) {
      if (errno == EINTR) continue;
      return SystemFailure(errno, "poll");
    }
    // This poll has consumed the change of the mounts: the next one does not report it again.
    const bool mounted = waits[0].revents != 0;
    if (Drain() || mounted) return Event::kChange;
    if (waits[std::size(waits) - 1].revents != 0) return Event::kSocketReadable;
  }
}

bool ChangeWatch::Drain() const {
  bool any = DrainSocket(modules_, IsAboutModule);
  if (DrainSocket(links_, [](std::string_view) { return true; })) any = true;
  // Each poll reports the changes since the previous poll.
  pollfd mounts = {mounts_.get(), POLLPRI, 0};
  if (poll(&mounts, 1, 0) > 0) any = true;
  return any;
}

bool IsAboutModule(std::string_view event) {
  while (!event.empty()) {
    const size_t end = event.find('\0');
    if (event.substr(0, end) == "SUBSYSTEM=module") return true;
    event.remove_prefix(end == std::string_view::npos ? event.size() : end + 1);
  }
  return false;
}

}  // namespace kmod
