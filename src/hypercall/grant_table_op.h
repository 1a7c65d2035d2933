// SPDX-License-Identifier: Apache-2.0
#pragma once

// The parts of grant_table_op that work on requests of an array, or on a slice of them (no more
// than kSlice). Private to this room. Each writes its answer into the request's status.

#include <span>

#include "abi/grant_table.h"
#include "hypercall/call.h"
#include "hypercall/slices.h"

namespace socle::hypercall {

// grant_mapping.cc
void map_grants(Vcpu& caller, std::span<abi::GrantMap> requests);
void unmap_grants(Vcpu& caller, std::span<abi::GrantUnmap> requests);
void unmap_and_replace(Vcpu& caller, ::gnttab_unmap_and_replace& request);
// grant_copy.cc
void copy_grant(Vcpu& caller, abi::GrantCopy& request);

constexpr std::int16_t status_word(abi::GrantStatus status) {
  return static_cast<std::int16_t>(status);
}

}  // namespace socle::hypercall
