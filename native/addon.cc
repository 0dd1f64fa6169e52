// The addon: the functions that TypeScript can call, as lib/live/native.ts declares them. No static
// holds a JavaScript value, so each worker thread has an addon of its own.
#include <napi.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "binding/context_object.h"
#include "bridge/arguments.h"
#include "bridge/convert.h"
#include "bridge/handle.h"
#include "bridge/promise_worker.h"
#include "common/handles.h"
#include "common/result.h"
#include "net/module_events.h"
#include "proc/kernel_log.h"
#include "proc/loaded_table.h"
#include "proc/sys_module.h"
#include "process/helper_process.h"

namespace kmod::bridge {
namespace {

using SharedLog = std::shared_ptr<KernelLog>;
constexpr napi_type_tag kLogTag = {0x6b6d6f642d6c6f67, 0x8f1d0f7ae3f94c51};
constexpr napi_type_tag kSocketTag = {0x6b6d6f642d736f63, 0x5ad27e40c1b9e836};
constexpr napi_type_tag kHelperTag = {0x6b6d6f642d68656c, 0x3b0c6d5e91a7420f};

// readTable(path): Promise<{ text, readings } | failure>
Napi::Value ReadTable(const Napi::CallbackInfo& info) {
  const std::string path = TakePath(info, 0);
  return PromiseWorker<LoadedTable>::Run(
      info.Env(), "kmod:table", [path] { return ReadLoadedTable(path); },
      [](Napi::Env env, LoadedTable& table) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("text", table.ascii ? ToAsciiString(env, table.text)
                                       : Napi::String::New(env, table.text));
        object.Set("readings", table.readings);
        return object;
      });
}

// readTableRow(path, name): Promise<string | failure>
Napi::Value ReadRow(const Napi::CallbackInfo& info) {
  const std::string path = TakePath(info, 0);
  const std::string name = TakePath(info, 1);
  return PromiseWorker<std::string>::Run(
      info.Env(), "kmod:table", [path, name] { return ReadTableRow(path, name); },
      [](Napi::Env env, std::string& row) -> Napi::Value { return Napi::String::New(env, row); });
}

// readSysModules(folder, names): Promise<{ identity, initstate }[] | failure>
Napi::Value ReadModules(const Napi::CallbackInfo& info) {
  const std::string folder = TakePath(info, 0);
  const std::vector<std::string> names = TakeStrings(info, 1);
  return PromiseWorker<std::vector<SysModule>>::Run(
      info.Env(), "kmod:sys", [folder, names] { return ReadSysModules(folder, names); },
      [](Napi::Env env, std::vector<SysModule>& modules) -> Napi::Value {
        Napi::Array array = Napi::Array::New(env, modules.size());
        for (uint32_t i = 0; i < modules.size(); ++i) {
          Napi::Object object = Napi::Object::New(env);
          object.Set("identity", modules[i].identity);
          object.Set("initstate", modules[i].initstate);
          array.Set(i, object);
        }
        return array;
      });
}

// openModuleEvents(): handle | failure. At once: what the kernel reports from now on waits in the
// socket.
Napi::Value OpenEvents(const Napi::CallbackInfo& info) {
  Result<UniqueFd> opened = OpenModuleEvents();
  if (!opened.ok()) return ToFailure(info.Env(), opened.failure());
  return ToHandle(info.Env(), &kSocketTag, std::make_unique<UniqueFd>(*std::move(opened)));
}

// The socket that a helper inherits, which the handle no longer owns; -1 without a handle.
UniqueFd TakeSocket(const Napi::CallbackInfo& info, size_t index) {
  if (info.Length() <= index || info[index].IsUndefined()) return UniqueFd();
  return std::move(*FromHandle<UniqueFd>(info, &kSocketTag, "not a socket", index));
}

// spawnHelper(path, role, socket?): Promise<handle | failure>. The helper inherits the socket.
Napi::Value StartHelper(const Napi::CallbackInfo& info) {
  const std::string path = TakePath(info, 0);
  const std::string role = TakePath(info, 1);
  const auto inherited = std::make_shared<UniqueFd>(TakeSocket(info, 2));
  return PromiseWorker<HelperProcess>::Run(
      info.Env(), "kmod:helper",
      [path, role, inherited] { return SpawnHelper(path, role, inherited->get()); },
      [](Napi::Env env, HelperProcess& helper) -> Napi::Value {
        // The handle owns the socket until takeHelper(): if a worker thread is terminated before,
        // the end of its environment closes the socket, and the helper ends.
        return ToHandle(env, &kHelperTag, std::make_unique<HelperProcess>(std::move(helper)));
      });
}

// takeHelper(handle): { pid, socket }; the caller owns the socket from now on
Napi::Value TakeHelper(const Napi::CallbackInfo& info) {
  auto* helper = FromHandle<HelperProcess>(info, &kHelperTag, "not a helper");
  if (!helper->socket) throw Napi::Error::New(info.Env(), "the socket of the helper was taken");
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("pid", helper->pid);
  object.Set("socket", helper->socket.get());
  helper->socket.release();
  return object;
}

pid_t TakePid(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsNumber()) {
    throw Napi::TypeError::New(info.Env(), "not the number of a process");
  }
  return info[0].As<Napi::Number>().Int32Value();
}

