// A failure as a value. Only addon.cc and bridge/ throw, and only JavaScript exceptions. TypeScript
// makes the public error from a failure.
#pragma once

#include <string>
#include <utility>

namespace kmod {

enum class FailureKind {
  kSystem,       // a system call failed: `error` is its errno
  kLibrary,      // libkmod.so.2 cannot be loaded or lacks a function that every version should have
  kFormat,       // a file, a message or a kernel table is malformed
  kUnsupported,  // the libkmod at hand lacks a function that newer versions have
  kTransient,    // another try may succeed: the table changed during every reading
  kPermission,   // the caller may not ask for this
};

struct Failure {
  FailureKind kind = FailureKind::kSystem;
  int error = 0;        // a positive errno; 0 if no system call failed
  std::string syscall;  // "open", "delete_module"; empty if no system call failed
  std::string detail;   // the path, or the text that libkmod logged
};

Failure SystemFailure(int error, std::string syscall, std::string detail = {});
Failure FormatFailure(std::string detail);
Failure LibraryFailure(std::string detail);
Failure PermissionFailure(std::string detail);

const char* FailureKindName(FailureKind kind);

// "EBUSY" for 16, and so on; "" for an unknown number. Node.js has such a table too, but without
// some of the numbers that module insertion returns (ENOKEY, EKEYREJECTED).
const char* ErrnoName(int error);

}  // namespace kmod
