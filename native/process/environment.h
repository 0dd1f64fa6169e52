// The environment of the programs that are started: the helper, and the commands of modprobe.d.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

namespace kmod {

// A fixed list instead of the environment of Node.js: `environ` can change while another thread
// reads it, and some variables change what the programs do (MODPROBE_OPTIONS, LD_PRELOAD,
// BASH_ENV).
inline std::vector<std::string> FixedEnvironment() {
  std::vector<std::string> variables = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
#ifdef __SANITIZE_ADDRESS__
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (const char* value = getenv(name)) variables.push_back(std::string(name) + "=" + value);
  }
#endif
  return variables;
}

// The arguments or the environment for posix_spawn(): valid as long as `strings` is not changed.
inline std::vector<char*> PointersTo(std::vector<std::string>* strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings->size() + 1);
  for (std::string& one : *strings) pointers.push_back(one.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace kmod
