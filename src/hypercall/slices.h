// SPDX-License-Identifier: Apache-2.0
#pragma once

// Long lists of frames are served in slices. A slice is read from the guest, its changes of the map
// are made in one AddressSpace::Batch, so that TLBs are told once, and then it is answered. Private
// to this room.

#include <cstddef>

namespace socle::hypercall {

// The most requests in a slice: what a call does between two looks at pending interrupts.
inline constexpr std::size_t kSlice = 32;

}  // namespace socle::hypercall
