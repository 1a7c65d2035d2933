// SPDX-License-Identifier: Apache-2.0
// From the boot loader to C++: the boot CPU by the arm64 Image protocol (Linux,
// Documentation/arch/arm64/booting.rst: x0 = device tree, MMU off, image cleaned to the point of
// coherency, any 4 KiB-aligned address) or by UEFI, the others by PSCI CPU_ON.
//
// By the first protocol, until the MMU is on, all of memory is Device-nGnRnE for this CPU: no unaligned access, no
// exclusives.
#include "el2/layout.h"

	.section ".head.text", "ax"
	.global socle_head
socle_head:
	ccmp	x18, #0, #0xd, pl		// "MZ", and harmless
	b	boot_cpu
	.quad	0				// text_offset
	.quad	socle_image_size		// with .bss
	.quad	0xa				// little endian, 4 KiB pages, anywhere
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	pe_header - socle_head

	// The same file as an EFI application (Microsoft PE Format; UEFI Specification 2.10, 2.1.1).
	// The first page holds the headers and nothing that is needed later.
pe_header:
	.ascii	"PE\0\0"
	.short	0xaa64				// machine: arm64
	.short	4				// sections
	.long	0, 0, 0				// time stamp, no symbols
	.short	sections - optional_header
	.short	0x206				// executable, no line numbers, no debug information
optional_header:
	.short	0x20b				// PE32+
	.byte	0, 0				// linker's version
	.long	socle_pe_text_bytes
	.long	socle_pe_data_memory
	.long	0
	.long	socle_pe_entry
	.long	0x1000				// base of code
	.quad	0				// image base
	.long	0x1000				// section alignment
	.long	0x200				// file alignment
	.short	0, 0, 0, 0, 0, 0		// versions of system, image, subsystem
	.long	0
	.long	socle_pe_image_bytes
	.long	0x1000				// headers
	.long	0				// checksum
	.short	10				// EFI application
	.short	0x100				// nothing both writable and executable is needed
	.quad	0, 0, 0, 0
	.long	0
	.long	6				// data directories, all empty: no relocations,
	.quad	0, 0, 0, 0, 0, 0		// the image does its own
sections:
	.ascii	".text\0\0\0"
	.long	socle_pe_text_bytes, 0x1000, socle_pe_text_bytes, 0x1000, 0, 0, 0
	.long	0x60000020			// code, execute, read
	.ascii	".rodata\0"
	.long	socle_pe_rodata_bytes, socle_pe_rodata, socle_pe_rodata_bytes, socle_pe_rodata, 0, 0, 0
	.long	0x40000040			// data, read
	.ascii	".data\0\0\0"
	.long	socle_pe_data_memory, socle_pe_data, socle_pe_data_bytes, socle_pe_data, 0, 0, 0
	.long	0xc0000040			// data, read, write
	.ascii	".sbat\0\0\0"
	.long	socle_pe_sbat_bytes, socle_pe_sbat, socle_pe_sbat_file_bytes, socle_pe_sbat_in_file, 0, 0, 0
	.long	0x40000040			// data, read

	// What shim wants to know of a program before it looks at the signature (rhboot/shim, SBAT.md):
	// component, generation, vendor, package, version, address. The generation counts holes that
	// Secure Boot must not forget.
	.section ".sbat", "a"
	.ascii	"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
	.ascii	"socle,1,Socle,socle,"
	.ascii	SOCLE_VERSION
	.ascii	",none\n"

	.section ".text.start", "ax"

	.macro	address register, symbol
	adrp	\register, \symbol
	add	\register, \register, :lo12:\symbol
	.endm

	.macro	constant register, value
	movz	\register, #((\value) & 0xffff)
	movk	\register, #(((\value) >> 16) & 0xffff), lsl #16
	.endm

	// DC \operation for every line of [\from, \to). Uses x9 to x11, changes \from.
	.macro	data_cache operation, from, to
	mrs	x9, ctr_el0
	ubfx	x9, x9, #16, #4
	mov	x10, #4
	lsl	x10, x10, x9
	sub	x11, x10, #1
	bic	\from, \from, x11
1:	cmp	\from, \to
	b.hs	2f
	dc	\operation, \from
	add	\from, \from, x10
	b	1b
