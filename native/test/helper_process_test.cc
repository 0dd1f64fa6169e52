#include "../process/helper_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
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

// A script instead of the helper, which writes what it was given to descriptor 3.
std::string Script(const TemporaryFolder& folder, const std::string& body) {
  const std::string path = folder.Write("helper", "#!/bin/sh\n" + body);
  chmod(path.c_str(), 0755);
  return path;
}

TEST_CASE("a helper gets a socket, its role, /dev/null and a session of its own") {
  const TemporaryFolder folder;
  const std::string path =
      Script(folder,
             "for n in 0 1 2; do places=\"$places $(readlink /proc/$$/fd/$n)\"; done\n"
             "leader=$(ps -o sid= -p $$ | tr -d ' ' | sed s/^$$\\$/leader/)\n"
             "echo $1 $places $leader >&3\n");
  const auto helper = SpawnHelper(path, "queries");
  REQUIRE(helper.ok());
  const int socket = helper->socket.get();
  CHECK((fcntl(socket, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(ReadToEnd(socket) == "queries /dev/null /dev/null /dev/null leader\n");
  // The start of the next helper would also reap it.
  for (int i = 0; i < 200 && kill(helper->pid, 0) == 0; ++i) {
    ReapHelpers();
    usleep(10000);
  }
  CHECK(kill(helper->pid, 0) != 0);
}

TEST_CASE("a helper that is killed has ended by a signal, and other processes are not killed") {
  const TemporaryFolder folder;
  const auto helper = SpawnHelper(Script(folder, "exec sleep 1000\n"), "queries");
  REQUIRE(helper.ok());
  CHECK(IsHelperRunning(helper->pid));
  CHECK_FALSE(EndOfHelper(helper->pid).has_value());
  KillHelper(helper->pid);
  for (int i = 0; i < 500 && IsHelperRunning(helper->pid); ++i) usleep(10000);
  CHECK_FALSE(IsHelperRunning(helper->pid));
  REQUIRE(EndOfHelper(helper->pid).has_value());
  CHECK(EndOfHelper(helper->pid)->signal == SIGKILL);
  KillHelper(helper->pid);
  KillHelper(getpid());
}

TEST_CASE("a helper gets a fixed environment") {
  const TemporaryFolder folder;
  setenv("LD_PRELOAD_OF_A_TEST", "/nowhere", 1);
  const auto helper = SpawnHelper(Script(folder, "env >&3\n"), "queries");
  REQUIRE(helper.ok());
  const std::string variables = ReadToEnd(helper->socket.get());
  CHECK(variables.find("PATH=/usr/sbin:/usr/bin:/sbin:/bin\n") != std::string::npos);
  CHECK(variables.find("LD_PRELOAD_OF_A_TEST") == std::string::npos);
  unsetenv("LD_PRELOAD_OF_A_TEST");
}

TEST_CASE("a helper that cannot be started is a failure with its path") {
  const auto missing = SpawnHelper("/nowhere/kmod-helper", "queries");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.failure().error == ENOENT);
  CHECK(missing.failure().detail == "/nowhere/kmod-helper");
  const TemporaryFolder folder;
  const auto no_program = SpawnHelper(folder.Write("helper", "text"), "queries");
  REQUIRE_FALSE(no_program.ok());
  CHECK(no_program.failure().error == EACCES);
}

}  // namespace
}  // namespace kmod
