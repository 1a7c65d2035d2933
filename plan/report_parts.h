// SPDX-License-Identifier: Apache-2.0
#pragma once

// The parts of make_report(), by subject.

#include "plan/report.h"

namespace socle::plan {

// The path of a node; empty for none.
std::string path_of(const Board& board, fw::dt::NodeId id);
// The path, or the name of what has no node (ACPI).
std::string place_of(const Board& board, fw::dt::NodeId id, std::string_view name);
const char* trigger_name(platform::Trigger trigger);  // empty for unknown

PlatformFacts read_platform_facts(const Board& board);  // board.platform is there
void read_acpi_facts(const Board& board, PlatformFacts& out);
DomainFacts read_domain_facts(const Board& board);  // board.plan is there

}  // namespace socle::plan