// reapHelpers(): void
void Reap(const Napi::CallbackInfo& /*info*/) {
  ReapHelpers();
}

// killHelper(pid): void
void Kill(const Napi::CallbackInfo& info) {
  KillHelper(TakePid(info));
}

// isHelperRunning(pid): boolean
Napi::Value IsRunning(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), IsHelperRunning(TakePid(info)));
}

// helperSignal(pid): the signal that ended a helper; 0: it exited; null: not known
Napi::Value SignalOf(const Napi::CallbackInfo& info) {
  const std::optional<HelperEnd> end = EndOfHelper(TakePid(info));
  if (!end) return info.Env().Null();
  return Napi::Number::New(info.Env(), end->signal);
}

// openLog(path): Promise<handle | failure>
Napi::Value OpenLog(const Napi::CallbackInfo& info) {
  const std::string path = TakePath(info, 0);
  return PromiseWorker<SharedLog>::Run(
      info.Env(), "kmod:log",
      [path]() -> Result<SharedLog> {
        Result<KernelLog> opened = KernelLog::Open(path);
        if (!opened.ok()) return opened.failure();
        return std::make_shared<KernelLog>(*std::move(opened));
      },
      [](Napi::Env env, SharedLog& log) -> Napi::Value {
        return ToHandle(env, &kLogTag, std::make_unique<SharedLog>(std::move(log)));
      });
}

SharedLog* TakeLog(const Napi::CallbackInfo& info) {
  return FromHandle<SharedLog>(info, &kLogTag, "not a kernel log");
}

// readLog(handle): Promise<{ records: { text, fromKernel }[], lost } | failure>
Napi::Value ReadLog(const Napi::CallbackInfo& info) {
  // The worker shares the ownership, so a closeLog() during the read does not close the file.
  const SharedLog log = *TakeLog(info);
  if (!log) throw Napi::Error::New(info.Env(), "the kernel log is closed");
  return PromiseWorker<KernelLogRead>::Run(
      info.Env(), "kmod:log", [log] { return log->Read(); },
      [](Napi::Env env, KernelLogRead& read) -> Napi::Value {
        Napi::Array records = Napi::Array::New(env, read.records.size());
        for (uint32_t i = 0; i < read.records.size(); ++i) {
          Napi::Object record = Napi::Object::New(env);
          record.Set("text", read.records[i].text);
          record.Set("fromKernel", read.records[i].from_kernel);
          records.Set(i, record);
        }
        Napi::Object object = Napi::Object::New(env);
        object.Set("records", records);
        object.Set("lost", read.lost);
        return object;
      });
}

// closeLog(handle): void
void CloseLog(const Napi::CallbackInfo& info) {
  TakeLog(info)->reset();
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("readTable", Napi::Function::New<ReadTable>(env, "readTable"));
  exports.Set("readTableRow", Napi::Function::New<ReadRow>(env, "readTableRow"));
  exports.Set("readSysModules", Napi::Function::New<ReadModules>(env, "readSysModules"));
  exports.Set("openModuleEvents", Napi::Function::New<OpenEvents>(env, "openModuleEvents"));
  exports.Set("spawnHelper", Napi::Function::New<StartHelper>(env, "spawnHelper"));
  exports.Set("takeHelper", Napi::Function::New<TakeHelper>(env, "takeHelper"));
  exports.Set("reapHelpers", Napi::Function::New<Reap>(env, "reapHelpers"));
  exports.Set("killHelper", Napi::Function::New<Kill>(env, "killHelper"));
  exports.Set("isHelperRunning", Napi::Function::New<IsRunning>(env, "isHelperRunning"));
  exports.Set("helperSignal", Napi::Function::New<SignalOf>(env, "helperSignal"));
  exports.Set("openLog", Napi::Function::New<OpenLog>(env, "openLog"));
  exports.Set("readLog", Napi::Function::New<ReadLog>(env, "readLog"));
  exports.Set("closeLog", Napi::Function::New<CloseLog>(env, "closeLog"));
  // Defines the classes of node-kmod/libkmod, which nothing else needs, at its first call.
  exports.Set("createBinding",
              Napi::Function::New<kmod::binding::CreateBinding>(env, "createBinding"));
  return exports;
}

}  // namespace
}  // namespace kmod::bridge

static Napi::Object InitKmod(Napi::Env env, Napi::Object exports) {
  return kmod::bridge::Init(env, exports);
}
NODE_API_MODULE(kmod, InitKmod)
