// The part of the survey's answer that is about network namespaces.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "../net/net_namespace.h"
#include "reply.h"

namespace kmod {

struct LabelledNetwork {
  std::optional<std::string> label;  // nothing: the own namespace
  NetContents contents;
};

// lib/helper/survey-network.ts takes it apart.
void PutNetworks(const std::vector<LabelledNetwork>& networks, Reply* reply);

}  // namespace kmod
