// What modprobe.d and modules-load.d say about modules, independently of depmod's indexes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "../common/result.h"
#include "index_source.h"
#include "load_list.h"
#include "module_facts.h"

namespace kmod {

class Context;

// The lines of the configuration as plain values. They are matched here and not by libkmod, whose
// functions take a module that may have to be looked up in the indexes first. Names are compared as
// libkmod does: with underscores.
class Configuration {
 public:
  static Result<Configuration> Read(const Context& context, const IndexSource& source);

  // The options from all `options` lines of the module, in their order, separated by spaces.
  std::optional<std::string> OptionsOf(const std::string& name) const;
  // If several lines match the name, the first one counts, as for modprobe.
  std::optional<std::string> InstallCommandOf(const std::string& name) const;
  std::optional<std::string> RemoveCommandOf(const std::string& name) const;
  bool IsBlacklisted(const std::string& name) const;
  // The softdeps from all `softdep` lines that match the name, in their order. The names are
  // returned as written and can be aliases. (kmod_module_get_softdeps stops at the first such
  // line.)
  SoftDependencies SoftDependenciesOf(const std::string& name) const;
  // The modules that `alias` lines give for a name.
  std::vector<std::string> ModulesOf(const std::string& alias) const;
  const LoadLists& load_lists() const { return load_lists_; }

 private:
  using Lines = std::vector<ConfigLine>;

  static Result<Configuration> ReadFiles(const Context& context);
  static std::optional<std::string> FirstMatch(const Lines& lines, const std::string& name);

  Lines aliases_;
  Lines blacklist_;
  Lines install_commands_;
  Lines options_;
  Lines remove_commands_;
  Lines soft_dependencies_;
  LoadLists load_lists_;
};

// Parses "pre: a b post: c". Some versions of libkmod print it without a space before "post:".
SoftDependencies ParseSoftDependencies(const std::string& text);

}  // namespace kmod
