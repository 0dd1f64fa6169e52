#include "failure.h"

#include <cerrno>

namespace kmod {

Failure SystemFailure(int error, std::string syscall, std::string detail) {
  return {FailureKind::kSystem, error, std::move(syscall), std::move(detail)};
}

Failure FormatFailure(std::string detail) {
  return {FailureKind::kFormat, 0, {}, std::move(detail)};
}

Failure LibraryFailure(std::string detail) {
  return {FailureKind::kLibrary, 0, {}, std::move(detail)};
}

Failure PermissionFailure(std::string detail) {
  return {FailureKind::kPermission, 0, {}, std::move(detail)};
}

const char* FailureKindName(FailureKind kind) {
  switch (kind) {
    case FailureKind::kSystem:
      return "system";
    case FailureKind::kLibrary:
      return "library";
    case FailureKind::kFormat:
      return "format";
    case FailureKind::kUnsupported:
      return "unsupported";
    case FailureKind::kTransient:
      return "transient";
    case FailureKind::kPermission:
      return "permission";
  }
  return "system";
}

const char* ErrnoName(int error) {
  // The numbers that the calls of this project return (files, sockets, processes, module system
  // calls). glibc has strerrorname_np() for this, but only since 2.32.
#define KMOD_ERRNO(name) \
  case name:             \
    return #name;
  switch (error) {
    KMOD_ERRNO(E2BIG)
    KMOD_ERRNO(EACCES)
    KMOD_ERRNO(EAGAIN)
    KMOD_ERRNO(EBADF)
    KMOD_ERRNO(EBADMSG)
    KMOD_ERRNO(EBUSY)
    KMOD_ERRNO(ECHILD)
    KMOD_ERRNO(ECONNREFUSED)
    KMOD_ERRNO(ECONNRESET)
    KMOD_ERRNO(EDOM)
    KMOD_ERRNO(EEXIST)
    KMOD_ERRNO(EFAULT)
    KMOD_ERRNO(EFBIG)
    KMOD_ERRNO(EINTR)
    KMOD_ERRNO(EINVAL)
    KMOD_ERRNO(EIO)
    KMOD_ERRNO(EISDIR)
    KMOD_ERRNO(EKEYEXPIRED)
    KMOD_ERRNO(EKEYREJECTED)
    KMOD_ERRNO(EKEYREVOKED)
    KMOD_ERRNO(ELIBBAD)
    KMOD_ERRNO(ELOOP)
    KMOD_ERRNO(EMFILE)
    KMOD_ERRNO(ENAMETOOLONG)
    KMOD_ERRNO(ENFILE)
    KMOD_ERRNO(ENOBUFS)
    KMOD_ERRNO(ENODATA)
    KMOD_ERRNO(ENODEV)
    KMOD_ERRNO(ENOENT)
    KMOD_ERRNO(ENOEXEC)
    KMOD_ERRNO(ENOKEY)
    KMOD_ERRNO(ENOMEM)
    KMOD_ERRNO(ENOPKG)
    KMOD_ERRNO(ENOSPC)
    KMOD_ERRNO(ENOSYS)
    KMOD_ERRNO(ENOTBLK)
    KMOD_ERRNO(ENOTCONN)
    KMOD_ERRNO(ENOTDIR)
    KMOD_ERRNO(ENOTSUP)
    KMOD_ERRNO(ENOTTY)
    KMOD_ERRNO(ENXIO)
    KMOD_ERRNO(EOVERFLOW)
    KMOD_ERRNO(EPERM)
    KMOD_ERRNO(EPIPE)
    KMOD_ERRNO(EPROTO)
    KMOD_ERRNO(ERANGE)
    KMOD_ERRNO(EROFS)
    KMOD_ERRNO(ESHUTDOWN)
    KMOD_ERRNO(ESPIPE)
    KMOD_ERRNO(ESRCH)
    KMOD_ERRNO(ESTALE)
    KMOD_ERRNO(ETIMEDOUT)
    KMOD_ERRNO(ETXTBSY)
    KMOD_ERRNO(EXDEV)
    default:
      return "";
  }
#undef KMOD_ERRNO
}

}  // namespace kmod
