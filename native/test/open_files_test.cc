#include "../proc/open_files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "../common/handles.h"
#include "../proc/mapped_devices.h"
#include "../proc/processes.h"

namespace kmod {
namespace {

TEST_CASE("devices that are always compiled in belong to no module") {
  CHECK_FALSE(MayBelongToModule(false, {1, 3}));
  CHECK_FALSE(MayBelongToModule(false, {4, 1}));
  CHECK_FALSE(MayBelongToModule(false, {5, 0}));
  CHECK_FALSE(MayBelongToModule(false, {136, 7}));
  CHECK(MayBelongToModule(true, {1, 0}));    // a RAM disk
  CHECK(MayBelongToModule(false, {4, 64}));  // a serial port
  CHECK(MayBelongToModule(false, {5, 3}));   // ttyprintk
  CHECK(MayBelongToModule(false, {10, 229}));
}

TEST_CASE("the status of an open file is that of stat") {
  struct stat status = {};
  REQUIRE(stat("/proc/self/exe", &status) == 0);
  const auto found = StatusOf(AT_FDCWD, "/proc/self/exe");
  REQUIRE(found.ok());
  CHECK((found->mode & S_IFMT) == (status.st_mode & S_IFMT));
  CHECK(found->inode == status.st_ino);
  CHECK(found->file_system == DeviceId(major(status.st_dev), minor(status.st_dev)));
  CHECK_FALSE(StatusOf(AT_FDCWD, "/proc/self/nothing").ok());
}

TEST_CASE("open sockets have their protocol, other files of no module are left out") {
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  const UniqueFd one(pair[0]);
  const UniqueFd other(pair[1]);
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  REQUIRE(fstat(one.get(), &status) == 0);
  const auto open = OpenFileReader({}).Read(getpid());
  REQUIRE(open.ok());
  const auto found =
      std::find_if(open->sockets.begin(), open->sockets.end(),
                   [&status](const OpenSocket& socket) { return socket.inode == status.st_ino; });
  REQUIRE(found != open->sockets.end());
  // Newer kernels add the type of the socket.
  CHECK(found->protocol.substr(0, 4) == "UNIX");
  CHECK(std::none_of(open->files.begin(), open->files.end(),
                     [&null](const OpenFile& file) { return file.fd == null.get(); }));
}

TEST_CASE("a file on a disk that no mount table has is detached") {
  const auto status = StatusOf(AT_FDCWD, "/proc/self/exe");
  REQUIRE(status.ok());
  // On a file system without a block device (overlay in a container) nothing can be detached.
  if (status->file_system.first == 0) return;
  const UniqueFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const auto is_detached = [&file](std::set<DeviceId> file_systems) {
    const auto open = OpenFileReader({std::move(file_systems), {}}).Read(getpid());
    REQUIRE(open.ok());
    return std::any_of(open->files.begin(), open->files.end(), [&file](const OpenFile& one) {
      return one.fd == file.get() && one.kind == FileKind::kDetached;
    });
  };
  CHECK(is_detached({}));
  CHECK_FALSE(is_detached({status->file_system}));
}

TEST_CASE(
    "a file without a disk is detached if all mount tables were read and none has its mount") {
  const auto status = StatusOf(AT_FDCWD, "/sys");
  REQUIRE(status.ok());
  // Kernels before 5.8 do not tell the mount of a file.
  if (!status->mount) return;
  const UniqueFd file(open("/sys", O_RDONLY | O_CLOEXEC));
  const UniqueFd memory(memfd_create("kmodtest", MFD_CLOEXEC));
  const auto is_detached = [](const UniqueFd& fd, const Mounted& mounted) {
    const auto open = OpenFileReader(mounted).Read(getpid());
    REQUIRE(open.ok());
    return std::any_of(open->files.begin(), open->files.end(), [&fd](const OpenFile& one) {
      return one.fd == fd.get() && one.kind == FileKind::kDetached;
    });
  };
  CHECK(is_detached(file, {{}, {}, true}));
  CHECK_FALSE(is_detached(file, {{}, {}, false}));
  CHECK_FALSE(is_detached(file, {{}, {*status->mount}, true}));
  CHECK_FALSE(is_detached(file, {{status->file_system}, {}, true}));
  CHECK_FALSE(is_detached(memory, {{}, {}, true}));
}

TEST_CASE("descriptors that share an open file are found") {
  const UniqueFd one(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd copy(fcntl(one.get(), F_DUPFD_CLOEXEC, 0));
  const UniqueFd other(open("/dev/null", O_RDONLY | O_CLOEXEC));
  // A kernel without CONFIG_KCMP cannot tell.
  if (!IsSameFile(getpid(), one.get(), getpid(), one.get())) return;
  CHECK(IsSameFile(getpid(), one.get(), getpid(), copy.get()));
  CHECK_FALSE(IsSameFile(getpid(), one.get(), getpid(), other.get()));
}

TEST_CASE("the open files of a process that has ended cannot be read") {
  const auto open = OpenFileReader({}).Read(0x7ffffff0);
  REQUIRE_FALSE(open.ok());
  CHECK(HasEnded(open.failure()));
}

TEST_CASE("mapped files are read in a child process, and a process that has ended is no error") {
  MappedDeviceReader reader({getpid(), 0x7ffffff0});
  const MappedDevices found = reader.Finish();
  CHECK(found.unread == 0);
  // Only devices are listed; this process has none mapped.
  CHECK(found.devices.empty());
}

}  // namespace
}  // namespace kmod
