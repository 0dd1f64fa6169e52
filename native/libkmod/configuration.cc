#include "configuration.h"

#include <fnmatch.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "context.h"
#include "modinfo.h"

namespace kmod {
namespace {

bool Matches(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

}  // namespace

Result<Configuration> Configuration::ReadFiles(const Context& context) {
  const Libkmod& library = context.library();
  Configuration configuration;
  const struct {
    kmod_config_iter* (*open)(const kmod_ctx*);
    Lines* lines;
  } lists[] = {
      {library.kmod_config_get_aliases, &configuration.aliases_},
      {library.kmod_config_get_blacklists, &configuration.blacklist_},
      {library.kmod_config_get_install_commands, &configuration.install_commands_},
      {library.kmod_config_get_options, &configuration.options_},
      {library.kmod_config_get_remove_commands, &configuration.remove_commands_},
      {library.kmod_config_get_softdeps, &configuration.soft_dependencies_},
  };
  for (const auto& list : lists) {
    Result<Lines> lines = context.ConfigLines(list.open);
    if (!lines.ok()) return lines.failure();
    *list.lines = *std::move(lines);
  }
  return configuration;
}

Result<Configuration> Configuration::Read(const Context& context, const IndexSource& source) {
  Result<Configuration> configuration = ReadFiles(context);
  if (!configuration.ok()) return configuration;
  configuration->load_lists_ = ReadLoadLists(source.load_lists);
  std::vector<std::string>& load_names = configuration->load_lists_.names;
  load_names.insert(load_names.end(), source.load_names.begin(), source.load_names.end());
  if (source.kernel_command_line) return configuration;

  // libkmod always reads /proc/cmdline and appends its entries to those of the files. A context
  // without configuration has only the entries of the command line, so they are removed again, each
  // from the end.
  const Result<Context> bare = Context::OpenBare();
  if (!bare.ok()) return bare.failure();
  const Result<Configuration> command_line = ReadFiles(*bare);
  if (!command_line.ok()) return command_line.failure();
  const auto remove = [](Lines* lines, const Lines& unwanted) {
    for (const ConfigLine& line : unwanted) {
      const auto last = std::find(lines->rbegin(), lines->rend(), line);
      if (last != lines->rend()) lines->erase(std::next(last).base());
    }
  };
  remove(&configuration->options_, command_line->options_);
  remove(&configuration->blacklist_, command_line->blacklist_);
  return configuration;
}

std::optional<std::string> Configuration::OptionsOf(const std::string& name) const {
  std::string options;
  for (const ConfigLine& line : options_) {
    if (line.key != name || line.value.empty()) continue;
    if (!options.empty()) options += ' ';
    options += line.value;
  }
  if (options.empty()) return std::nullopt;
  return options;
}

std::optional<std::string> Configuration::FirstMatch(const Lines& lines, const std::string& name) {
  const auto found = std::find_if(lines.begin(), lines.end(), [&name](const ConfigLine& line) {
    return Matches(line.key, name);
  });
  if (found == lines.end()) return std::nullopt;
  return found->value;
}

std::optional<std::string> Configuration::InstallCommandOf(const std::string& name) const {
  return FirstMatch(install_commands_, name);
}

std::optional<std::string> Configuration::RemoveCommandOf(const std::string& name) const {
  return FirstMatch(remove_commands_, name);
}

bool Configuration::IsBlacklisted(const std::string& name) const {
  return std::any_of(blacklist_.begin(), blacklist_.end(),
                     [&name](const ConfigLine& line) { return line.key == name; });
}

SoftDependencies Configuration::SoftDependenciesOf(const std::string& name) const {
  SoftDependencies all;
  for (const ConfigLine& line : soft_dependencies_) {
    if (!Matches(line.key, name)) continue;
    SoftDependencies some = ParseSoftDependencies(line.value);
    all.pre.insert(all.pre.end(), some.pre.begin(), some.pre.end());
    all.post.insert(all.post.end(), some.post.begin(), some.post.end());
  }
  return all;
}

std::vector<std::string> Configuration::ModulesOf(const std::string& alias) const {
  const std::string name = WithUnderscores(alias);
  std::vector<std::string> modules;
  for (const ConfigLine& line : aliases_) {
    if (Matches(line.key, name)) modules.push_back(line.value);
  }
  return modules;
}

SoftDependencies ParseSoftDependencies(const std::string& text) {
  SoftDependencies names;
  std::vector<std::string>* list = nullptr;
  std::istringstream words(text);
  const std::string post = "post:";
  for (std::string word; words >> word;) {
    const bool ends_with_post = word.size() >= post.size() &&
                                word.compare(word.size() - post.size(), post.size(), post) == 0;
    if (word == "pre:") {
      list = &names.pre;
    } else if (ends_with_post) {
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
