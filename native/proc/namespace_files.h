// Opens the files that stand for namespaces of other processes.
#pragma once

#include <sys/types.h>

#include <string>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

// `path`: a link in /proc, or a path in the mount namespace of this process.
//
// Between the reading of a link and its opening, a process can put another file in its place, and
// open(2) of a file of FUSE blocks. So the file is pinned by an open with O_PATH, which asks no
// server, and fails with EAGAIN unless it is on the file system of namespaces.
Result<UniqueFd> OpenNamespace(const std::string& path);

// `path`: in the mount namespace and below the root folder of another process. Its owner can change
// the mounts at any moment, so that the path leads through a file system that never answers. So the
// kernel may only use its cache of paths (RESOLVE_CACHED), which always contains a mount point.
Result<UniqueFd> OpenNamespaceOf(pid_t pid, const std::string& path);

}  // namespace kmod
