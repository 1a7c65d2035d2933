// SPDX-License-Identifier: Apache-2.0
#pragma once

// Private to this room: the part of platform_op that asks UEFI's runtime services.

#include "abi/errno.h"
#include "abi/platform.h"
#include "hypercall/call.h"

namespace socle::hypercall {

// Fills in the answer. kENOSYS: there are no runtime services, or not this one; kEOPNOTSUPP:
// firmware took an exception; kEINVAL: unknown flags; kE2BIG: a name of more than 511 characters or
// more than 64 KiB to be written; kEFAULT. Takes no lock that a caller may hold: call with none.
abi::Status<> efi_runtime_call(Vcpu& caller, ::xenpf_efi_runtime_call& request);

}  // namespace socle::hypercall
