#include "queries.h"

#include <sys/resource.h>

#include <cerrno>
#include <list>
#include <memory>

#include "../libkmod/module_index.h"
#include "../process/channel.h"
#include "quiet.h"
#include "reply.h"
#include "source.h"

namespace kmod {
namespace {

// The indexes that were opened last, most recent first.
class OpenIndexes {
 public:
  Result<ModuleIndex*> Get(const IndexSource& source) {
    for (auto it = indexes_.begin(); it != indexes_.end(); ++it) {
      if (!((*it)->source() == source)) continue;
      if ((*it)->IsStale()) {
        indexes_.erase(it);
        break;
      }
      indexes_.splice(indexes_.begin(), indexes_, it);
      return indexes_.front().get();
    }
    Result<std::unique_ptr<ModuleIndex>> opened = ModuleIndex::Open(source);
    if (Failed(opened)) return std::get<Failure>(std::move(opened));
    indexes_.push_front(std::get<std::unique_ptr<ModuleIndex>>(std::move(opened)));
    if (indexes_.size() > kMost) indexes_.pop_back();
    return indexes_.front().get();
  }

 private:
  static constexpr size_t kMost = 4;
  std::list<std::unique_ptr<ModuleIndex>> indexes_;
};

Reply AnswerLibrary() {
  const Result<const Libkmod*> library = Libkmod::Open();
  if (Failed(library)) return Reply::Of(std::get<Failure>(library));
  Reply reply = Reply::Done();
  reply.Put(std::get<const Libkmod*>(library)->path);
  return reply;
}

Reply AnswerLookup(ModuleIndex* index, const std::vector<std::string>& aliases) {
  Reply reply = Reply::Done();
  for (const std::string& alias : aliases) {
    const Result<std::vector<std::string>> names = index->Lookup(alias);
    if (Failed(names)) return Reply::Of(std::get<Failure>(names));
    reply.Put(std::get<std::vector<std::string>>(names));
  }
  return reply;
}

Reply AnswerFind(ModuleIndex* index, const std::vector<std::string>& names) {
  Reply reply = Reply::Done();
  reply.Put(index->HasDependencies());
  for (const std::string& name : names) {
    const Presence presence = index->Find(name);
    reply.Put(presence.path);
    reply.Put(presence.builtin);
  }
  return reply;
}

Reply AnswerPolicy(ModuleIndex* index, const std::vector<std::string>& names) {
  Reply reply = Reply::Done();
  reply.Put(index->HasDependencies());
  for (const std::string& name : names) {
    const RemovalPolicy policy = index->Policy(name);
    if (policy.IsEmpty()) continue;
    reply.Put(name);
    reply.Put(policy.remove_command);
    reply.Put(policy.soft_dependencies.pre);
    reply.Put(policy.soft_dependencies.post);
    reply.Put(policy.configured);
  }
  return reply;
}

Reply AnswerNeeds(ModuleIndex* index, const std::vector<std::string>& names) {
  Reply reply = Reply::Done();
  for (const std::string& name : names) reply.Put(index->Needs(name));
  return reply;
}

void PutDescription(Reply* reply, const ModuleDescription& description) {
  reply->Put(description.name);
  reply->Put(description.path);
  reply->Put(description.options);
  reply->Put(description.remove_command);
  reply->Put(description.install_command);
  reply->Put(description.blacklisted);
  for (const ModinfoField& field : description.fields) {
    reply->Put(field.key);
    reply->Put(field.value);
  }
}

Reply AnswerInfo(ModuleIndex* index, const std::string& name) {
  const Result<std::optional<ModuleDescription>> described = index->Describe(name);
  if (Failed(described)) return Reply::Of(std::get<Failure>(described));
  const auto& description = std::get<std::optional<ModuleDescription>>(described);
  Reply reply = Reply::Done();
  reply.Put(description.has_value());
  if (description) PutDescription(&reply, *description);
  return reply;
}

Reply AnswerFile(ModuleIndex* index, const std::string& path) {
  const Result<ModuleDescription> described = index->DescribeFile(path);
  if (Failed(described)) return Reply::Of(std::get<Failure>(described));
  Reply reply = Reply::Done();
  PutDescription(&reply, std::get<ModuleDescription>(described));
  return reply;
}

// library | lookup SOURCE ALIASES | find SOURCE NAMES | policy SOURCE NAMES | needs SOURCE NAMES
// info SOURCE NAME | file SOURCE PATH
Reply Answer(OpenIndexes* indexes, const Message& message) {
  Request request(message.strings);
  const std::string verb = request.Text();
  if (verb == "library") return AnswerLibrary();
  const IndexSource source = TakeSource(&request);
  const bool one = verb == "info" || verb == "file";
  const std::string what = one ? request.Text() : std::string();
  const std::vector<std::string> names = one ? std::vector<std::string>() : request.List();
  if (!request.ok() || !request.AtEnd()) return Reply::Of(SystemFailure(EBADMSG, "read", verb));

  const Result<ModuleIndex*> opened = indexes->Get(source);
  if (Failed(opened)) return Reply::Of(std::get<Failure>(opened));
  ModuleIndex* index = std::get<ModuleIndex*>(opened);
  if (verb == "lookup") return AnswerLookup(index, names);
  if (verb == "find") return AnswerFind(index, names);
  if (verb == "policy") return AnswerPolicy(index, names);
  if (verb == "needs") return AnswerNeeds(index, names);
  if (verb == "info") return AnswerInfo(index, what);
  if (verb == "file") return AnswerFile(index, what);
  return Reply::Of(SystemFailure(EBADMSG, "read", verb));
}

// A module file that unpacks to more than any module, or a library that gives up, must not cost the
// machine its memory or its disk.
void LimitResources() {
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
#if !defined(__SANITIZE_ADDRESS__)  // which reserves terabytes of addresses for itself
  constexpr rlim_t kMemory = 1024UL * 1024 * 1024;
  const rlimit memory = {kMemory, kMemory};
  setrlimit(RLIMIT_AS, &memory);
#endif
}

}  // namespace

int ServeQueries(int socket) {
  LimitResources();
  StderrLog said;
  Channel channel(socket);
  OpenIndexes indexes;
  Message message;
  bool broken = false;
  while (channel.Fill()) {
    while (channel.Next(&message, &broken)) {
      channel.Send({message.id, Answer(&indexes, message).Take()});
      said.Take();
    }
    if (broken) return 76;
  }
  return 0;
}

}  // namespace kmod
