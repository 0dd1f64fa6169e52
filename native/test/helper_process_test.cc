#include "../process/helper_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "../common/handles.h"
#include "temporary_folder.h"

namespace kmod {
namespace {

std::string ReadToEnd(int fd) {
  std::string text;
  char bytes[4096];
  for (ssize_t got = 0; (got = read(fd, bytes, sizeof(bytes))) > 0;) {
    text.append(bytes, static_cast<size_t>(got));
  }
  return text;
}

// A stand-in for the helper: a script that says on descriptor 3 what it was given.
std::string Script(const TemporaryFolder& folder, const std::string& body) {
  const std::string path = folder.Write("helper", "#!/bin/sh\n" + body);
  chmod(path.c_str(), 0755);
  return path;
}

TEST_CASE("a helper gets a socket, its role, /dev/null, and a session of its own") {
  const TemporaryFolder folder;
  const std::string path =
      Script(folder,
             "for n in 0 1 2; do places=\"$places $(readlink /proc/$$/fd/$n)\"; done\n"
             "leader=$(ps -o sid= -p $$ | tr -d ' ' | sed s/^$$\\$/leader/)\n"
             "echo $1 $places $leader >&3\n");
  const auto spawned = SpawnHelper(path, "queries");
  REQUIRE_FALSE(Failed(spawned));
  const HelperProcess helper = std::get<HelperProcess>(spawned);
  const UniqueFd socket(helper.socket);
  CHECK((fcntl(helper.socket, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(ReadToEnd(helper.socket) == "queries /dev/null /dev/null /dev/null leader\n");
  // Collected at the latest by the next one that is started; here by hand.
  for (int i = 0; i < 200 && kill(helper.pid, 0) == 0; ++i) {
    ReapHelpers();
    usleep(10000);
  }
  CHECK(kill(helper.pid, 0) != 0);
}

TEST_CASE("a helper that cannot be started is a failure with its path") {
  const auto missing = SpawnHelper("/nowhere/kmod-helper", "queries");
  REQUIRE(Failed(missing));
  CHECK(std::get<Failure>(missing).error == ENOENT);
  CHECK(std::get<Failure>(missing).detail == "/nowhere/kmod-helper");
  const TemporaryFolder folder;
  const auto no_program = SpawnHelper(folder.Write("helper", "text"), "queries");
  REQUIRE(Failed(no_program));
  CHECK(std::get<Failure>(no_program).error == EACCES);
}

}  // namespace
}  // namespace kmod
