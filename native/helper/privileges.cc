#include "privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace kmod {
namespace {

// overflowuid and overflowgid, which every system has as `nobody`.
constexpr uid_t kNobody = 65534;

using CapabilitySet = uint64_t;

CapabilitySet SetOf(std::initializer_list<int> capabilities) {
  CapabilitySet set = 0;
  for (const int capability : capabilities) set |= CapabilitySet{1} << capability;
  return set;
}

// libc has no function for these two system calls.
struct Capabilities {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
};

// The standard error is /dev/null, so this process cannot say why it ends.
void EndUnless(bool done) {
  if (!done) _exit(EX_OSERR);
}

CapabilitySet Permitted() {
  Capabilities own;
  EndUnless(syscall(SYS_capget, &own.header, own.data) == 0);
  return own.data[0].permitted | CapabilitySet{own.data[1].permitted} << 32;
}

void SetCapabilities(CapabilitySet set) {
  Capabilities own;
  for (int i = 0; i < 2; ++i) {
    own.data[i].effective = own.data[i].permitted = static_cast<uint32_t>(set >> (32 * i));
  }
  // This also empties the ambient set, which has only what is inheritable.
  EndUnless(syscall(SYS_capset, &own.header, own.data) == 0);
}

// A user namespace can forbid this, or lack the user or the group: then the process stays root,
// which is an ordinary user outside of that namespace.
void TryToBecomeNobody() {
  // Otherwise the change of the user would take away all capabilities.
  EndUnless(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
  if (setgroups(0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0) return;
  EndUnless(setresuid(kNobody, kNobody, kNobody) == 0 || errno == EINVAL);
}

}  // namespace

void KeepCapabilities(std::initializer_list<int> kept) {
  SetCapabilities(Permitted() & SetOf(kept));
  EndUnless(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

void BecomeUnprivileged(std::initializer_list<int> kept) {
  const CapabilitySet needed = SetOf(kept) | SetOf({CAP_SETUID, CAP_SETGID, CAP_KILL});
  if (geteuid() == 0 && (needed & ~Permitted()) == 0) TryToBecomeNobody();
  KeepCapabilities(kept);
}

}  // namespace kmod
