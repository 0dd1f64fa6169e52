// What there is in this network namespace and in others.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "../common/failure.h"
#include "../common/handles.h"
#include "net_files.h"
#include "net_links.h"
#include "nf_tables.h"
#include "traffic_control.h"

namespace kmod {

struct NetContents {
  NetTables tables;
  std::vector<NetFile> files;
  std::vector<TrafficControl> traffic_control;  // these two: only where users are wanted
  NftTables nf_tables;
  std::set<std::string> unreadable;
};

class NetNamespaces {
 public:
  // `users`: also what uses modules without being an interface.
  explicit NetNamespaces(bool users);

  Result<NetContents> ReadOwn();
  // Of the namespace that the file at `path` stands for. EPERM: this process may not enter it. Only
  // for a process with one thread, which is in its own namespace again afterwards; should it not
  // come back, it ends.
  Result<NetContents> ReadOther(const std::string& path);

 private:
  struct Door;
  Door Open();
  static Result<NetContents> ReadThrough(Door door);

  bool users_;
  UniqueFd own_;
  NetFileReader files_;
};

}  // namespace kmod
