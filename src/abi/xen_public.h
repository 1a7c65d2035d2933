// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one place that includes Xen's public headers (package libxen-dev, MIT licence): the flavour
// that the hypervisor itself uses (__XEN__), for 64-bit Arm, whatever machine the tests run on.
// Everybody else includes the typed views beside this file.
//
// The public headers choose the architecture by the compiler's predefined macros. Host programs
// run on other machines, so the choice is made here for the length of these includes; the layouts
// depend only on LP64, which static_asserts in the views prove.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static_assert(sizeof(long) == 8 && sizeof(void*) == 8, "the ABI views are for LP64");

#pragma push_macro("__x86_64__")
#pragma push_macro("__aarch64__")
#undef __x86_64__
#undef __aarch64__
#define __aarch64__ 1
#define __XEN__ 1

#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/xen.h>

#undef __XEN__
#undef __aarch64__
#pragma pop_macro("__aarch64__")
#pragma pop_macro("__x86_64__")
