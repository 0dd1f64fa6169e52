// The interfaces and routes of other network namespaces.
#pragma once

#include <string>

#include "failure.h"
#include "handles.h"
#include "net_links.h"

namespace kmod {

class NetNamespaces {
 public:
  NetNamespaces();

  Result<NetTables> ReadOwn() const;
  // Of the namespace that the file at `path` stands for. EPERM: this process may not enter it. Only
  // for a process with one thread, which is in its own namespace again afterwards; should it not
  // come back, it ends.
  Result<NetTables> ReadOther(const std::string& path) const;

 private:
  UniqueFd own_;
};

}  // namespace kmod
