#include "../proc/processes.h"

#include <doctest/doctest.h>
#include <unistd.h>

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

}  // namespace
}  // namespace kmod
