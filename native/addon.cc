// The addon: the functions that TypeScript can call, as lib/live/native.ts declares them. No static
// holds a JavaScript value, so each worker thread has an addon of its own.
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "bridge/arguments.h"
#include "bridge/convert.h"
#include "bridge/promise_worker.h"
#include "common/handles.h"
#include "common/result.h"
#include "net/module_events.h"
#include "proc/kernel_log.h"
#include "proc/loaded_table.h"
#include "proc/sys_module.h"
#include "proc/text_file.h"
#include "process/helper_process.h"

namespace kmod::bridge {
namespace {

using SharedLog = std::shared_ptr<KernelLog>;
constexpr napi_type_tag kLogTag = {0x6b6d6f642d6c6f67, 0x8f1d0f7ae3f94c51};

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

using Texts = std::vector<Result<std::string>>;

Napi::Value ToTexts(Napi::Env env, Texts& texts) {
  Napi::Array array = Napi::Array::New(env, texts.size());
  for (uint32_t i = 0; i < texts.size(); ++i) {
    array.Set(i, texts[i].ok() ? Napi::Value(Napi::String::New(env, *texts[i]))
                               : ToFailure(env, texts[i].failure()));
  }
  return array;
}

// readFiles(paths): Promise<(string | failure)[]>
Napi::Value ReadFiles(const Napi::CallbackInfo& info) {
  const std::vector<std::string> paths = TakeStrings(info, 0);
  return PromiseWorker<Texts>::Run(
      info.Env(), "kmod:files",
      [paths]() -> Result<Texts> {
        constexpr size_t kLimit = 16 * 1024 * 1024;
        Texts texts;
        for (const std::string& path : paths) texts.push_back(ReadTextFile(path, kLimit));
        return texts;
      },
      ToTexts);
}

// readLinks(paths): Promise<(string | failure)[]>
Napi::Value ReadLinks(const Napi::CallbackInfo& info) {
  const std::vector<std::string> paths = TakeStrings(info, 0);
  return PromiseWorker<Texts>::Run(
      info.Env(), "kmod:links",
      [paths]() -> Result<Texts> {
        Texts targets;
        for (const std::string& path : paths) targets.push_back(ReadLinkTarget(path));
        return targets;
      },
      ToTexts);
}

// A descriptor that JavaScript hands over; -1 if it is absent.
UniqueFd TakeDescriptor(const Napi::CallbackInfo& info, size_t index) {
  if (info.Length() <= index || info[index].IsUndefined()) return UniqueFd();
  if (!info[index].IsNumber()) throw Napi::TypeError::New(info.Env(), "not a descriptor");
  return UniqueFd(info[index].As<Napi::Number>().Int32Value());
}

// openModuleEvents(): a descriptor | failure. At once: what the kernel reports from now on waits in
// the socket.
Napi::Value OpenEvents(const Napi::CallbackInfo& info) {
  Result<UniqueFd> opened = OpenModuleEvents();
  if (!opened.ok()) return ToFailure(info.Env(), opened.failure());
  return Napi::Number::New(info.Env(), opened->release());
}

// spawnHelper(path, role, descriptor?): Promise<{ pid, socket } | failure>. Takes the descriptor
// over, and gives it to the helper.
Napi::Value StartHelper(const Napi::CallbackInfo& info) {
  const std::string path = TakePath(info, 0);
  const std::string role = TakePath(info, 1);
  const auto inherited = std::make_shared<UniqueFd>(TakeDescriptor(info, 2));
  return PromiseWorker<HelperProcess>::Run(
      info.Env(), "kmod:helper",
      [path, role, inherited] { return SpawnHelper(path, role, inherited->get()); },
      [](Napi::Env env, HelperProcess& helper) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("pid", helper.pid);
        // If the environment is torn down before this, ~UniqueFd closes the socket and the helper
        // ends.
        object.Set("socket", helper.socket.release());
        return object;
      });
}

// reapHelpers(): void
void Reap(const Napi::CallbackInfo& /*info*/) {
  ReapHelpers();
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
        auto external = Napi::External<SharedLog>::New(
            env, new SharedLog(std::move(log)), [](Napi::Env, SharedLog* owned) { delete owned; });
        external.TypeTag(&kLogTag);
        return external;
      });
}

SharedLog* TakeLog(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsExternal()) {
    throw Napi::TypeError::New(info.Env(), "not a kernel log");
  }
  const auto external = info[0].As<Napi::External<SharedLog>>();
  if (!external.CheckTypeTag(&kLogTag)) {
    throw Napi::TypeError::New(info.Env(), "not a kernel log");
  }
  return external.Data();
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
  exports.Set("readFiles", Napi::Function::New<ReadFiles>(env, "readFiles"));
  exports.Set("readLinks", Napi::Function::New<ReadLinks>(env, "readLinks"));
  exports.Set("openModuleEvents", Napi::Function::New<OpenEvents>(env, "openModuleEvents"));
  exports.Set("spawnHelper", Napi::Function::New<StartHelper>(env, "spawnHelper"));
  exports.Set("reapHelpers", Napi::Function::New<Reap>(env, "reapHelpers"));
  exports.Set("openLog", Napi::Function::New<OpenLog>(env, "openLog"));
  exports.Set("readLog", Napi::Function::New<ReadLog>(env, "readLog"));
  exports.Set("closeLog", Napi::Function::New<CloseLog>(env, "closeLog"));
  return exports;
}

}  // namespace
}  // namespace kmod::bridge

static Napi::Object InitKmod(Napi::Env env, Napi::Object exports) {
  return kmod::bridge::Init(env, exports);
}
NODE_API_MODULE(kmod, InitKmod)
