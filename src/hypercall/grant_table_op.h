// SPDX-License-Identifier: Apache-2.0
#pragma once

// The parts of grant_table_op that work on single requests of an array. Private to this room. Each
// writes its answer into the request's status.

#include "abi/grant_table.h"
#include "hypercall/call.h"

namespace socle::hypercall {

// grant_mapping.cc
void map_grant(Vcpu& caller, abi::GrantMap& request);
void unmap_grant(Vcpu& caller, abi::GrantUnmap& request);
void unmap_and_replace(Vcpu& caller, ::gnttab_unmap_and_replace& request);
// grant_copy.cc
void copy_grant(Vcpu& caller, abi::GrantCopy& request);

constexpr std::int16_t status_word(abi::GrantStatus status) {
  return static_cast<std::int16_t>(status);
}

}  // namespace socle::hypercall
