// The answer of the role "survey". lib/live/helper/survey.ts and survey-network.ts are the other
// end.
#pragma once

#include "fields.h"
#include "system_survey.h"

namespace kmod {

// done, then records, each kind with its number first:
//   mount tables, links, default routes, addresses, network files, traffic control, tables of
//   nftables, tables of iptables, sets of ipset, counts of IPsec, open devices, open
//   sockets
// then the list of the cgroups of the caller and its ancestors, a flag (whether the open files of
// all processes were read) and the list of what could not be read.
Reply SurveyReply(const SystemSurvey& survey);

}  // namespace kmod
