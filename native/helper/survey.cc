#include "conversation.h"
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

int ServeSurvey(int socket) {
  return AnswerRequests(socket, Answer);
}

}  // namespace kmod
