#include "net_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {
namespace {

constexpr size_t kConnectionsLimit = 4 * 1024 * 1024;  // a line takes 150 bytes
constexpr auto kConnectionsTime = std::chrono::milliseconds(500);
constexpr size_t kTextLimit = 256 * 1024;
constexpr size_t kPiece = 64 * 1024;

constexpr const char* kConnections[] = {"/proc/net/tcp", "/proc/net/tcp6"};

constexpr const char* kGuardedFiles[] = {
    // The tables of iptables.
    "/proc/net/ip_tables_names",
    "/proc/net/ip6_tables_names",
    "/proc/net/arp_tables_names",
    "/proc/net/ip_vs",
    "/proc/net/pppoe",
};

constexpr const char* kUserFiles[] = {
    "/proc/net/protocols",
    "/proc/net/netlink",
    // Families whose sockets `protocols` does not count.
    "/proc/net/pfkey",
    "/proc/net/hci",
    "/proc/net/l2cap",
    "/proc/net/rfcomm",
    "/proc/net/sco",
    "/proc/sys/net/core/default_qdisc",
    "/proc/sys/net/ipv4/tcp_congestion_control",
};

// The beginning of a file, up to a limit.
struct LinesRead {
  std::string text;                // whole lines
  bool cut = false;                // the file reaches the limit
  std::optional<Failure> failure;  // why the text ends here
};

// Unlike ReadTextFile, this returns the text before the limit if the file is too long. /proc/net
// shows the network namespace of the main thread of this process.
LinesRead ReadLines(const char* path, size_t limit) {
  LinesRead lines;
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  if (!fd) {
    lines.failure = SystemFailure(errno, "open", path);
    return lines;
  }
  while (lines.text.size() < limit) {
    const size_t begin = lines.text.size();
    lines.text.resize(begin + std::min(kPiece, limit - begin));
    const ssize_t got = read(fd.get(), lines.text.data() + begin, lines.text.size() - begin);
    const int error = errno;
    lines.text.resize(begin + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && error == EINTR) continue;
    if (got == 0) return lines;
    if (got < 0) {
      lines.failure = SystemFailure(error, "read", path);
      break;
    }
  }
  lines.cut = !lines.failure;
  lines.text.resize(lines.text.rfind('\n') + 1);
  return lines;
}

}  // namespace

NetFileReader::NetFileReader(bool users)
    : users_(users),
      connections_left_(kConnectionsLimit),
      deadline_(std::chrono::steady_clock::now() + kConnectionsTime) {}

NetFilesRead NetFileReader::Read() {
  NetFilesRead all;
  const auto add = [&all](const char* path, LinesRead lines) {
    // ENOENT: this kernel or this namespace does not have the file.
    if (lines.failure && lines.failure->error != ENOENT) {
      const int error = lines.failure->error;
      const bool denied = error == EACCES || error == EPERM;
      all.unreadable.insert(std::string(path) + " (" +
                            (denied ? "permission denied" : ErrnoName(error)) + ")");
    }
    if (!lines.text.empty()) all.files.push_back({path, std::move(lines.text)});
  };
  for (const char* path : kConnections) {
    const bool in_time = std::chrono::steady_clock::now() < deadline_;
    LinesRead lines;
    if (in_time && connections_left_ > 0) lines = ReadLines(path, connections_left_);
    connections_left_ -= std::min(connections_left_, lines.text.size());
    if (!in_time || lines.cut || connections_left_ == 0) {
      all.unreadable.insert("connections to other machines beyond the first " +
                            std::to_string(kConnectionsLimit / 1024 / 1024) +
                            " MiB of their list, or those not read within half a second");
    }
    add(path, std::move(lines));
  }
  for (const char* path : kGuardedFiles) add(path, ReadLines(path, kTextLimit));
  if (!users_) return all;
  for (const char* path : kUserFiles) add(path, ReadLines(path, kTextLimit));
  return all;
}

}  // namespace kmod
