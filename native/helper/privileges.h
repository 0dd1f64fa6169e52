// Takes away the privileges that a role of the helper does not need. A role calls one of these
// functions before it reads anything that other users write. Each also sets no_new_privs, so that
// no exec can give a privilege back. (The role `changes` calls none: commands of modprobe.d may
// need all privileges, and programs with file capabilities such as sudo.)
//
// Both end the process if a privilege could not be taken away.
#pragma once

#include <initializer_list>

namespace kmod {

// Keeps only these capabilities (CAP_...). The user stays the same.
void KeepCapabilities(std::initializer_list<int> kept);

// Keeps only these capabilities, and if the user is root, becomes the user and group `nobody`
// without other groups: root without capabilities can still write every file of root.
//
// The user stays root if a kept capability is missing, for example in a container: only root could
// then read what this process needs. It stays root, too, if root could not change its user here, or
// could then not end this process (CAP_SETUID, CAP_SETGID, CAP_KILL, a user namespace without
// `nobody`).
void BecomeUnprivileged(std::initializer_list<int> kept);

}  // namespace kmod
