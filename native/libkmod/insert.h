// Inserts modules into the running kernel, as modprobe does.
#pragma once

#include <functional>
#include <string>

#include "../common/result.h"
#include "index_source.h"

namespace kmod {

struct InsertRequest {
  IndexSource source;
  std::string what;  // an alias; a path if `is_file`
  bool is_file = false;
  // For an alias: insert only this module of those that the alias stands for; "": insert all. If it
  // equals `what`, `what` is the name of a module, and aliases in modprobe.d with this text are
  // ignored. For a file: the name of the module, because libkmod would derive it from the file
  // name.
  std::string module;
  bool must_be_new = false;  // fail with EEXIST if the module is loaded already
  std::string parameters;    // for the module itself, after those of its configuration
};

struct InsertAttempt {
  std::string module;
  bool command;  // an `install` command of modprobe.d runs instead of the insertion
};

struct InstallCommand {
  std::string module;
  std::string text;     // as it is written in modprobe.d
  std::string options;  // for $CMDLINE_OPTS
};

struct InsertCallbacks {
  // Called before each module.
  std::function<void(const InsertAttempt&)> on_attempt;
  // Runs an install command. Its failure ends the insertion.
  std::function<Result<>(const InstallCommand&)> run_command;
};

// Inserts dependencies and softdeps first, with the options, install commands and blacklist (for
// aliases) of the configuration; for a file, options count, but install commands do not. Like
// a removal, this can block for ever in the init function of a module, so call it in a process that
// nothing else depends on.
Result<> InsertModule(const InsertRequest& request, const InsertCallbacks& callbacks);

// Inserts one module file with kmod_module_insert_module(): without dependencies and configuration.
// It can block like InsertModule(). `force`: also if the file was built for another kernel.
Result<> InsertFile(const std::string& path, bool force, const std::string& parameters);

}  // namespace kmod
