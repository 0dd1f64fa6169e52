#include <linux/capability.h>
#include <sys/resource.h>

#include <cerrno>
#include <list>
#include <memory>
#include <utility>

#include "../libkmod/module_index.h"
#include "conversation.h"
#include "privileges.h"
#include "roles.h"

namespace kmod {
namespace {

// The indexes that were used last, the most recent first.
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
    if (!opened.ok()) return opened.failure();
    indexes_.push_front(*std::move(opened));
    if (indexes_.size() > kMost) indexes_.pop_back();
    return indexes_.front().get();
  }

 private:
  static constexpr size_t kMost = 4;
  std::list<std::unique_ptr<ModuleIndex>> indexes_;
};

// The answers. In C++, only this function knows the fields of its answer; its comment names the
// other end, a function or method in lib/live/helper/queries.ts.

// findLibrary: done PATH
Reply AnswerLibrary() {
  const Result<std::string> path = LibraryPath();
  if (!path.ok()) return Reply::Of(path.failure());
  Reply reply = Reply::Done();
  reply.Put(*path);
  return reply;
}

// lookup, needs: done, then for each name a list of modules
Reply AnswerNames(const Result<std::vector<std::vector<std::string>>>& lists) {
  if (!lists.ok()) return Reply::Of(lists.failure());
  Reply reply = Reply::Done();
  for (const std::vector<std::string>& names : *lists) reply.Put(names);
  return reply;
}

// find: done HAS_INDEX, then for each name PATH BUILTIN
Reply AnswerFind(const ModuleIndex& index, const std::vector<std::string>& names) {
  const Result<std::vector<Presence>> found = index.Find(names);
  if (!found.ok()) return Reply::Of(found.failure());
  Reply reply = Reply::Done();
  reply.Put(index.HasIndex());
  for (const Presence& presence : *found) {
    reply.Put(presence.path);
    reply.Put(presence.builtin);
  }
  return reply;
}

// policies: done HAS_INDEX, a flag and a failure if aliases could not be resolved, the number of
// load lists that could not be read and a failure for each, then for each module with a policy
//   NAME REMOVE_COMMAND PRE_SOFTDEPS POST_SOFTDEPS CONFIGURED
Reply AnswerPolicies(ModuleIndex* index, const std::vector<std::string>& names) {
  const RemovalPolicies all = index->Policies(names);
  Reply reply = Reply::Done();
  reply.Put(index->HasIndex());
  reply.Put(!all.aliases.ok());
  if (!all.aliases.ok()) reply.Put(all.aliases.failure());
  reply.Put(all.load_lists.size());
  for (const Failure& failure : all.load_lists) reply.Put(failure);
  for (const auto& [name, policy] : all.policies) {
    reply.Put(name);
    reply.Put(policy.remove_command);
    reply.Put(policy.soft_dependencies.pre);
    reply.Put(policy.soft_dependencies.post);
    reply.Put(policy.configured);
  }
  return reply;
}

// readDescription: NAME PATH OPTIONS REMOVE_COMMAND INSTALL_COMMAND BLACKLISTED, then for each
// field of modinfo KEY VALUE
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

// describe: done KNOWN, and a description if it is known
Reply AnswerInfo(const ModuleIndex& index, const std::string& name) {
  const Result<std::optional<ModuleDescription>> described = index.Describe(name);
  if (!described.ok()) return Reply::Of(described.failure());
  Reply reply = Reply::Done();
  reply.Put(described->has_value());
  if (*described) PutDescription(&reply, **described);
  return reply;
}

// describeFile: done, and a description
Reply AnswerFile(const ModuleIndex& index, const std::string& path) {
  const Result<ModuleDescription> described = index.DescribeFile(path);
  if (!described.ok()) return Reply::Of(described.failure());
  Reply reply = Reply::Done();
  PutDescription(&reply, *described);
  return reply;
}

// The requests:
//   library
//   lookup SOURCE ALIASES | find SOURCE NAMES | policy SOURCE NAMES | needs SOURCE NAMES
//   info SOURCE NAME | file SOURCE PATH
Reply Answer(OpenIndexes* indexes, Request* request) {
  const std::string& verb = request->verb();
  if (verb == "library") {
    const Result<> checked = request->Check();
    return checked.ok() ? AnswerLibrary() : Reply::Of(checked.failure());
  }
  const IndexSource source = request->Source();
  const bool has_list = verb != "info" && verb != "file";
  const std::string what = has_list ? std::string() : request->Text();
  const std::vector<std::string> names = has_list ? request->List() : std::vector<std::string>();
  if (const Result<> checked = request->Check(); !checked.ok()) {
    return Reply::Of(checked.failure());
  }

  const Result<ModuleIndex*> opened = indexes->Get(source);
  if (!opened.ok()) return Reply::Of(opened.failure());
  ModuleIndex* index = *opened;
  if (verb == "lookup") return AnswerNames(index->Resolve(names));
  if (verb == "find") return AnswerFind(*index, names);
  if (verb == "policy") return AnswerPolicies(index, names);
  if (verb == "needs") return AnswerNames(index->Needs(names));
  if (verb == "info") return AnswerInfo(*index, what);
  if (verb == "file") return AnswerFile(*index, what);
  return Reply::Of(request->Malformed());
}

void Limit(decltype(RLIMIT_CORE) resource, rlim_t most) {
  const rlimit limit = {most, most};
  setrlimit(resource, &limit);
}

// Limits the memory, because a compressed module file can unpack to gigabytes, and forbids core
// dumps, because libkmod can crash on damaged files. No answer needs a new process or a written
// file.
void LimitResources() {
  Limit(RLIMIT_CORE, 0);
  // AddressSanitizer reserves terabytes of addresses, writes its reports to files, and starts a
  // program for the names in them.
#if !defined(__SANITIZE_ADDRESS__)
  Limit(RLIMIT_AS, 1024UL * 1024 * 1024);
  Limit(RLIMIT_FSIZE, 0);
  Limit(RLIMIT_NPROC, 0);
#endif
}

}  // namespace

int ServeQueries(RequestChannel channel) {
  // libkmod parses files that other users may have written. This capability only reads, and is for
  // files that only root can read: a modprobe.d with a password, a captured system.
  BecomeUnprivileged({CAP_DAC_READ_SEARCH});
  LimitResources();
  OpenIndexes indexes;
  return AnswerRequests(std::move(channel),
                        [&indexes](Request* request) { return Answer(&indexes, request); });
}

}  // namespace kmod
