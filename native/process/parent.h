// The process that started the helper, and whether it still has the privileges that the helper has.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

struct Privileges {
  unsigned user = 0;          // the effective user
  uint64_t capabilities = 0;  // the effective ones, a bit each
};

// From the text of /proc/PID/status.
std::optional<Privileges> ParsePrivileges(std::string_view status);

// Whether a process may use a helper: it is the same user, and the helper has no capability that
// the process lacks.
bool MayUse(const Privileges& process, const Privileges& helper);

// From now on the kernel kills this process when the one that started it ends, even while this
// process waits for a file that never answers. `pipe`: kHelperParentPipe. Returns false if that
// process has ended already.
bool EndWithParent(int pipe);

class Parent {
 public:
  // For the process that started this one. Must be called before this process gives up its user. An
  // exec gives root capabilities that the process which called it may have dropped: this process
  // drops them too.
  static Parent Open();

  // Fails if the parent has dropped privileges since it started this process. Otherwise whoever
  // controls the parent after that could still use them.
  Result<> Check() const;

 private:
  Parent(UniqueFd status, unsigned user) : status_(std::move(status)), user_(user) {}

  // /proc/PID/status of the parent. The open file stays that of this process, even if its number is
  // used again.
  UniqueFd status_;
  unsigned user_;  // the effective user with which this process was started
};

}  // namespace kmod
