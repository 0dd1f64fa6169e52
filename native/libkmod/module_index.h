// What the files of a system say about modules, independently of what the kernel has loaded: the
// indexes of depmod, the configuration of modprobe.d and modules-load.d, and the module files.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "../common/result.h"
#include "configuration.h"
#include "file_stamps.h"
#include "index_source.h"
#include "module_facts.h"

namespace kmod {

class IndexLookup;

// The file of the libkmod that is in use.
Result<std::string> LibraryPath();

// The configuration never depends on the indexes: if one of them is damaged, only the questions
// that need the indexes fail.
class ModuleIndex {
 public:
  // Fails if libkmod or the configuration cannot be read, but not for a damaged index.
  static Result<std::unique_ptr<ModuleIndex>> Open(const IndexSource& source);
  ~ModuleIndex();
  ModuleIndex(const ModuleIndex&) = delete;
  ModuleIndex& operator=(const ModuleIndex&) = delete;

  const IndexSource& source() const { return source_; }
  // Whether a file that the index was read from has changed since then.
  bool IsStale() const { return stamps_.HaveChanged(); }
  // Whether depmod has written an index at all. Without one only built-ins are known.
  bool HasIndex() const;

  // These need the indexes. Each answer is in the order of the names; see IndexLookup.
  Result<std::vector<std::vector<std::string>>> Resolve(
      const std::vector<std::string>& aliases) const;
  Result<std::vector<Presence>> Find(const std::vector<std::string>& names) const;
  Result<std::vector<std::vector<std::string>>> Needs(const std::vector<std::string>& names) const;
  // nullopt if the indexes do not have the module. ENOENT: its file is missing.
  Result<std::optional<ModuleDescription>> Describe(const std::string& name) const;

  // These need no index.
  RemovalPolicies Policies(const std::vector<std::string>& names);
  Result<ModuleDescription> DescribeFile(const std::string& path) const;

 private:
  ModuleIndex(IndexSource source, FileStamps stamps, Configuration configuration,
              Result<std::unique_ptr<IndexLookup>> lookup);
  void AddConfiguration(ModuleDescription* description) const;
  std::vector<std::string> ResolveConfigured(const std::string& name);
  std::vector<std::string> ResolveAll(const std::vector<std::string>& names);
  const std::set<std::string>& LoadedOnPurpose();

  IndexSource source_;
  FileStamps stamps_;
  Configuration configuration_;
  Result<std::unique_ptr<IndexLookup>> lookup_;  // a failure if an index is damaged
  Result<> aliases_;                             // the first failure of ResolveConfigured()
  std::optional<std::set<std::string>> loaded_on_purpose_;  // computed when first needed
};

}  // namespace kmod
