// SPDX-License-Identifier: Apache-2.0
#pragma once

// Machines that nobody built: what real trees do not have, or not together. The same seed gives the
// same machine.

#include <string>

#include "test/support/tree_builder.h"

namespace socle::test {

struct GeneratedMachine {
  TreeBuilder tree;
  std::string command_line;  // Socle's
};

void generate_machine(unsigned seed, GeneratedMachine& out);

}  // namespace socle::test
