#include "netlink.h"

#include <sys/socket.h>

namespace kmod {
namespace {

// The kernel hands out at most 32 KiB at a time.
constexpr size_t kBufferSize = 64 * 1024;

}  // namespace

Result<UniqueFd> OpenNetlink(int protocol) {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd) return SystemFailure(errno, "socket", "AF_NETLINK");
  return fd;
}

void ForEachAttribute(std::string_view bytes, const AttributeVisitor& visit) {
  rtattr attribute = {};
  std::string_view payload;
  while (TakeNext(&bytes, Load<rtattr>(bytes).rta_len, &attribute, &payload)) {
    visit(attribute.rta_type & NLA_TYPE_MASK, payload);
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

int Dump(int socket, const std::string& request, uint16_t wanted,
         const std::function<void(std::string_view)>& visit, size_t limit) {
  if (send(socket, request.data(), request.size(), 0) < 0) return errno;
  std::string buffer(kBufferSize, '\0');
  size_t messages = 0;
  bool changed = false;
  for (;;) {
    const ssize_t got = recv(socket, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : ENODATA;
    std::string_view rest(buffer.data(), static_cast<size_t>(got));
    nlmsghdr header = {};
    std::string_view payload;
    while (TakeNext(&rest, Load<nlmsghdr>(rest).nlmsg_len, &header, &payload)) {
      if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) changed = true;
      // The end of a dump may bring an error of its own.
      if (header.nlmsg_type == NLMSG_DONE) {
        const int error = Load<int>(payload);
        return error < 0 ? -error : (changed ? EINTR : 0);
      }
      if (header.nlmsg_type == NLMSG_ERROR) return -Load<nlmsgerr>(payload).error;
      if (header.nlmsg_type != wanted) continue;
      if (++messages > limit) return E2BIG;
      visit(payload);
    }
  }
}

}  // namespace kmod
