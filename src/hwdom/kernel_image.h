// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a boot module that should be a kernel says about itself. Pure: looks at bytes, has no
// effects.
//
// Source: Linux Documentation/arch/arm64/booting.rst (Image header), RFC 1952 (gzip header),
// Linux drivers/firmware/efi/libstub/zboot-header.S (the "zimg" header; facts).

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "fw/diagnostics.h"
#include "hwdom/plan.h"

namespace socle::hwdom {

// Bytes from the module's start that identify_kernel() wants (fewer, if the module is shorter).
inline constexpr std::size_t kKernelHeaderBytes = 64;

enum class KernelFormat : std::uint8_t {
  kImage,  // arm64 Image, runs as it is
  kGzip,   // a gzip file: unpack, then look again
  kZboot,  // EFI zboot with a gzip payload: unpack the payload, then look again
};

struct KernelIdentity {
  KernelFormat format = KernelFormat::kImage;
  KernelImage image;                 // kImage
  std::uint64_t payload_offset = 0;  // kGzip, kZboot: where the gzip data begins in the module
  std::uint64_t payload_size = 0;
};

// Decides what `header` is the beginning of; `module_size` bounds every size it claims. kInvalid
// (with a line in `notes` that says what was found instead) if it is no kernel that an arm64 CPU
// can start.
Result<KernelIdentity> identify_kernel(std::span<const std::byte> header, std::uint64_t module_size,
                                       fw::Diagnostics& notes);

}  // namespace socle::hwdom
