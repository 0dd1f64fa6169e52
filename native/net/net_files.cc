#include "net_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "../common/handles.h"

namespace kmod {
namespace {

constexpr size_t kConnectionsLimit = 4 * 1024 * 1024;  // a line takes 150 bytes
constexpr auto kConnectionsTime = std::chrono::milliseconds(500);
constexpr size_t kTextLimit = 256 * 1024;
constexpr size_t kPiece = 64 * 1024;

constexpr const char* kConnections[] = {"/proc/net/tcp", "/proc/net/tcp6"};

constexpr const char* kUserFiles[] = {
    "/proc/net/protocols",
    // Families whose sockets `protocols` does not count.
    "/proc/net/pfkey",
    "/proc/net/hci",
    "/proc/net/l2cap",
    "/proc/net/rfcomm",
    "/proc/net/sco",
    // The tables of iptables.
    "/proc/net/ip_tables_names",
    "/proc/net/ip6_tables_names",
    "/proc/net/arp_tables_names",
    "/proc/sys/net/core/default_qdisc",
    "/proc/sys/net/ipv4/tcp_congestion_control",
};

struct Text {
  std::string text;
  int error = 0;
  bool cut = false;
};

// As much as `limit`, whole lines. /proc/net leads to the process, and so to the namespace that its
// first thread is in.
Text ReadLines(const char* path, size_t limit) {
  Text read;
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  if (!fd) {
    read.error = errno;
    return read;
  }
  while (read.text.size() < limit) {
    const size_t begin = read.text.size();
    read.text.resize(begin + std::min(kPiece, limit - begin));
    const ssize_t got = ::read(fd.get(), read.text.data() + begin, read.text.size() - begin);
    read.text.resize(begin + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) read.error = errno;
    if (got <= 0) return read;
  }
  read.cut = true;
  read.text.resize(read.text.rfind('\n') + 1);
  return read;
}

}  // namespace

NetFileReader::NetFileReader(bool users)
    : users_(users),
      connections_left_(kConnectionsLimit),
      deadline_(std::chrono::steady_clock::now() + kConnectionsTime) {}

std::vector<NetFile> NetFileReader::Read(std::set<std::string>* unreadable) {
  std::vector<NetFile> files;
  // Not there: the kernel, or the namespace, is without it.
  const auto add = [&](const char* path, Text read) {
    if (read.error == EACCES || read.error == EPERM) {
      unreadable->insert(std::string(path) + " (permission denied)");
    }
    if (!read.text.empty()) files.push_back({path, std::move(read.text)});
  };
  for (const char* path : kConnections) {
    const bool in_time = std::chrono::steady_clock::now() < deadline_;
    Text read;
    if (in_time && connections_left_ > 0) read = ReadLines(path, connections_left_);
    connections_left_ -= std::min(connections_left_, read.text.size());
    if (!in_time || read.cut || connections_left_ == 0) {
      unreadable->insert("connections to other machines beyond the first " +
                         std::to_string(kConnectionsLimit / 1024 / 1024) +
                         " MiB of them or the first half second");
    }
    add(path, std::move(read));
  }
  if (!users_) return files;
  for (const char* path : kUserFiles) add(path, ReadLines(path, kTextLimit));
  return files;
}

}  // namespace kmod
