// SPDX-License-Identifier: Apache-2.0
// Headers and entry of an EFI application (Microsoft PE Format; UEFI Specification 2.10, 2.1.1, 2.3.6).
	.section ".head.text", "ax"
_head:
	.ascii	"MZ"
	.space	58
	.long	pe_header - _head
pe_header:
	.ascii	"PE\0\0"
	.short	0xaa64				// machine: arm64
	.short	2				// sections
	.long	0, 0, 0				// time stamp, no symbols
	.short	sections - optional_header
	.short	0x206				// executable, no line numbers, no debug information
optional_header:
	.short	0x20b				// PE32+
	.byte	0, 0				// linker's version
	.long	_pe_text_bytes
	.long	_pe_data_bytes
	.long	0
	.long	_pe_entry
	.long	0x1000				// base of code
	.quad	0				// image base
	.long	0x1000				// section alignment
	.long	0x200				// file alignment
	.short	0, 0, 0, 0, 0, 0		// versions of system, image, subsystem
	.long	0
	.long	_pe_image_bytes
	.long	0x1000				// headers
	.long	0				// checksum
	.short	10				// EFI application
	.short	0x100				// nothing both writable and executable is needed
	.quad	0, 0, 0, 0
	.long	0
	.long	6				// data directories, all empty: no relocations,
	.quad	0, 0, 0, 0, 0, 0		// the application does its own
sections:
	.ascii	".text\0\0\0"
	.long	_pe_text_bytes, 0x1000, _pe_text_bytes, 0x1000, 0, 0, 0
	.long	0x60000020			// code, execute, read
	.ascii	".data\0\0\0"
	.long	_pe_data_bytes, _pe_data, _pe_data_bytes, _pe_data, 0, 0, 0
	.long	0xc0000040			// data, read, write

	.text
	.global	_entry
_entry:						// x0: image's handle, x1: system table
	adrp	x2, _head
	adrp	x3, _rela_start
	add	x3, x3, :lo12:_rela_start
	adrp	x4, _rela_end
	add	x4, x4, :lo12:_rela_end
1:	cmp	x3, x4
	b.hs	2f
	ldp	x5, x6, [x3], #16		// relative ones only: place, kind
	ldr	x6, [x3], #8			// value
	add	x6, x6, x2
	str	x6, [x5, x2]
	b	1b
2:	b	application_main
