#include "change_watch.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <iterator>

namespace kmod {
namespace {

constexpr unsigned kKernelEvents = 1;  // the group of what the kernel says itself; udev's is 2

UniqueFd OpenNetlink(int protocol, unsigned groups) {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (fd && bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) fd.reset();
  return fd;
}

// Reads what has come; true where a message of the kernel counts, or where some were lost.
bool DrainSocket(const UniqueFd& socket, const std::function<bool(std::string_view)>& counts) {
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
    // Any process may send; the kernel's port is 0.
    if (sender.nl_pid == 0 && counts({bytes, static_cast<size_t>(got)})) any = true;
  }
  return any;
}

}  // namespace

Result<ChangeWatch> ChangeWatch::Open() {
  ChangeWatch watch;
  watch.modules_ = OpenNetlink(NETLINK_KOBJECT_UEVENT, kKernelEvents);
  watch.links_ = OpenNetlink(NETLINK_ROUTE, RTMGRP_LINK);
  watch.mounts_.reset(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!watch.modules_ && !watch.links_ && !watch.mounts_) {
    return SystemFailure(errno, "open", "/proc/self/mountinfo");
  }
  return watch;
}

bool ChangeWatch::Await(int socket) const {
  for (;;) {
    // One that is not open is -1, which poll passes over.
    pollfd waits[] = {{mounts_.get(), POLLPRI, 0},
                      {modules_.get(), POLLIN, 0},
                      {links_.get(), POLLIN, 0},
                      {socket, POLLIN, 0}};
    if (poll(waits, std::size(waits), -1) < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    // This poll has taken note of a change of the mounts: the next would not tell it again.
    const bool mounted = waits[0].revents != 0;
    if (Drain() || mounted) return true;
    if (waits[std::size(waits) - 1].revents != 0) return false;
  }
}

bool ChangeWatch::Drain() const {
  bool any = DrainSocket(modules_, IsAboutModule);
  if (DrainSocket(links_, [](std::string_view) { return true; })) any = true;
  // Each poll tells of the changes since the one before.
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
