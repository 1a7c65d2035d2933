// SPDX-License-Identifier: Apache-2.0
#pragma once

// Unpacks a gzip'd boot module, with zlib, from memory that is not Socle's to memory that is not
// Socle's (through windows, frame by frame). At boot only: Debian's zlib uses SIMD registers.
//
// Every byte of the source is hostile: what is written never passes the end of the target, and a
// stream that ends early, is corrupt or fails its checksum is refused.
// Source: RFC 1952; zlib.h.

#include <cstdint>

#include "base/range.h"
#include "base/result.h"
#include "fw/arena.h"
#include "fw/boot_phase.h"
#include "fw/diagnostics.h"

namespace socle::hwdom {

// The size that the file's last four bytes claim (modulo 4 GiB): what to make room for. kInvalid if
// the source is too short to be a gzip file.
Result<std::uint64_t> claimed_unpacked_size(const PaRange& source);

// Unpacks `source` to the beginning of `target`, which starts at a frame and does not overlap it.
// Returns the bytes written. kCorrupt, kTooLarge (the target is too small), kNoMemory (about 48 KiB
// of `arena`, given back), each with a line in `notes`.
Result<std::uint64_t> unpack_gzip(const PaRange& source, const PaRange& target, fw::Arena& arena,
                                  const fw::BootPhase& phase, fw::Diagnostics& notes);

}  // namespace socle::hwdom
