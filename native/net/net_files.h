// Reads the files of /proc/net and /proc/sys/net about a network namespace.
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

struct NetFilesRead {
  std::vector<NetFile> files;
  std::set<std::string> unreadable;  // what was not read, or not to its end
};

// Reads in the network namespace of the calling thread. There can be a million connections, and for
// each table of them the kernel walks through the connections of all namespaces; so one limit of
// size and time holds for all namespaces together.
class NetFileReader {
 public:
  // `users`: read the files that name users of modules, too, not only the connections, what filters
  // them, and the sessions of PPPoE.
  explicit NetFileReader(bool users);

  NetFilesRead Read();

 private:
  bool users_;
  size_t connections_left_;
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace kmod
