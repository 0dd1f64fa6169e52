// What the files of a system say about modules, whatever the kernel runs: the indexes that depmod
// writes below /lib/modules/RELEASE, the configuration of modprobe.d, and the modules' own fields.
// All of it comes from libkmod; this adds that damaged files are found and changed ones read anew.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../common/failure.h"
#include "context.h"
#include "libkmod.h"
#include "modinfo.h"

namespace kmod {

struct SoftDependencies {
  std::vector<std::string> pre;
  std::vector<std::string> post;
};

// What the configuration says about a module's removal.
struct RemovalPolicy {
  std::optional<std::string> remove_command;
  SoftDependencies soft_dependencies;  // of all lines that match the name, in their order
  // It is named in the load lists, or an alias of it: it was loaded on purpose.
  bool configured = false;

  bool IsEmpty() const {
    return !remove_command && soft_dependencies.pre.empty() && soft_dependencies.post.empty() &&
           !configured;
  }
};

struct ModuleDescription {
  std::string name;
  std::optional<std::string> path;  // nothing: built in
  std::optional<std::string> options;
  std::optional<std::string> install_command;
  std::optional<std::string> remove_command;
  bool blacklisted = false;
  std::vector<ModinfoField> fields;  // in modinfo's order
};

struct Presence {
  std::optional<std::string> path;  // the file that modules.dep names
  bool builtin = false;
};

class ModuleIndex {
 public:
  static Result<std::unique_ptr<ModuleIndex>> Open(const IndexSource& source);

  ModuleIndex(const ModuleIndex&) = delete;
  ModuleIndex& operator=(const ModuleIndex&) = delete;

  const IndexSource& source() const { return source_; }
  // Has a file that this was made from changed since?
  bool IsStale() const;

  // What `modprobe -R` answers; empty where nothing matches.
  Result<std::vector<std::string>> Lookup(const std::string& alias);
  // Is there an index by depmod at all? Without one only built-ins (of a text beside it) are known.
  bool HasDependencies() const;
  Presence Find(const std::string& name);
  RemovalPolicy Policy(const std::string& name);
  // The modules that this one needs, all the way down; none where the index does not have it.
  std::vector<std::string> Needs(const std::string& name);
  // Nothing: the index does not have it. ENOENT: its file is not there.
  Result<std::optional<ModuleDescription>> Describe(const std::string& name);
  Result<ModuleDescription> DescribeFile(const std::string& path);

  // What libkmod said since the last call.
  std::string TakeLog();

 private:
  // One file or directory that the contents depend on; a missing one is all zeros.
  struct Stamp {
    std::string path;
    unsigned long long device = 0;
    unsigned long long inode = 0;
    long long size = 0;
    long long modified = 0;  // nanoseconds, as the next
    long long changed = 0;
    // It was changed so shortly before that another change could have left the same times.
    bool fresh = false;
    bool operator==(const Stamp& other) const;
  };
  // One line of modprobe.d, as libkmod keeps it: the module or pattern, and the rest.
  struct ConfigEntry {
    std::string key;
    std::string value;
    bool operator==(const ConfigEntry& other) const {
      return key == other.key && value == other.value;
    }
  };
  struct SoftDependencyLine {
    std::string pattern;
    SoftDependencies names;
  };

  ModuleIndex(const Libkmod* library, IndexSource source)
      : library_(library), source_(std::move(source)) {}
  static Stamp StampOf(std::string path);
  static std::vector<Stamp> TakeStamps(const IndexSource& source);
  std::optional<Failure> FindFault() const;
  std::optional<Failure> Load();
  UniqueModule NewModule(const std::string& name, int* error);
  std::vector<ConfigEntry> Entries(kmod_config_iter* (*list)(const kmod_ctx*),
                                   const kmod_ctx* context) const;
  void LeaveOutCommandLine();
  std::vector<std::string> NamesIn(const kmod_list* list) const;
  const std::set<std::string>& Configured();
  void AppendModules(const std::vector<std::string>& names, std::vector<std::string>* modules);
  bool IsBuiltin(const std::string& name);
  Result<ModuleDescription> DescribeFileOf(kmod_module* module, const std::string& path);
  void AddConfiguration(kmod_module* module, ModuleDescription* description) const;

  const Libkmod* library_;
  IndexSource source_;
  std::vector<Stamp> stamps_;
  std::string log_;
  // Declared after log_, which libkmod's log hook writes to: the context must go first.
  UniqueContext context_;
  std::vector<ConfigEntry> options_;
  std::vector<ConfigEntry> blacklist_;
  std::vector<SoftDependencyLine> soft_dependencies_;
  std::optional<std::set<std::string>> configured_;  // once somebody has asked
};

// "pre: a b post: c", also as some versions of libkmod print it: without a blank before "post:".
SoftDependencies ParseSoftDependencies(const std::string& text);

}  // namespace kmod
