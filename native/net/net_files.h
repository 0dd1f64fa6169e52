// What /proc/net and /proc/sys/net say about a network namespace.
#pragma once

#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace kmod {

struct NetFile {
  std::string path;  // as seen from the namespace, such as `/proc/net/tcp`
  std::string text;  // whole lines
};

// Reads in whichever network namespace this thread is in. Of connections there can be a million,
// and each table of them costs the kernel a walk through all it has, of whatever namespace: there
// is a bound for all namespaces together.
class NetFileReader {
 public:
  // `users`: besides the connections, what uses modules.
  explicit NetFileReader(bool users);

  // Adds to `unreadable` what was not read, or not to its end.
  std::vector<NetFile> Read(std::set<std::string>* unreadable);

 private:
  bool users_;
  size_t connections_left_;
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace kmod
