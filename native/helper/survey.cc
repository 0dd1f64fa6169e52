#include <linux/capability.h>

#include <utility>

#include "conversation.h"
#include "privileges.h"
#include "roles.h"
#include "survey_reply.h"
#include "system_survey.h"

namespace kmod {
namespace {

// The only request: survey OPEN_DEVICES CALLER_PID
Reply Answer(Request* request) {
  const bool open_devices = request->Flag();
  const int caller = request->Number();
  if (const Result<> checked = request->Check(); !checked.ok()) {
    return Reply::Of(checked.failure());
  }
  if (request->verb() != "survey") return Reply::Of(request->Malformed());
  const Result<SystemSurvey> survey = SurveySystem(open_devices, caller);
  return survey.ok() ? SurveyReply(*survey) : Reply::Of(survey.failure());
}

}  // namespace

int ServeSurvey(RequestChannel channel) {
  // In this order: links, files and folders of all processes (the first two), other namespaces, and
  // the tables of the network and of its filters.
  KeepCapabilities(
      {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_NET_ADMIN});
  return AnswerRequests(std::move(channel), Answer);
}

}  // namespace kmod
