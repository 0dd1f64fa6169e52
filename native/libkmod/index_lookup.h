// Looks up names and aliases in the indexes that depmod wrote, through libkmod.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../common/result.h"
#include "context.h"
#include "module_facts.h"

namespace kmod {

class IndexLookup {
 public:
  // Fails if an index is damaged. Missing indexes are no failure: then only built-ins are known,
  // from modules.builtin, which the kernel's build writes into the same directory.
  static Result<std::unique_ptr<IndexLookup>> Open(Context context, std::string directory);

  // The modules that a name or alias stands for, as `modprobe -R` prints them; empty if nothing
  // matches. Aliases in modprobe.d count, too.
  Result<std::vector<std::string>> Resolve(const std::string& alias) const;
  Result<Presence> Find(const std::string& name) const;
  // The modules that this one needs, directly and indirectly; empty if the index does not have it.
  Result<std::vector<std::string>> Needs(const std::string& name) const;

 private:
  IndexLookup(Context context, std::string directory)
      : context_(std::move(context)), directory_(std::move(directory)) {}
  Result<bool> IsBuiltin(const UniqueModule& module, const std::string& name) const;

  Context context_;
  std::string directory_;
};

}  // namespace kmod
