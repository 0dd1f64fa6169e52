// Reads what a network namespace contains: that of this process, and others.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "../common/handles.h"
#include "../common/result.h"
#include "net_files.h"
#include "net_links.h"
#include "nf_tables.h"
#include "traffic_control.h"

namespace kmod {

struct NetContents {
  NetTables tables;
  std::vector<NetFile> files;
  // Both are read only if users of modules are wanted.
  std::vector<TrafficControl> traffic_control;
  NftTables nf_tables;
  std::set<std::string> unreadable;
};

class NetNamespaces {
 public:
  // `users`: read what uses modules without being an interface, too.
  explicit NetNamespaces(bool users);

  Result<NetContents> ReadOwn();
  // Reads the namespace that the file at `path` stands for. Fails with EPERM if this process may
  // not enter it. Only for a process with one thread, which is in its own namespace again
  // afterwards; if it cannot return there, it ends.
  Result<NetContents> ReadOther(const std::string& path);

 private:
  struct Opened;
  Opened OpenHere();
  static Result<NetContents> Read(Opened opened);

  bool users_;
  UniqueFd own_;
  NetFileReader files_;
};

}  // namespace kmod
