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
  CHECK(FamilyOf(processes, getpid()).count(getpid()) == 1);
  CHECK(FamilyOf(processes, getppid()).count(getpid()) == 1);
  CHECK(FamilyOf(processes, getpid()).count(getppid()) == 0);
  ProcessStat child_of_2;
  child_of_2.parent = 2;
  ProcessStat child_of_3;
  child_of_3.parent = 3;
  const std::map<pid_t, ProcessStat> circle = {{3, child_of_2}, {2, child_of_3}};
  CHECK(FamilyOf(circle, 2) == std::set<pid_t>{2, 3});
}

}  // namespace
}  // namespace kmod
