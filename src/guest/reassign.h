// SPDX-License-Identifier: Apache-2.0
#pragma once

// Device memory goes from one domain to another (2.6), in the only order that is safe:
//   unmap       the old owner's CPUs can reach it no more;
//   invalidate  no TLB and no listener (IOMMU) remembers that they could;
//   clean       nothing that the old owner wrote lies in a cache, to be written back over what the
//               new owner does, or to be seen by neither; nothing is left to be read from there;
//   reset       what the old owner's mapping was like is forgotten: the new one has the type that
//               its domain gets by default (policy::requested_device);
//   map         and only now can the new owner reach it.
//
// Callers     Toolstack operations (XEN_DOMCTL_memory_mapping and what follows). Any CPU.
// Locks       Takes those of both address spaces, one after the other, never both.
// Units       4 KiB frames, at most kMaxFrames in one call: cleaning goes line by line.
// Cost        Looks at every entry of the old owner's map, for other places with these frames.
// Visibility  When it returns, as after AddressSpace::unmap() and map().
// Errors      Nothing has changed:
//             kInvalid   both are the same domain
//             kTooLarge  more than kMaxFrames, or a range that wraps
//             kDenied    the old owner may have them mapped again whenever it wants
//                        (Domain::permitted_mmio): take that from it first
//             kNotFound  the old owner's frames there are not (all) these
//             kBusy      it has them elsewhere, too
//             kExists    the new owner has something else there
//             kOutOfRange, kNoMemory
//             A listener of the new owner that refuses last: nobody has the frames then.
// Source      Arm ARM DDI 0487, D8.14 (TLB maintenance), D7.5 (caches), B2.8 (mismatched
//             attributes).

#include "base/result.h"
#include "base/types.h"
#include "guest/domain.h"

namespace socle::guest {

struct Reassignment {
  static constexpr FrameCount kMaxFrames{4096};

  Domain& from;
  Gfn from_at;
  Domain& to;
  Gfn to_at;
  Mfn first;  // machine frames [first, first + count), nobody's RAM
  FrameCount count;
};

Result<> reassign_mmio(const Reassignment& wanted);

}  // namespace socle::guest
