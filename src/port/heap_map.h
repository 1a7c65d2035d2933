// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the heap becomes visible to Socle. mem/ calls this when the heap takes another 2 MiB block;
// from then on owned_frame() works for its 512 frames. Blocks of the heap stay mapped for ever.
//
// Called on any CPU with the heap's lock (rank kHeap) held and nothing of a higher rank: the
// implementation may call mem::allocate(kOrder4K) for translation tables (a few frames are kept for
// it; take them *before* the lock of the EL2 map) and may not make the heap grow otherwise. Errors:
// kNoMemory; then nothing is mapped. Defined by el2/ (identity, Normal write-back, read-write,
// never executable) and by port/host.

#include "base/result.h"
#include "base/types.h"

namespace socle::port {

// `block` is 2 MiB-aligned.
Result<> heap_block_map(Mfn block);

}  // namespace socle::port
