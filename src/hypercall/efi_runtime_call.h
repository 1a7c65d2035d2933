// SPDX-License-Identifier: Apache-2.0
#pragma once

// Private to this room: the part of platform_op that asks UEFI's runtime services.

#include <cstdint>

#include "abi/platform.h"
#include "hypercall/call.h"

namespace socle::hypercall {

// Fills in the answer and writes the request back to `address`. kContinue: another vCPU is being
// served. -ENOSYS: there are no runtime services, or not this one; -EINVAL: unknown flags; -E2BIG:
// a name of more than 511 characters or more than 64 KiB to be written; -EFAULT. Call with no lock.
std::int64_t efi_runtime_call(Vcpu& caller, guest::GuestVa address, abi::PlatformOp& request);

}  // namespace socle::hypercall