2:	dsb	sy
	.endm

	// EL2 as Socle wants it, MMU off. Firmware may have left E2H or a guest's traps behind.
	.macro	el2_known_state
	constant x9, SOCLE_HCR_HOST
	msr	hcr_el2, x9
	isb
	constant x9, SOCLE_SCTLR_OFF
	msr	sctlr_el2, x9
	constant x9, SOCLE_CPTR_CLOSED
	msr	cptr_el2, x9
	msr	cnthp_ctl_el2, xzr
	msr	vttbr_el2, xzr
	isb
	.endm

	// Loads socle_regime; afterwards the MMU and caches are on.
	.macro	mmu_on
	address	x9, socle_regime
	ldp	x10, x11, [x9, #SOCLE_REGIME_MAIR]
	ldp	x12, x13, [x9, #SOCLE_REGIME_TTBR]
	msr	mair_el2, x10
	msr	tcr_el2, x11
	msr	ttbr0_el2, x12
	isb
	tlbi	alle2
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el2, x13
	isb
	.endm

// x19 device tree, x20 exception level, x21 what is wrong (0: nothing), x22 its value
boot_cpu:
	msr	daifset, #0xf
	msr	spsel, #1
	mov	x19, x0
	mrs	x20, CurrentEL
	lsr	x20, x20, #2
	mov	x21, #0
	mov	x22, #0
	cmp	x20, #2
	b.eq	3f
	mov	x21, #SOCLE_PROBLEM_EXCEPTION_LEVEL
	mov	x22, x20
	b	4f
3:	el2_known_state
	mrs	x9, hcr_el2
	tbz	x9, #34, 4f
	mov	x21, #SOCLE_PROBLEM_HOST_EXTENSIONS

	// Lines of this area that somebody left dirty must not be written back over what we store
	// below the caches.
4:	address	x4, socle_head
	address	x5, socle_image_end
	data_cache civac, x4, x5

	bl	relocate

	address	x5, socle_bss_start
	address	x6, socle_image_end
8:	cmp	x5, x6
	b.hs	9f
	stp	xzr, xzr, [x5], #16
	b	8b

	// Thread-local data of the boot CPU; what has no initial value is in .bss.
9:	address	x5, socle_tls_start
	address	x6, socle_tls_data_end
	address	x7, socle_boot_cpu_block
	add	x7, x7, #SOCLE_CRASH_STACK_SIZE
	mov	x8, x7
	add	x8, x8, #SOCLE_TCB_SIZE
10:	cmp	x5, x6
	b.hs	11f
	ldr	x9, [x5], #8
	str	x9, [x8], #8
	b	10b

11:	address	x9, socle_boot_stack_top
	mov	sp, x9
	mov	x29, xzr
	mov	x30, xzr
	cbnz	x21, refused
	msr	tpidr_el2, x7
	address	x9, socle_vectors
	msr	vbar_el2, x9
	isb

	mov	x0, x19
	bl	socle_early_map
	cbz	w0, no_tables

	// Lines that were fetched meanwhile are older than what was stored below them.
	address	x4, socle_relro_start
	address	x5, socle_image_end
	data_cache ivac, x4, x5
	mmu_on
	mov	x0, x19
	bl	socle_start
	b	.

no_tables:
	mov	x21, #SOCLE_PROBLEM_TABLES
refused:
	mov	x0, x21
	mov	x1, x22
	mov	x2, x19
	bl	socle_boot_refused
12:	wfi
	b	12b

// The image was linked at 0, or has been relocated to `relocated_to` (under firmware): add how far
// that is from here. The relocations are packed (ELF gABI, "Relative Relocation Table"): an even
// word is the place of one; an odd word says in bits 1 to 63 which of the 63 words behind the last
// place are others. Uses x4 to x12.
relocate:
	address	x4, socle_head
	address	x5, socle_relocations
	address	x6, socle_relocations_end
	address	x12, relocated_to
	ldr	x11, [x12]
	str	x4, [x12]
	sub	x11, x4, x11
5:	cmp	x5, x6
	b.hs	7f
	ldr	x7, [x5], #8
	tbnz	x7, #0, 6f
	add	x8, x7, x4
	ldr	x9, [x8]
	add	x9, x9, x11
	str	x9, [x8], #8
	b	5b
6:	mov	x10, x8
	add	x8, x8, #(63 * 8)
61:	lsr	x7, x7, #1
	cbz	x7, 5b
	tbz	x7, #0, 62f
	ldr	x9, [x10]
	add	x9, x9, x11
	str	x9, [x10]
62:	add	x10, x10, #8
	b	61b
7:	ret

// UEFI's way in (UEFI Specification 2.10, 2.3.6): x0 = image handle, x1 = system table; firmware's
// exception level, stack, vectors and identity map, caches on. Returns to firmware with a status if
// it cannot be; else boot services are over, and the rest is the Image protocol.
	.global	socle_efi_entry
socle_efi_entry:
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	str	x19, [sp, #16]
	mov	x14, x0
	mov	x15, x1
	bl	relocate
	mov	x0, x14
	mov	x1, x15
	bl	socle_efi_main			// x0: status, x1: device tree
	cbnz	x0, 8f
	msr	daifset, #0xf
	mov	x19, x1
	address	x4, socle_head
	address	x5, socle_image_end
	data_cache civac, x4, x5
	mrs	x9, sctlr_el2
	constant x10, 0x1005			// I, C, M
	bic	x9, x9, x10
	msr	sctlr_el2, x9
	isb
	mov	x0, x19
	b	boot_cpu
8:	ldr	x19, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret

	.section ".data.relocated_to", "aw"
	.balign	8
relocated_to:
	.quad	0
	.section ".text.start", "ax"

// x0: the CPU's thread control block: word 0 is its stack's top, word 1 its ticket (cpus.cc).
	.global	socle_secondary_entry
socle_secondary_entry:
	msr	daifset, #0xf
	msr	spsel, #1
	mov	x19, x0
	mrs	x9, CurrentEL
	cmp	x9, #(2 << 2)
	b.ne	13f
	el2_known_state
	mmu_on
	msr	tpidr_el2, x19
	address	x9, socle_vectors
	msr	vbar_el2, x9
	isb
	ldp	x9, x0, [x19]
	mov	sp, x9
	mov	x29, xzr
	mov	x30, xzr
	bl	socle_secondary_start
13:	wfi
	b	13b

	// Memory of the boot CPU, behind everything else in the image. The first page of each half is
	// never mapped: what runs over its stack faults there.
	.section ".boot_area", "aw", %nobits
	.balign	4096
	.space	4096
	.global	socle_boot_stack, socle_boot_stack_top
socle_boot_stack:
	.space	SOCLE_BOOT_STACK_SIZE
socle_boot_stack_top:
	.space	4096
	.global	socle_boot_cpu_block, socle_boot_cpu_block_end
socle_boot_cpu_block:
	.space	SOCLE_CPU_BLOCK_SIZE
socle_boot_cpu_block_end:

	.global	socle_tls_room
	.set	socle_tls_room, SOCLE_TLS_ROOM
