#include "netlink.h"

#include <sys/socket.h>
#include <time.h>

#include <memory>

namespace kmod {
namespace {

// The kernel returns at most 32 KiB at a time.
constexpr size_t kBufferSize = 64 * 1024;
constexpr size_t kBytesLimit = 512 * 1024 * 1024;
constexpr size_t kForeignLimit = 10'000;

// A number that the requests of the last seconds did not have. The kernel's events have 0.
uint32_t NewSequence() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto nanoseconds =
      static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  return static_cast<uint32_t>(nanoseconds) | 1;
}

}  // namespace

Result<UniqueFd> OpenNetlink(int protocol) {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd) return SystemFailure(errno, "socket", "AF_NETLINK");
  return fd;
}

Result<UniqueFd> OpenNetlinkEvents(int protocol, unsigned groups) {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd) return SystemFailure(errno, "socket", "AF_NETLINK");
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return SystemFailure(errno, "bind", "AF_NETLINK");
  }
  return fd;
}

bool IsUnsupported(const Failure& failure) {
  return failure.error == EOPNOTSUPP || failure.error == EAFNOSUPPORT ||
         failure.error == EPROTONOSUPPORT;
}

void ForEachAttribute(std::string_view bytes, const AttributeVisitor& visit) {
  while (const auto attribute = TakeItem<rtattr>(&bytes, Load<rtattr>(bytes).rta_len)) {
    visit(attribute->header.rta_type & NLA_TYPE_MASK, attribute->payload);
  }
}

std::string AttributeText(std::string_view payload) {
  return std::string(payload.substr(0, payload.find('\0')));
}

uint32_t LoadBigEndian(std::string_view payload) {
  uint32_t value = 0;
  for (const char byte : payload.substr(0, sizeof(value))) {
    value = (value << 8) | static_cast<uint8_t>(byte);
  }
  return value;
}

Result<> Dump(int socket, std::string request, uint16_t wanted, const MessageVisitor& visit,
              size_t limit) {
  const uint32_t sequence = NewSequence();
  memcpy(request.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof(sequence));
  if (send(socket, request.data(), request.size(), 0) < 0) return SystemFailure(errno, "send");
  return ReceiveAnswer(socket, sequence, wanted, visit, limit);
}

Result<> ReceiveAnswer(int socket, uint32_t sequence, uint16_t wanted, const MessageVisitor& visit,
                       size_t limit) {
  std::string buffer(kBufferSize, '\0');
  // A message about an encrypted tunnel contains its keys.
  const std::unique_ptr<std::string, void (*)(std::string*)> wipe(
      &buffer, [](std::string* bytes) { explicit_bzero(bytes->data(), bytes->size()); });
  size_t messages = 0;
  size_t bytes = 0;
  size_t foreign = 0;
  bool changed = false;
  for (;;) {
    sockaddr_nl sender = {};
    socklen_t length = sizeof(sender);
    const ssize_t got = recvfrom(socket, buffer.data(), buffer.size(), MSG_TRUNC,
                                 reinterpret_cast<sockaddr*>(&sender), &length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return SystemFailure(got < 0 ? errno : ENODATA, "recv");
    // The owner of a network namespace can send messages to the sockets in it, without end; the
    // kernel's port is 0.
    if (sender.nl_pid != 0) {
      if (++foreign > kForeignLimit) return SystemFailure(EBADMSG, "recv");
      continue;
    }
    // With MSG_TRUNC, recv returns the whole length of a message that was cut off.
    if (static_cast<size_t>(got) > buffer.size()) return SystemFailure(EMSGSIZE, "recv");
    bytes += static_cast<size_t>(got);
    if (bytes > kBytesLimit) return SystemFailure(E2BIG, "recv");
    std::string_view rest(buffer.data(), static_cast<size_t>(got));
    while (const auto item = TakeItem<nlmsghdr>(&rest, Load<nlmsghdr>(rest).nlmsg_len)) {
      const nlmsghdr& header = item->header;
      // An answer to an earlier request, of which not all messages were received.
      if (header.nlmsg_seq != sequence) continue;
      if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) changed = true;
      // The end of a dump can carry an error, too.
      if (header.nlmsg_type == NLMSG_DONE) {
        const int error = Load<int>(item->payload);
        if (error < 0) return SystemFailure(-error, "recv");
        if (changed) return SystemFailure(EINTR, "recv");
        return Ok();
      }
      if (header.nlmsg_type == NLMSG_ERROR) {
        const int error = Load<nlmsgerr>(item->payload).error;
        if (error == 0) return Ok();
        return SystemFailure(-error, "recv");
      }
      if (header.nlmsg_type != wanted) continue;
      if (++messages > limit) return SystemFailure(E2BIG, "recv");
      visit(item->payload);
    }
  }
}

}  // namespace kmod
