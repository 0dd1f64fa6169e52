#include "module_index.h"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "../common/handles.h"
#include "../proc/text_file.h"
#include "index_check.h"
#include "load_list.h"

namespace kmod {
namespace {

constexpr size_t kIndexLimit = 256 * 1024 * 1024;

constexpr const char* kIndexes[] = {"modules.dep.bin", "modules.alias.bin", "modules.symbols.bin",
                                    "modules.builtin.bin", "modules.builtin.alias.bin"};
// Read besides the indexes, and kept.
constexpr const char* kTexts[] = {"modules.softdep", "modules.weakdep"};
// Where some libkmod looks by default; the newest list, of which older ones know a part.
constexpr const char* kConfigDirectories[] = {"/etc/modprobe.d", "/run/modprobe.d",
                                              "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d",
                                              "/lib/modprobe.d"};

std::vector<std::string> DefaultConfig() {
  return {std::begin(kConfigDirectories), std::end(kConfigDirectories)};
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::optional<std::string> OptionalText(const char* text) {
  if (text == nullptr) return std::nullopt;
  return std::string(text);
}

}  // namespace

bool ModuleIndex::Stamp::operator==(const Stamp& other) const {
  return path == other.path && device == other.device && inode == other.inode &&
         size == other.size && modified == other.modified && changed == other.changed;
}

ModuleIndex::Stamp ModuleIndex::StampOf(std::string path) {
  constexpr long long kBillion = 1000000000;
  // File systems keep the time of the last tick of the kernel's clock, 10 ms at the most.
  constexpr long long kTick = kBillion / 50;
  Stamp stamp;
  struct stat status = {};
  if (stat(path.c_str(), &status) == 0) {
    stamp.device = status.st_dev;
    stamp.inode = status.st_ino;
    stamp.size = status.st_size;
    stamp.modified = status.st_mtim.tv_sec * kBillion + status.st_mtim.tv_nsec;
    stamp.changed = status.st_ctim.tv_sec * kBillion + status.st_ctim.tv_nsec;
    timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    stamp.fresh = now.tv_sec * kBillion + now.tv_nsec - stamp.changed < kTick;
  }
  stamp.path = std::move(path);
  return stamp;
}

// libkmod's own check (kmod_validate_resources) looks at the times of directories, which a file
// that is edited in place does not change.
std::vector<ModuleIndex::Stamp> ModuleIndex::TakeStamps(const IndexSource& source) {
  std::vector<Stamp> stamps;
  for (const char* name : kIndexes) stamps.push_back(StampOf(source.directory + "/" + name));
  for (const char* name : kTexts) stamps.push_back(StampOf(source.directory + "/" + name));
  std::vector<std::string> places = source.config.value_or(DefaultConfig());
  places.insert(places.end(), source.load_lists.begin(), source.load_lists.end());
  for (const std::string& place : places) {
    Stamp stamp = StampOf(place);
    // /lib is /usr/lib nowadays: once is enough.
    const bool known = std::any_of(stamps.begin(), stamps.end(), [&stamp](const Stamp& other) {
      return stamp.inode != 0 && stamp.inode == other.inode && stamp.device == other.device;
    });
    if (known) continue;
    stamps.push_back(std::move(stamp));
    const UniqueDir directory(opendir(place.c_str()));
    if (!directory) continue;
    while (const dirent* entry = readdir(directory.get())) {
      const std::string name = entry->d_name;
      if (EndsWith(name, ".conf")) stamps.push_back(StampOf(place + "/" + name));
    }
  }
  return stamps;
}

bool ModuleIndex::IsStale() const {
  // A file that comes or goes changes its directory, so the directories need no second listing.
  return std::any_of(stamps_.begin(), stamps_.end(), [](const Stamp& stamp) {
    return stamp.fresh || !(stamp == StampOf(stamp.path));
  });
}

std::optional<Failure> ModuleIndex::FindFault() const {
  for (const char* name : kIndexes) {
    const std::string path = source_.directory + "/" + name;
    Result<std::string> bytes = ReadTextFile(path.c_str(), kIndexLimit);
    if (Failed(bytes)) {
      Failure& failure = std::get<Failure>(bytes);
      // An index may be missing (a container, a kernel package without depmod's files).
      if (failure.error == ENOENT || failure.error == ENOTDIR) continue;
      return std::move(failure);
    }
    // depmod leaves the indexes of built-ins empty where the kernel's build left no list of them.
    const bool of_builtins = std::string_view(name).find("builtin") != std::string_view::npos;
    if (of_builtins && std::get<std::string>(bytes).empty()) continue;
    const std::optional<std::string> fault = FindIndexFault(std::get<std::string>(bytes));
    if (fault) return FormatFailure(path + " is damaged: " + *fault);
  }
  return std::nullopt;
}

Result<std::unique_ptr<ModuleIndex>> ModuleIndex::Open(const IndexSource& source) {
  const Result<const Libkmod*> library = Libkmod::Open();
  if (Failed(library)) return std::get<Failure>(library);
  std::unique_ptr<ModuleIndex> index(new ModuleIndex(std::get<const Libkmod*>(library), source));
  if (std::optional<Failure> failure = index->Load()) return std::move(*failure);
  return index;
}

std::optional<Failure> ModuleIndex::Load() {
  // Before the files are read: what changes meanwhile makes this index stale at once.
  stamps_ = TakeStamps(source_);
  if (std::optional<Failure> fault = FindFault()) return fault;
  context_ = OpenContext(library_, source_);
  if (!context_) return SystemFailure(ENOMEM, "kmod_new", source_.directory);
  CollectLog(library_, context_.get(), &log_);
  // Fails where one of the indexes is missing; libkmod then opens those that are there as it needs
  // them.
  library_->kmod_load_resources(context_.get());
  options_ = Entries(library_->kmod_config_get_options, context_.get());
  blacklist_ = Entries(library_->kmod_config_get_blacklists, context_.get());
  for (ConfigEntry& entry : Entries(library_->kmod_config_get_softdeps, context_.get())) {
    soft_dependencies_.push_back({std::move(entry.key), ParseSoftDependencies(entry.value)});
  }
  if (!source_.kernel_command_line) LeaveOutCommandLine();
  log_.clear();
  return std::nullopt;
}

std::vector<ModuleIndex::ConfigEntry> ModuleIndex::Entries(
    kmod_config_iter* (*list)(const kmod_ctx*), const kmod_ctx* context) const {
  std::vector<ConfigEntry> entries;
  const UniqueConfigIter iter(list(context), ConfigIterDeleter{library_});
  while (iter && library_->kmod_config_iter_next(iter.get())) {
    const char* key = library_->kmod_config_iter_get_key(iter.get());
    const char* value = library_->kmod_config_iter_get_value(iter.get());
    if (key != nullptr) entries.push_back({key, value == nullptr ? "" : value});
  }
  return entries;
}

// libkmod reads /proc/cmdline whatever it is told. A context without configuration has the entries
// of the command line alone; libkmod appends those, so each is taken away from the end.
void ModuleIndex::LeaveOutCommandLine() {
  const IndexSource nothing = {"/", std::vector<std::string>(), {}, true};
  const UniqueContext bare = OpenContext(library_, nothing);
  if (!bare) return;
  CollectLog(library_, bare.get(), &log_);
  const auto leave_out = [](std::vector<ConfigEntry>* entries,
                            const std::vector<ConfigEntry>& unwanted) {
    for (const ConfigEntry& entry : unwanted) {
      const auto last = std::find(entries->rbegin(), entries->rend(), entry);
      if (last != entries->rend()) entries->erase(std::next(last).base());
    }
  };
  leave_out(&options_, Entries(library_->kmod_config_get_options, bare.get()));
  leave_out(&blacklist_, Entries(library_->kmod_config_get_blacklists, bare.get()));
}

UniqueModule ModuleIndex::NewModule(const std::string& name, int* error) {
  kmod_module* module = nullptr;
  *error = -library_->kmod_module_new_from_name(context_.get(), name.c_str(), &module);
  return UniqueModule(module, ModuleDeleter{library_});
}

Result<std::vector<std::string>> ModuleIndex::Lookup(const std::string& alias) {
  kmod_list* list = nullptr;
  const int error = -library_->kmod_module_new_from_lookup(context_.get(), alias.c_str(), &list);
  const UniqueModuleList owner(list, ModuleListDeleter{library_});
  // "a[b" and "x]" are no patterns: nothing can match them. ENOSYS: there is no index at all.
  if (error == EINVAL || error == ENOSYS) return std::vector<std::string>();
  if (error > 0) return SystemFailure(error, "kmod_module_new_from_lookup", TakeLog());
  return NamesIn(list);
}

bool ModuleIndex::IsBuiltin(const std::string& name) {
  int error = 0;
  const UniqueModule module = NewModule(name, &error);
  if (module && library_->kmod_module_get_initstate(module.get()) == kInitstateBuiltin) return true;
  // A kernel package that depmod has not seen yet has the text alone.
  const Result<std::string> text =
      ReadTextFile((source_.directory + "/modules.builtin").c_str(), kIndexLimit);
  return !Failed(text) && ListsModule(std::get<std::string>(text), name);
}

bool ModuleIndex::HasDependencies() const {
  return access((source_.directory + "/modules.dep.bin").c_str(), F_OK) == 0;
}

Presence ModuleIndex::Find(const std::string& name) {
  Presence presence;
  int error = 0;
  if (const UniqueModule module = NewModule(name, &error)) {
    presence.path = OptionalText(library_->kmod_module_get_path(module.get()));
  }
  if (!presence.path) presence.builtin = IsBuiltin(name);
  return presence;
}

// A softdep can name an alias: that stands for all of its modules.
void ModuleIndex::AppendModules(const std::vector<std::string>& names,
                                std::vector<std::string>* modules) {
  for (const std::string& name : names) {
    Result<std::vector<std::string>> found = Lookup(name);
    if (Failed(found) || std::get<std::vector<std::string>>(found).empty()) {
      modules->push_back(name);
      std::replace(modules->back().begin(), modules->back().end(), '-', '_');
    } else {
      const auto& all = std::get<std::vector<std::string>>(found);
      modules->insert(modules->end(), all.begin(), all.end());
    }
  }
}

RemovalPolicy ModuleIndex::Policy(const std::string& name) {
  RemovalPolicy policy;
  int error = 0;
  // libkmod cuts a name at its first dot: the command would be another module's.
  const bool is_name = name.find('.') == std::string::npos;
  if (const UniqueModule module = is_name ? NewModule(name, &error) : UniqueModule()) {
    policy.remove_command = OptionalText(library_->kmod_module_get_remove_commands(module.get()));
  }
  // libkmod's own kmod_module_get_softdeps stops at the first line that matches.
  for (const SoftDependencyLine& line : soft_dependencies_) {
    if (fnmatch(line.pattern.c_str(), name.c_str(), 0) != 0) continue;
    AppendModules(line.names.pre, &policy.soft_dependencies.pre);
    AppendModules(line.names.post, &policy.soft_dependencies.post);
  }
  policy.configured = Configured().count(name) > 0;
  return policy;
}

const std::set<std::string>& ModuleIndex::Configured() {
  if (configured_) return *configured_;
  configured_.emplace();
  for (std::string line : ReadLoadLists(source_.load_lists)) {
    const Result<std::vector<std::string>> names = Lookup(line);
    if (!Failed(names)) {
      const auto& found = std::get<std::vector<std::string>>(names);
      configured_->insert(found.begin(), found.end());
    }
    // A name counts whether the index has it or not.
    std::replace(line.begin(), line.end(), '-', '_');
    configured_->insert(std::move(line));
  }
  return *configured_;
}

std::vector<std::string> ModuleIndex::Needs(const std::string& name) {
  int error = 0;
  const UniqueModule module = NewModule(name, &error);
  if (!module) return {};
  const UniqueModuleList list(library_->kmod_module_get_dependencies(module.get()),
                              ModuleListDeleter{library_});
  return NamesIn(list.get());
}

std::vector<std::string> ModuleIndex::NamesIn(const kmod_list* list) const {
  std::vector<std::string> names;
  for (const kmod_list* entry = list; entry != nullptr;
       entry = library_->kmod_list_next(list, entry)) {
    const UniqueModule module(library_->kmod_module_get_module(entry), ModuleDeleter{library_});
    names.emplace_back(library_->kmod_module_get_name(module.get()));
  }
  return names;
}

void ModuleIndex::AddConfiguration(kmod_module* module, ModuleDescription* description) const {
  std::string options;
  for (const ConfigEntry& entry : options_) {
    if (entry.key != description->name || entry.value.empty()) continue;
    if (!options.empty()) options += ' ';
    options += entry.value;
  }
  if (!options.empty()) description->options = std::move(options);
  description->blacklisted = std::any_of(
      blacklist_.begin(), blacklist_.end(),
      [description](const ConfigEntry& entry) { return entry.key == description->name; });
  if (module == nullptr) return;
  description->install_command = OptionalText(library_->kmod_module_get_install_commands(module));
  description->remove_command = OptionalText(library_->kmod_module_get_remove_commands(module));
}

Result<ModuleDescription> ModuleIndex::DescribeFileOf(kmod_module* module,
                                                      const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return SystemFailure(errno, "open", path);
  if (!S_ISREG(status.st_mode)) return FormatFailure(path + " is not a regular file");

  kmod_list* list = nullptr;
  const int count = library_->kmod_module_get_info(module, &list);
  const UniqueInfoList owner(list, InfoListDeleter{library_});
  if (count < 0) {
    if (count == -EACCES || count == -EPERM || count == -EIO || count == -EMFILE) {
      return SystemFailure(-count, "open", path);
    }
    return FormatFailure(path + " is not a kernel module that this libkmod can read (" +
                         ErrnoName(-count) + ")");
  }
  ModuleDescription description;
  description.name = library_->kmod_module_get_name(module);
  description.path = path;
  for (const kmod_list* entry = list; entry != nullptr;
       entry = library_->kmod_list_next(list, entry)) {
    const char* key = library_->kmod_module_info_get_key(entry);
    const char* value = library_->kmod_module_info_get_value(entry);
    if (key == nullptr) continue;
    description.fields.push_back({key, value == nullptr ? "" : value});
    // A file can have any name; what the kernel will call the module stands inside.
    if (description.fields.back().key == "name") description.name = description.fields.back().value;
  }
  if (description.fields.empty()) return FormatFailure(path + " has no module information");
  return description;
}

Result<std::optional<ModuleDescription>> ModuleIndex::Describe(const std::string& name) {
  int error = 0;
  const UniqueModule module = NewModule(name, &error);
  if (!module) return SystemFailure(error, "kmod_module_new_from_name", name);
  const std::optional<std::string> path =
      OptionalText(library_->kmod_module_get_path(module.get()));
  if (path) {
    Result<ModuleDescription> described = DescribeFileOf(module.get(), *path);
    if (Failed(described)) return std::get<Failure>(std::move(described));
    auto& description = std::get<ModuleDescription>(described);
    description.name = name;
    AddConfiguration(module.get(), &description);
    return std::optional(std::move(description));
  }
  if (!IsBuiltin(name)) return std::optional<ModuleDescription>();
  ModuleDescription description;
  description.name = name;
  const Result<std::string> modinfo =
      ReadTextFile((source_.directory + "/modules.builtin.modinfo").c_str(), kIndexLimit);
  if (!Failed(modinfo)) {
    description.fields = BuiltinFields(std::get<std::string>(modinfo), name);
  }
  AddConfiguration(module.get(), &description);
  return std::optional(std::move(description));
}

Result<ModuleDescription> ModuleIndex::DescribeFile(const std::string& path) {
  // In a context of its own: one context refuses a second path for a name that it knows.
  const UniqueContext context = OpenContext(library_, source_);
  if (!context) return SystemFailure(ENOMEM, "kmod_new", path);
  CollectLog(library_, context.get(), &log_);
  kmod_module* raw = nullptr;
  const int error = -library_->kmod_module_new_from_path(context.get(), path.c_str(), &raw);
  const UniqueModule module(raw, ModuleDeleter{library_});
  if (!module) {
    if (error == ENOENT || error == EACCES || error == ENOTDIR || error == ELOOP) {
      return SystemFailure(error, "open", path);
    }
    return FormatFailure(path + " is not named as a kernel module (.ko, .ko.xz, .ko.zst, .ko.gz)");
  }
  Result<ModuleDescription> described = DescribeFileOf(module.get(), path);
  if (!Failed(described)) AddConfiguration(module.get(), &std::get<ModuleDescription>(described));
  return described;
}

std::string ModuleIndex::TakeLog() {
  return std::exchange(log_, {});
}

SoftDependencies ParseSoftDependencies(const std::string& text) {
  SoftDependencies names;
  std::vector<std::string>* list = nullptr;
  std::istringstream words(text);
  const std::string post = "post:";
  for (std::string word; words >> word;) {
    if (word == "pre:") {
      list = &names.pre;
    } else if (EndsWith(word, post)) {
      word.erase(word.size() - post.size());
      if (!word.empty() && list != nullptr) list->push_back(word);
      list = &names.post;
    } else if (list != nullptr) {
      list->push_back(word);
    }
  }
  return names;
}

}  // namespace kmod
