// What went wrong, as a value. Nothing in kernel/ throws: a failure travels up as data and becomes
// the one KmodError in TypeScript, on the caller's stack.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace kmod {

enum class FailureKind {
  kSystem,     // a system call failed: `error` is its errno
  kLibrary,    // libkmod.so.2 cannot be loaded or lacks a function
  kFormat,     // a file or a kernel table is malformed
  kTransient,  // it may pass: the table would not hold still
};

struct Failure {
  FailureKind kind = FailureKind::kSystem;
  int error = 0;        // positive errno, 0 where no system call is to blame
  std::string syscall;  // "open", "delete_module"; empty where no system call is to blame
  std::string detail;   // the path, or what libkmod said
};

Failure SystemFailure(int error, std::string syscall, std::string detail = {});
Failure FormatFailure(std::string detail);
Failure LibraryFailure(std::string detail);

const char* FailureKindName(FailureKind kind);

// "EBUSY" for 16, and so on; "" for a number without a name. Node's own table lacks those that
// module insertion returns (ENOKEY, EKEYREJECTED).
const char* ErrnoName(int error);

template <typename T>
using Result = std::variant<T, Failure>;

template <typename T>
bool Failed(const Result<T>& result) {
  return std::holds_alternative<Failure>(result);
}

}  // namespace kmod
