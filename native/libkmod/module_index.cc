#include "module_index.h"

#include <sys/stat.h>

#include <cerrno>

#include "../proc/text_file.h"
#include "context.h"
#include "index_lookup.h"
#include "modinfo.h"
#include "module_file.h"

namespace kmod {
namespace {

constexpr size_t kModinfoLimit = 256 * 1024 * 1024;

// Calls a method of IndexLookup for each name. Returns the first failure, if there is one.
template <typename Answer>
Result<std::vector<Answer>> AskAll(const Result<std::unique_ptr<IndexLookup>>& lookup,
                                   const std::vector<std::string>& names,
                                   Result<Answer> (IndexLookup::*ask)(const std::string&) const) {
  if (!lookup.ok()) return lookup.failure();
  std::vector<Answer> answers;
  for (const std::string& name : names) {
    Result<Answer> answer = (**lookup.*ask)(name);
    if (!answer.ok()) return answer.failure();
    answers.push_back(*std::move(answer));
  }
  return answers;
}

}  // namespace

Result<std::string> LibraryPath() {
  const Result<const Libkmod*> library = Libkmod::Open();
  if (!library.ok()) return library.failure();
  return (*library)->path;
}

ModuleIndex::ModuleIndex(IndexSource source, FileStamps stamps, Configuration configuration,
                         Result<std::unique_ptr<IndexLookup>> lookup)
    : source_(std::move(source)),
      stamps_(std::move(stamps)),
      configuration_(std::move(configuration)),
      lookup_(std::move(lookup)) {
  if (!lookup_.ok()) aliases_ = lookup_.failure();
}

ModuleIndex::~ModuleIndex() = default;

Result<std::unique_ptr<ModuleIndex>> ModuleIndex::Open(const IndexSource& source) {
  // The stamps are taken before the files are read, so that a change during the reading makes the
  // index stale at once.
  FileStamps stamps = FileStamps::Take(source);
  Result<Context> context = Context::Open(source);
  if (!context.ok()) return context.failure();
  Result<Configuration> configuration = Configuration::Read(*context, source);
  if (!configuration.ok()) return configuration.failure();
  return std::unique_ptr<ModuleIndex>(
      new ModuleIndex(source, std::move(stamps), *std::move(configuration),
                      IndexLookup::Open(*std::move(context), source.directory)));
}

bool ModuleIndex::HasIndex() const {
  // Not access(2), which ignores the capability to read every folder.
  struct stat status = {};
  return stat((source_.directory + "/modules.dep.bin").c_str(), &status) == 0;
}

Result<std::vector<std::vector<std::string>>> ModuleIndex::Resolve(
    const std::vector<std::string>& aliases) const {
  return AskAll(lookup_, aliases, &IndexLookup::Resolve);
}

Result<std::vector<Presence>> ModuleIndex::Find(const std::vector<std::string>& names) const {
  return AskAll(lookup_, names, &IndexLookup::Find);
}

Result<std::vector<std::vector<std::string>>> ModuleIndex::Needs(
    const std::vector<std::string>& names) const {
  return AskAll(lookup_, names, &IndexLookup::Needs);
}

// The modules that a name in the configuration stands for; the name can be an alias. If it resolves
// to no module, it is used as the name of a module.
std::vector<std::string> ModuleIndex::ResolveConfigured(const std::string& name) {
  Result<std::vector<std::string>> modules = configuration_.ModulesOf(name);
  if (lookup_.ok()) {
    modules = (*lookup_)->Resolve(name);
    if (!modules.ok() && aliases_.ok()) aliases_ = modules.failure();
  }
  if (!modules.ok() || modules->empty()) return {WithUnderscores(name)};
  return *std::move(modules);
}

std::vector<std::string> ModuleIndex::ResolveAll(const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (const std::string& name : names) {
    const std::vector<std::string> modules = ResolveConfigured(name);
    all.insert(all.end(), modules.begin(), modules.end());
  }
  return all;
}

const std::set<std::string>& ModuleIndex::LoadedOnPurpose() {
  if (loaded_on_purpose_) return *loaded_on_purpose_;
  loaded_on_purpose_.emplace();
  for (const std::string& name : configuration_.load_lists().names) {
    for (std::string& module : ResolveConfigured(name)) {
      loaded_on_purpose_->insert(std::move(module));
    }
    // A name counts even if it is also an alias of another module.
    loaded_on_purpose_->insert(WithUnderscores(name));
  }
  return *loaded_on_purpose_;
}

RemovalPolicies ModuleIndex::Policies(const std::vector<std::string>& names) {
  RemovalPolicies all;
  for (const std::string& name : names) {
    RemovalPolicy policy;
    policy.remove_command = configuration_.RemoveCommandOf(name);
    const SoftDependencies configured = configuration_.SoftDependenciesOf(name);
    policy.soft_dependencies.pre = ResolveAll(configured.pre);
    policy.soft_dependencies.post = ResolveAll(configured.post);
    policy.configured = LoadedOnPurpose().count(name) > 0;
    if (!policy.IsEmpty()) all.policies.emplace_back(name, std::move(policy));
  }
  all.aliases = aliases_;
  all.load_lists = configuration_.load_lists().failures;
  return all;
}

void ModuleIndex::AddConfiguration(ModuleDescription* description) const {
  description->options = configuration_.OptionsOf(description->name);
  description->install_command = configuration_.InstallCommandOf(description->name);
  description->remove_command = configuration_.RemoveCommandOf(description->name);
  description->blacklisted = configuration_.IsBlacklisted(description->name);
}

Result<std::optional<ModuleDescription>> ModuleIndex::Describe(const std::string& name) const {
  if (!lookup_.ok()) return lookup_.failure();
  const Result<Presence> presence = (*lookup_)->Find(name);
  if (!presence.ok()) return presence.failure();
  if (!presence->path && !presence->builtin) return std::optional<ModuleDescription>();
  ModuleDescription description;
  description.name = name;
  description.path = presence->path;
  if (presence->path) {
    Result<ModuleFile> file = ReadModuleFile(*presence->path);
    if (!file.ok()) return file.failure();
    description.fields = std::move(file->fields);
  } else {
    const std::string path = source_.directory + "/modules.builtin.modinfo";
    const Result<std::string> modinfo = ReadTextFile(path, kModinfoLimit);
    // Kernels before 5.2 do not have this file.
    if (!modinfo.ok() && modinfo.failure().error != ENOENT) return modinfo.failure();
    if (modinfo.ok()) description.fields = BuiltinFields(*modinfo, name);
  }
  AddConfiguration(&description);
  return std::optional(std::move(description));
}

Result<ModuleDescription> ModuleIndex::DescribeFile(const std::string& path) const {
  Result<ModuleFile> file = ReadModuleFile(path);
  if (!file.ok()) return file.failure();
  ModuleDescription description;
  description.name = std::move(file->name);
  description.path = path;
  description.fields = std::move(file->fields);
  AddConfiguration(&description);
  return description;
}

}  // namespace kmod
