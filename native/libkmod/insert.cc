#include "insert.h"

#include <cerrno>
#include <utility>

#include "context.h"
#include "file_check.h"

namespace kmod {
namespace {

// One insertion. libkmod passes no user data to its callback print_action, so a static points to
// the running insertion; the process that inserts has one thread and inserts once.
class Insertion {
 public:
  Insertion(Context context, const InsertRequest& request, const InsertCallbacks& callbacks)
      : context_(std::move(context)),
        library_(context_.library()),
        request_(request),
        callbacks_(callbacks) {
    current_ = this;
  }
  ~Insertion() { current_ = nullptr; }
  Insertion(const Insertion&) = delete;
  Insertion& operator=(const Insertion&) = delete;

  Result<> Run() {
    if (request_.is_file) return RunFile();
    // This only saves time; see IndexLookup::Open.
    library_.kmod_load_resources(context_.get());
    return request_.what == request_.module ? RunName() : RunLookup();
  }

 private:
  Result<> RunFile() {
    kmod_module* raw = nullptr;
    const int error =
        -library_.kmod_module_new_from_path(context_.get(), request_.what.c_str(), &raw);
    const UniqueModule module(raw, ModuleDeleter{&library_});
    if (!module) return SystemFailure(error, "open", request_.what);
    return Probe(module.get(), kProbeIgnoreCommand);
  }

  Result<> RunName() {
    const Result<UniqueModule> module = context_.NewModule(request_.module);
    if (!module.ok()) return module.failure();
    return Probe(module->get(), 0);
  }

  Result<> RunLookup() {
    kmod_list* list = nullptr;
    const int error =
        -library_.kmod_module_new_from_lookup(context_.get(), request_.what.c_str(), &list);
    const UniqueModuleList owner(list, ModuleListDeleter{&library_});
    if (error > 0) return SystemFailure(error, "kmod_module_new_from_lookup", context_.TakeLog());
    if (list == nullptr) return SystemFailure(ENOENT, {}, request_.what);
    for (const kmod_list* entry = list; entry != nullptr;
         entry = library_.kmod_list_next(list, entry)) {
      const UniqueModule module(library_.kmod_module_get_module(entry), ModuleDeleter{&library_});
      if (!request_.module.empty() && request_.module != NameOf(module.get())) continue;
      if (Result<> probed = Probe(module.get(), kProbeBlacklistAliasOnly); !probed.ok()) {
        return probed;
      }
    }
    return Ok();
  }

  Result<> Probe(kmod_module* module, unsigned flags) {
    target_ = NameOf(module);
    if (IsUnknown(module)) return SystemFailure(ENOENT, {}, target_);
    if (request_.must_be_new) flags |= kProbeFailOnLoaded;
    const int result = library_.kmod_module_probe_insert_module(
        module, flags, request_.parameters.empty() ? nullptr : request_.parameters.c_str(),
        RunInstallCommand, nullptr, PrintAction);
    if (result == 0) return Ok();
    if (result > 0) {
      return SystemFailure(0, {},
                           target_ +
                               " is blacklisted in modprobe.d; the blacklist applies because "
                               "the module was requested by an alias");
    }
    if (!command_.ok()) return command_;
    return SystemFailure(-result, "init_module", context_.TakeLog());
  }

  // libkmod accepts names and aliases of modules that do not exist.
  bool IsUnknown(const kmod_module* module) const {
    return library_.kmod_module_get_path(module) == nullptr &&
           library_.kmod_module_get_install_commands(module) == nullptr &&
           library_.kmod_module_get_initstate(module) != kInitstateBuiltin;
  }

  std::string NameOf(const kmod_module* module) const {
    return library_.kmod_module_get_name(module);
  }

  static void PrintAction(kmod_module* module, bool install, const char* /*options*/) {
    const std::string name = current_->NameOf(module);
    const bool is_file = current_->request_.is_file && name == current_->target_;
    current_->callbacks_.on_attempt({is_file ? current_->request_.module : name, install});
  }

  static int RunInstallCommand(kmod_module* module, const char* /*command*/, void* /*data*/) {
    return current_->RunCommandOf(module);
  }

  // libkmod passes the command with the options already inserted into its text. Some options can
  // come from the caller of load(), and their text must not become shell code. So the command runs
  // as it is written in modprobe.d, and the shell expands $CMDLINE_OPTS, which only splits it into
  // words.
  int RunCommandOf(kmod_module* module) {
    const std::string name = NameOf(module);
    const char* configured = library_.kmod_module_get_options(module);
    std::string options = configured == nullptr ? "" : configured;
    if (name == target_ && !request_.parameters.empty()) {
      if (!options.empty()) options += ' ';
      options += request_.parameters;
    }
    command_ = callbacks_.run_command(
        {name, library_.kmod_module_get_install_commands(module), std::move(options)});
    return command_.ok() ? 0 : -ECANCELED;
  }

  static Insertion* current_;

  Context context_;
  const Libkmod& library_;
  const InsertRequest& request_;
  const InsertCallbacks& callbacks_;
  std::string target_;  // the module that is being probed, as opposed to what it needs
  Result<> command_;    // how the last install command ended
};

Insertion* Insertion::current_ = nullptr;

}  // namespace

Result<> InsertModule(const InsertRequest& request, const InsertCallbacks& callbacks) {
  Result<Context> context = Context::Open(request.source);
  if (!context.ok()) return context.failure();
  return Insertion(*std::move(context), request, callbacks).Run();
}

Result<> InsertFile(const std::string& path, bool force, const std::string& parameters) {
  constexpr const char* kFunction = "kmod_module_insert_module";
  if (Result<> checked = CheckModuleFile(path); !checked.ok()) return checked;
  const Result<Context> context = Context::OpenBare();
  if (!context.ok()) return context.failure();
  const Libkmod& library = context->library();
  kmod_module* raw = nullptr;
  int error = -library.kmod_module_new_from_path(context->get(), path.c_str(), &raw);
  const UniqueModule module(raw, ModuleDeleter{&library});
  if (!module) return SystemFailure(error, "kmod_module_new_from_path", path);
  const unsigned flags = force ? kInsertForceVermagic | kInsertForceModversion : 0;
  error = -library.kmod_module_insert_module(module.get(), flags, parameters.c_str());
  if (error != 0) return SystemFailure(error, kFunction, context->TakeLog());
  return Ok();
}

}  // namespace kmod
