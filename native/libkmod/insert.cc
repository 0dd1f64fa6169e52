#include "insert.h"

#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>

namespace kmod {
namespace {

// One insertion. libkmod's callbacks carry no data of their owner (print_action) or are shared by
// all modules of the list (run_install), so the one that is under way is a static; the process that
// inserts has one thread and inserts once.
class Insertion {
 public:
  Insertion(const Libkmod* library, const InsertRequest& request,
            const std::function<void(const InsertAttempt&)>& on_attempt)
      : library_(library), request_(request), on_attempt_(on_attempt) {
    current_ = this;
  }
  ~Insertion() { current_ = nullptr; }
  Insertion(const Insertion&) = delete;
  Insertion& operator=(const Insertion&) = delete;

  std::optional<Failure> Run() {
    context_ = OpenContext(library_, request_.source);
    if (!context_) return SystemFailure(ENOMEM, "kmod_new");
    CollectLog(library_, context_.get(), &log_);
    return request_.is_file ? RunFile() : RunLookup();
  }

 private:
  std::optional<Failure> RunFile() {
    kmod_module* raw = nullptr;
    const int error =
        -library_->kmod_module_new_from_path(context_.get(), request_.what.c_str(), &raw);
    const UniqueModule module(raw, ModuleDeleter{library_});
    if (!module) return SystemFailure(error, "open", request_.what);
    return Probe(module.get(), kProbeIgnoreCommand);
  }

  std::optional<Failure> RunLookup() {
    library_->kmod_load_resources(context_.get());
    kmod_list* list = nullptr;
    const int error =
        -library_->kmod_module_new_from_lookup(context_.get(), request_.what.c_str(), &list);
    const UniqueModuleList owner(list, ModuleListDeleter{library_});
    if (error > 0) return SystemFailure(error, "kmod_module_new_from_lookup", Said());
    if (list == nullptr) return SystemFailure(ENOENT, {}, request_.what);
    for (const kmod_list* entry = list; entry != nullptr;
         entry = library_->kmod_list_next(list, entry)) {
      const UniqueModule module(library_->kmod_module_get_module(entry), ModuleDeleter{library_});
      if (!request_.module.empty() &&
          request_.module != library_->kmod_module_get_name(module.get())) {
        continue;
      }
      if (std::optional<Failure> failure = Probe(module.get(), kProbeBlacklistAliasOnly)) {
        return failure;
      }
    }
    return std::nullopt;
  }

  std::optional<Failure> Probe(kmod_module* module, unsigned flags) {
    target_ = library_->kmod_module_get_name(module);
    if (request_.must_be_new) flags |= kProbeFailOnLoaded;
    const int result = library_->kmod_module_probe_insert_module(
        module, flags, request_.parameters.empty() ? nullptr : request_.parameters.c_str(),
        RunInstallCommand, nullptr, PrintAction);
    if (result == 0) return std::nullopt;
    if (result > 0) {
      return Failure{FailureKind::kSystem,
                     0,
                     {},
                     target_ + " is blacklisted for the alias by which it was asked for"};
    }
    if (!command_failure_.empty()) return Failure{FailureKind::kSystem, 0, {}, command_failure_};
    return SystemFailure(-result, "init_module", Said());
  }

  static void PrintAction(kmod_module* module, bool install, const char* /*options*/) {
    const std::string name = current_->library_->kmod_module_get_name(module);
    const bool is_file = current_->request_.is_file && name == current_->target_;
    current_->on_attempt_({is_file ? current_->request_.module : name, install});
  }

  // libkmod hands over the command with the options already written into it. Those can come from
  // the caller, and text from outside must not become shell text: the command runs as it stands in
  // modprobe.d, and the shell itself expands $CMDLINE_OPTS, splitting it at blanks and no more.
  static int RunInstallCommand(kmod_module* module, const char* /*command*/, void* /*data*/) {
    return current_->RunCommandOf(module);
  }

  int RunCommandOf(kmod_module* module) {
    const std::string name = library_->kmod_module_get_name(module);
    const std::string command = library_->kmod_module_get_install_commands(module);
    const char* configured = library_->kmod_module_get_options(module);
    std::string options = configured == nullptr ? "" : configured;
    if (name == target_ && !request_.parameters.empty()) {
      if (!options.empty()) options += ' ';
      options += request_.parameters;
    }
    setenv("MODPROBE_MODULE", name.c_str(), 1);
    setenv("CMDLINE_OPTS", options.c_str(), 1);
    const int status = system(command.c_str());
    if (status == 0) return 0;
    command_failure_ =
        "the install command of " + name + " in modprobe.d, \"" + command + "\", " +
        (status == -1          ? std::string("could not be started")
         : WIFSIGNALED(status) ? "was killed by signal " + std::to_string(WTERMSIG(status))
                               : "ended with status " + std::to_string(WEXITSTATUS(status)));
    return -ECANCELED;
  }

  std::string Said() {
    while (!log_.empty() && log_.back() == '\n') log_.pop_back();
    return log_;
  }

  static Insertion* current_;

  const Libkmod* library_;
  const InsertRequest& request_;
  const std::function<void(const InsertAttempt&)>& on_attempt_;
  std::string log_;  // before the context, whose log hook writes to it
  UniqueContext context_;
  std::string target_;
  std::string command_failure_;
};

Insertion* Insertion::current_ = nullptr;

}  // namespace

std::optional<Failure> InsertModule(const InsertRequest& request,
                                    const std::function<void(const InsertAttempt&)>& on_attempt) {
  const Result<const Libkmod*> library = Libkmod::Open();
  if (Failed(library)) return std::get<Failure>(library);
  return Insertion(std::get<const Libkmod*>(library), request, on_attempt).Run();
}

}  // namespace kmod
