// SPDX-License-Identifier: Apache-2.0
#include "el2/layout.h"

	.text
	// bool socle_probe(void (*action)(), std::uint64_t kept[SOCLE_PROBE_WORDS])
	// Keeps x19 to x30 and SP in `kept`; the exception handler puts them back to return false.
	.global	socle_probe
	.type	socle_probe, %function
socle_probe:
	bti	c
	mov	x9, sp
	stp	x19, x20, [x1, #0]
	stp	x21, x22, [x1, #16]
	stp	x23, x24, [x1, #32]
	stp	x25, x26, [x1, #48]
	stp	x27, x28, [x1, #64]
	stp	x29, x30, [x1, #80]
	str	x9, [x1, #96]
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	blr	x0
	ldp	x29, x30, [sp], #16
	mov	w0, #1
	ret
