// Reads what a network namespace contains: that of this process, and others.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "../common/handles.h"
#include "../common/result.h"
#include "firewalls.h"
#include "net_files.h"
#include "net_links.h"
#include "tcp_uses.h"
#include "traffic_control.h"

namespace kmod {

struct NetContents {
  NetTables tables;
  std::vector<NetFile> files;
  Firewalls firewalls;
  // Only if users of modules are wanted:
  std::vector<TrafficControl> traffic_control;
  std::map<std::string, size_t> actions;
  TcpUses tcp;
  std::set<std::string> unreadable;
};

class NetNamespaces {
 public:
  // `users`: whether to read the other users of modules, too, such as queueing disciplines.
  explicit NetNamespaces(bool users);

  Result<NetContents> ReadOwn();
  // Reads the namespace that an open file stands for. Fails with EPERM if this process may not
  // enter it. Only for a process with one thread. Afterwards the process is in its own namespace
  // again; if it cannot return there, it exits.
  Result<NetContents> ReadOther(const UniqueFd& other);

 private:
  struct Opened;
  Opened OpenHere();
  Result<NetContents> Read(Opened opened, bool is_own) const;
  // Finds the interfaces that lie on an interface in the namespace of this process.
  void ResolveLower(int route, std::vector<NetLink>* links) const;

  bool users_;
  UniqueFd own_;
  Result<UniqueFd> own_route_;
  NetFileReader files_;
};

}  // namespace kmod
