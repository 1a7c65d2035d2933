// SPDX-License-Identifier: Apache-2.0
#pragma once

// The registers of a device in a guest's partial device tree: Xen's property "xen,reg", triplets of
// <machine address, size, guest address> in the cells of the node's parent; and beside it ours,
// "socle,memory-type": strings, one for each triplet or one for all.
//
//   passthrough {
//     #address-cells = <2>; #size-cells = <2>;
//     display@10000000 {
//       xen,reg = <0x0 0xfd4a0000 0x0 0x1000 0x0 0x10000000>,
//                 <0x8 0x80000000 0x0 0x800000 0x8 0x80000000>;
//       socle,memory-type = "device-ngnre", "normal-nc";
//     };
//   };
//
// The tree is the administrator's and may be anything: nothing is rounded or guessed.
// Source: Xen, docs/misc/arm/passthrough.txt.

#include <cstddef>
#include <span>
#include <string_view>

#include "base/range.h"
#include "fw/dt/tree.h"

namespace socle::fw::dt {

struct PassedThroughRegion {
  MfnRange machine;
  Gfn guest;
  std::string_view memory_type;  // one of the names; empty: none given, the default
};

inline constexpr std::size_t kMaxPassedThroughRegions = 64;

// `type_names`: those that mean something (policy::requested_type_names()). An empty list without
// either property.
// Errors, each with a line that names node, property and value: kCorrupt (the size of the property,
// a string without end), kInvalid (no whole pages, size 0, an unknown type, as many types as
// neither one nor triplets, regions that overlap, types without regions), kOutOfRange (beyond 64
// bits), kTooLarge (more than kMaxPassedThroughRegions), kUnsupported (cells of the parent).
Result<std::span<const PassedThroughRegion>> passed_through_regions(
    const Node& node, std::span<const std::string_view> type_names, Arena& arena);

}  // namespace socle::fw::dt
