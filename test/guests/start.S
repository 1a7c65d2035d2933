// SPDX-License-Identifier: Apache-2.0
// Entry, exception vectors and secondary entry of a bare-metal test guest (EL1, MMU off at first).
	.section ".head.text", "ax"
	.global _head
_head:
	b	entry
	.long	0
	.quad	0			// text_offset
	.quad	_image_size		// image_size, .bss and stacks included
	.quad	0xa			// little endian, 4 KiB, anywhere in RAM
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

entry:
	mov	x19, x0
	adr	x1, _head		// apply the relative relocations: the image runs where it was put
	adrp	x2, _rela_start
	add	x2, x2, :lo12:_rela_start
	adrp	x3, _rela_end
	add	x3, x3, :lo12:_rela_end
1:	cmp	x2, x3
	b.hs	2f
	ldp	x4, x5, [x2], #16
	ldr	x6, [x2], #8
	add	x6, x6, x1
	str	x6, [x4, x1]
	b	1b
2:	adrp	x1, _bss_start
	add	x1, x1, :lo12:_bss_start
	adrp	x2, _bss_end
	add	x2, x2, :lo12:_bss_end
3:	cmp	x1, x2
	b.hs	4f
	stp	xzr, xzr, [x1], #16
	b	3b
4:	mov	x20, #0
	mov	x21, #0
	b	common

	.global guest_secondary_entry
guest_secondary_entry:			// x0 = CPU number
	mov	x20, x0
	mov	x21, #1
common:
	adrp	x1, _stacks
	add	x1, x1, :lo12:_stacks
	add	x2, x20, #1
	add	x1, x1, x2, lsl #14	// 16 KiB a CPU
	mov	sp, x1
	adr	x1, vectors
	msr	vbar_el1, x1
	isb
	mov	x0, x19
	mov	x1, x20
	cbnz	x21, 5f
	bl	guest_primary_main
5:	mov	x0, x20
	bl	guest_secondary_main
6:	wfi
	b	6b

	.macro	save
	sub	sp, sp, #192
	stp	x0, x1, [sp]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x30, [sp, #144]
	.endm

	.macro	restore
	ldp	x18, x30, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp]
	add	sp, sp, #192
	.endm

	.macro	slot target
	.balign	128
	b	\target
	.endm

	.balign	2048
vectors:
	slot	unexpected
	slot	unexpected
	slot	unexpected
	slot	unexpected
	slot	synchronous
	slot	irq
	slot	unexpected
	slot	unexpected
	.rept	8
	slot	unexpected
	.endr

irq:
	save
	bl	guest_interrupt
	restore
	eret

synchronous:
	save
	mrs	x0, esr_el1
	mrs	x1, elr_el1
	mrs	x2, far_el1
	mov	x3, x30
	bl	guest_synchronous
	msr	elr_el1, x0
	restore
	eret

unexpected:
	mrs	x0, esr_el1
	mrs	x1, elr_el1
	mrs	x2, far_el1
	b	guest_unexpected_exception

	.section ".bss.stacks", "aw", %nobits
	.balign	16384
_stacks:
	.space	16384 * 8
