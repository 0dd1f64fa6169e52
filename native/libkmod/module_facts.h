// What the files of a system say about a module, as plain values.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../common/result.h"

namespace kmod {

// What the indexes of depmod know about a name; if neither member is set, they do not have it.
struct Presence {
  std::optional<std::string> path;  // the file that modules.dep names
  bool builtin = false;
};

// A line of modprobe.d: the name or pattern after the keyword, and the rest.
struct ConfigLine {
  std::string key;
  std::string value;
  bool operator==(const ConfigLine& other) const {
    return key == other.key && value == other.value;
  }
};

// One line of the output of modinfo.
struct ModinfoField {
  std::string key;
  std::string value;
  bool operator==(const ModinfoField& other) const {
    return key == other.key && value == other.value;
  }
};

struct ModuleDescription {
  std::string name;
  std::optional<std::string> path;  // nullopt: built in
  std::optional<std::string> options;
  std::optional<std::string> install_command;
  std::optional<std::string> remove_command;
  bool blacklisted = false;
  std::vector<ModinfoField> fields;  // in the order of modinfo
};

struct SoftDependencies {
  std::vector<std::string> pre;
  std::vector<std::string> post;
};

// What the configuration says about the removal of a module.
struct RemovalPolicy {
  std::optional<std::string> remove_command;
  SoftDependencies soft_dependencies;  // with aliases resolved to the names of modules
  // The load lists name the module, or an alias of it: it was loaded on purpose.
  bool configured = false;

  bool IsEmpty() const {
    return !remove_command && soft_dependencies.pre.empty() && soft_dependencies.post.empty() &&
           !configured;
  }
};

struct RemovalPolicies {
  // Only the modules for which anything is configured, by name.
  std::vector<std::pair<std::string, RemovalPolicy>> policies;
  // If this is a failure, aliases in the configuration may not have been resolved; `policies` then
  // contains the aliases themselves.
  Result<> aliases;
  // One for each load list that could not be read.
  std::vector<Failure> load_lists;
};

}  // namespace kmod
