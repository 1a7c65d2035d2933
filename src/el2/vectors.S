// SPDX-License-Identifier: Apache-2.0
// The exception vectors of EL2, and the way back into a guest.
//
// While a guest runs, SP_EL2 points at its CpuFrame, which is the top of the vCPU's EL2 stack.
// Interrupts stay masked from entry to ERET. Every instruction between entry and ERET is paid on
// every exit: nothing is done here that can be done where it is needed.
//
// Hardening against branch predictor attacks by a guest (Spectre v2, BHB): the CPUs that need it
// have their sequence run between `save_frame` and the call, chosen by installing another copy of
// this table (VBAR_EL2 is per CPU). No such table is built yet; see docs/design/el2.md.
#include "el2/layout.h"

	.macro	save_frame with_syndrome
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x1, elr_el2
	mrs	x2, spsr_el2
	.if \with_syndrome
	mrs	x3, esr_el2
	.endif
	stp	x30, x1, [sp, #SOCLE_FRAME_X30]
	.if \with_syndrome
	stp	x2, x3, [sp, #SOCLE_FRAME_PSTATE]
	.else
	str	x2, [sp, #SOCLE_FRAME_PSTATE]
	.endif
	mov	x0, sp
	.endm

	.macro	from_guest function, with_syndrome=0
	.balign	128
	save_frame \with_syndrome
	bl	\function
	b	return_to_guest
	.endm

	// An exception of Socle itself. SP may be the reason, so it is not used: the registers go to
	// the top of this CPU's crash stack. The guest's SP_EL0 is lost.
	.macro	from_socle number
	.balign	128
	msr	sp_el0, x0
	mrs	x0, tpidr_el2
	sub	x0, x0, #SOCLE_EXCEPTION_SIZE
	stp	x2, x3, [x0, #16]
	mov	x2, sp
	mov	x3, #\number
	b	own_exception
	.endm

	// Text and frame are the same pages in both, of the same size; what lies under another entry is
	// not touched before the old one is gone from the TLB.
	.macro	switch_tables to
	dsb	ish
	msr	ttbr0_el2, \to
	isb
	tlbi	alle2
	dsb	nsh
	isb
	.endm

	.section ".text.vectors", "ax"
	.balign	2048
	.global	socle_vectors
socle_vectors:
	from_socle 0
	from_socle 1
	from_socle 2
	from_socle 3
	from_socle 4
	from_socle 5
	from_socle 6
	from_socle 7
	from_guest socle_guest_sync_exit, 1
	from_guest socle_guest_irq_exit
	from_guest socle_guest_irq_exit
	from_guest socle_guest_serror_exit, 1
	// From AArch32: the same work; SPSR_EL2.M[4] in the frame says where it came from.
	from_guest socle_guest_sync_exit, 1
	from_guest socle_guest_irq_exit
	from_guest socle_guest_irq_exit
	from_guest socle_guest_serror_exit, 1
	.balign	128
	.global	socle_vectors_end
socle_vectors_end:

	// While firmware runs (el2/firmware_call.h) any exception ends its call. No more than the text
	// and the frame is mapped then, and none of firmware's registers is needed. What comes from a
	// guest cannot come: the second half of the table is other code.
firmware_vectors:
	.set	vector, 0
	.rept	8
	.balign	128
	mov	x1, #vector
	b	firmware_ended
	.set	vector, vector + 1
	.endr

	// void socle_firmware_call(FirmwareFrame*)
	.global	socle_firmware_call
	.type	socle_firmware_call, %function
socle_firmware_call:
	bti	c
	stp	x19, x20, [x0, #0]
	stp	x21, x22, [x0, #16]
	stp	x23, x24, [x0, #32]
	stp	x25, x26, [x0, #48]
	stp	x27, x28, [x0, #64]
	stp	x29, x30, [x0, #80]
	mov	x1, sp
	mrs	x2, sp_el0
	stp	x1, x2, [x0, #SOCLE_FIRMWARE_SP]
	mrs	x1, tpidr_el2
	mrs	x2, vbar_el2
	stp	x1, x2, [x0, #SOCLE_FIRMWARE_TPIDR]
	mrs	x1, ttbr0_el2
	str	x1, [x0, #SOCLE_FIRMWARE_SOCLE_TABLES]
	ldp	x1, x2, [x0, #SOCLE_FIRMWARE_TABLES]
	adr	x3, firmware_vectors
	msr	vbar_el2, x3
	switch_tables x1
	mov	sp, x2
	mov	x29, xzr
	ldp	x3, x4, [x0, #SOCLE_FIRMWARE_ARGUMENTS + 24]
	ldp	x9, x10, [x0, #SOCLE_FIRMWARE_FUNCTION]
	ldp	x1, x2, [x0, #SOCLE_FIRMWARE_ARGUMENTS + 8]
	ldr	x0, [x0, #SOCLE_FIRMWARE_ARGUMENTS]
	msr	daif, x10
	blr	x9
	mov	x1, #-1
firmware_ended:
	msr	daifset, #0xf
	msr	spsel, #1
	adrp	x9, socle_firmware_frame
	stp	x0, x1, [x9, #SOCLE_FIRMWARE_STATUS]
	mrs	x0, esr_el2
	mrs	x1, far_el2
	mrs	x2, elr_el2
	stp	x0, x1, [x9, #SOCLE_FIRMWARE_SYNDROME]
	str	x2, [x9, #SOCLE_FIRMWARE_SYNDROME + 16]
	ldr	x1, [x9, #SOCLE_FIRMWARE_SOCLE_TABLES]
	switch_tables x1
	ldp	x1, x2, [x9, #SOCLE_FIRMWARE_TPIDR]
	msr	tpidr_el2, x1
	msr	vbar_el2, x2
	ldp	x1, x2, [x9, #SOCLE_FIRMWARE_SP]
	mov	sp, x1
	msr	sp_el0, x2
	isb
	ldp	x19, x20, [x9, #0]
	ldp	x21, x22, [x9, #16]
	ldp	x23, x24, [x9, #32]
	ldp	x25, x26, [x9, #48]
	ldp	x27, x28, [x9, #64]
	ldp	x29, x30, [x9, #80]
	ret

	.type	return_to_guest, %function
return_to_guest:
	ldr	x0, [sp, #SOCLE_FRAME_PENDING_WORK]
	ldr	w0, [x0]
	cbnz	w0, 2f
1:	ldp	x30, x0, [sp, #SOCLE_FRAME_X30]
	ldr	x1, [sp, #SOCLE_FRAME_PSTATE]
	msr	elr_el2, x0
	msr	spsr_el2, x1
	ldp	x28, x29, [sp, #224]
	ldp	x26, x27, [sp, #208]
	ldp	x24, x25, [sp, #192]
	ldp	x22, x23, [sp, #176]
	ldp	x20, x21, [sp, #160]
	ldp	x18, x19, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp, #0]
	eret
	// Not executed; keeps speculation from running past the ERET.
	dsb	nsh
	isb
2:	mov	x0, sp
	bl	socle_guest_entry_work
	b	1b
	.global	socle_return_to_guest_end
socle_return_to_guest_end:

	// [[noreturn]] void socle_enter_guest(CpuFrame*)
	.global	socle_enter_guest
	.type	socle_enter_guest, %function
socle_enter_guest:
	bti	c
	mov	sp, x0
	b	return_to_guest

	// x0 ExceptionRegisters, x2 SP, x3 vector; x2 and x3 are saved, x0 is in SP_EL0
	.type	own_exception, %function
own_exception:
	mov	sp, x0
	str	x1, [sp, #8]
	mrs	x1, sp_el0
	str	x1, [sp, #0]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	stp	x30, x2, [sp, #SOCLE_EXCEPTION_X30]
	mrs	x4, elr_el2
	mrs	x5, spsr_el2
	stp	x4, x5, [sp, #SOCLE_EXCEPTION_PC]
	mrs	x4, esr_el2
	mrs	x5, far_el2
	stp	x4, x5, [sp, #SOCLE_EXCEPTION_ESR]
	mov	x0, sp
	mov	x1, x3
	bl	socle_own_exception
	// It was expected (el2/probe.h): go on where the registers say.
	ldp	x4, x5, [sp, #SOCLE_EXCEPTION_PC]
	msr	elr_el2, x4
	msr	spsr_el2, x5
	ldp	x30, x1, [sp, #SOCLE_EXCEPTION_X30]
	mov	x0, sp
	mov	sp, x1
	ldp	x28, x29, [x0, #224]
	ldp	x26, x27, [x0, #208]
	ldp	x24, x25, [x0, #192]
	ldp	x22, x23, [x0, #176]
	ldp	x20, x21, [x0, #160]
	ldp	x18, x19, [x0, #144]
	ldp	x16, x17, [x0, #128]
	ldp	x14, x15, [x0, #112]
	ldp	x12, x13, [x0, #96]
	ldp	x10, x11, [x0, #80]
	ldp	x8, x9, [x0, #64]
	ldp	x6, x7, [x0, #48]
	ldp	x4, x5, [x0, #32]
	ldp	x2, x3, [x0, #16]
	ldp	x0, x1, [x0, #0]
	eret
	dsb	nsh
	isb
