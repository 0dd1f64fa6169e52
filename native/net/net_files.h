// Reads the files of /proc/net and /proc/sys/net about a network namespace.
#pragma once

#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace kmod {

struct NetFile {
  std::string path;  // inside the namespace, such as `/proc/net/tcp`
  std::string text;  // whole lines
};

struct NetFilesRead {
  std::vector<NetFile> files;
  std::set<std::string> unreadable;  // what was not read, or not to its end
};

// Reads the files of the network namespace that the process is in. There can be a million
// connections, and to show one namespace the kernel walks through the connections of all
// namespaces. So one limit of size and time applies to all namespaces together.
class NetFileReader {
 public:
  // `users`: whether to read the files that name users of modules, too. The files about
  // connections, iptables, IPVS and PPPoE are always read.
  explicit NetFileReader(bool users);

  NetFilesRead Read();

 private:
  bool users_;
  size_t connections_left_;
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace kmod
