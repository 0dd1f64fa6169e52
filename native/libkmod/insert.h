// Putting modules into the running kernel, as modprobe does.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "../common/failure.h"
#include "context.h"

namespace kmod {

struct InsertRequest {
  IndexSource source;
  std::string what;  // a name or an alias; a path when `is_file`
  bool is_file = false;
  // Of the modules that an alias stands for, this one; "": all. Of a file, the module's name, which
  // libkmod would take from the file's.
  std::string module;
  bool must_be_new = false;  // EEXIST where the module is there already
  std::string parameters;    // for the module itself, after those of its configuration
};

struct InsertAttempt {
  std::string module;
  bool command;  // modprobe.d has an `install` command, which runs instead
};

// Loads dependencies and softdeps first, with the options, install commands and blacklist (for
// aliases) of the configuration; a file gets the options, but no install command. `on_attempt` is
// told before each module. Nothing: all that had to be loaded is. As with removal, call it in a
// process that nobody has to wait for: a module's init function may never return.
std::optional<Failure> InsertModule(const InsertRequest& request,
                                    const std::function<void(const InsertAttempt&)>& on_attempt);

}  // namespace kmod
