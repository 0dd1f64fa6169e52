#include "../proc/processes.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "../common/handles.h"

namespace kmod {
namespace {

TEST_CASE("processes are listed with their parents") {
  const auto listed = ListProcesses();
  REQUIRE(listed.ok());
  const auto& processes = listed->processes;
  REQUIRE(processes.count(getpid()) == 1);
  CHECK(processes.at(getpid()).parent == getppid());
  CHECK(IsDescendant(processes, getpid(), getpid()));
  CHECK(IsDescendant(processes, getpid(), getppid()));
  CHECK_FALSE(IsDescendant(processes, getppid(), getpid()));
  ProcessStat stat;
  stat.parent = 2;
  std::map<pid_t, ProcessStat> circle = {{2, stat}};
  CHECK_FALSE(IsDescendant(circle, 2, 3));
}

TEST_CASE("open files below /dev are listed, others are not") {
  const UniqueFd null(open("/dev/null", O_RDONLY));
  const UniqueFd other(open("/proc/self/exe", O_RDONLY));
  const auto listed = ListDeviceFiles(getpid());
  REQUIRE(listed.ok());
  CHECK(listed->complete);
  const auto has = [&listed](int fd) {
    return std::any_of(listed->files.begin(), listed->files.end(),
                       [fd](const OpenFile& file) { return file.fd == fd; });
  };
  CHECK(has(null.get()));
  CHECK_FALSE(has(other.get()));
  const auto ended = ListDeviceFiles(0x7ffffff0);
  REQUIRE_FALSE(ended.ok());
  CHECK(HasEnded(ended.failure()));
}

}  // namespace
}  // namespace kmod
