// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside hwdom/plan: from overlapping regions to disjoint mappings, in O(n log n).

#include "hwdom/plan_parts.h"

namespace socle::hwdom {

// What one region of one node asks for.
struct Claim {
  MfnRange frames;
  Attributes attributes;
  NodeId node;
  bool enabled;
};

using MappingList = fw::ArenaVector<Mapping>;

// Frames of which claims want different things, and what they get.
struct Conflict {
  MfnRange frames;
  Attributes attributes;
};
using ConflictList = fw::ArenaVector<Conflict>;

// Sorts `claims` and resolves overlaps (policy::combined): the result is sorted, disjoint, and
// neighbours with the same attributes are one. `conflicts` (null: nobody asks) is sorted, too.
Result<> sweep(fw::Arena& arena, std::span<Claim> claims, MappingList& out,
               ConflictList* conflicts = nullptr);

// `from` (sorted, disjoint) without the frames of `holes` (sorted, disjoint).
Result<> cut_out(std::span<const Mapping> from, std::span<const MfnRange> holes, MappingList& out);

}  // namespace socle::hwdom
