// SPDX-License-Identifier: Apache-2.0
#pragma once

// Numbers that assembler and C++ share. Preprocessor constants because the assembler has nothing
// else; el2/ checks each of them against the C++ type with static_assert (layout_check.cc).

// A CPU's block, ascending: guard page (boot CPU), crash stack, thread control block of 16 bytes
// at TPIDR_EL2, thread-local data. The crash stack ends where TPIDR_EL2 points.
#define SOCLE_CRASH_STACK_SIZE 0x2000
#define SOCLE_TCB_SIZE 16
#define SOCLE_TLS_ROOM 0x1000
#define SOCLE_CPU_BLOCK_SIZE (SOCLE_CRASH_STACK_SIZE + SOCLE_TLS_ROOM)

#define SOCLE_BOOT_STACK_SIZE 0x8000

// guest::CpuFrame
#define SOCLE_FRAME_X30 240
#define SOCLE_FRAME_PC 248
#define SOCLE_FRAME_PSTATE 256
#define SOCLE_FRAME_ESR 264
#define SOCLE_FRAME_PENDING_WORK 272
#define SOCLE_FRAME_SIZE 288

// el2::ExceptionRegisters
#define SOCLE_EXCEPTION_X30 240
#define SOCLE_EXCEPTION_SP 248
#define SOCLE_EXCEPTION_PC 256
#define SOCLE_EXCEPTION_PSTATE 264
#define SOCLE_EXCEPTION_ESR 272
#define SOCLE_EXCEPTION_FAR 280
#define SOCLE_EXCEPTION_SIZE 288

// el2::Regime
#define SOCLE_REGIME_MAIR 0
#define SOCLE_REGIME_TCR 8
#define SOCLE_REGIME_TTBR 16
#define SOCLE_REGIME_SCTLR 24

// el2::FirmwareFrame: x19 to x30 come first
#define SOCLE_FIRMWARE_SP 96
#define SOCLE_FIRMWARE_TPIDR 112
#define SOCLE_FIRMWARE_SOCLE_TABLES 128
#define SOCLE_FIRMWARE_TABLES 136
#define SOCLE_FIRMWARE_ARGUMENTS 152
#define SOCLE_FIRMWARE_FUNCTION 192
#define SOCLE_FIRMWARE_MASKED 200
#define SOCLE_FIRMWARE_STATUS 208
#define SOCLE_FIRMWARE_SYNDROME 224

// el2::BootProblem
#define SOCLE_PROBLEM_EXCEPTION_LEVEL 1
#define SOCLE_PROBLEM_HOST_EXTENSIONS 2
#define SOCLE_PROBLEM_TABLES 3

// SCTLR_EL2 with everything off, HCR_EL2 with only RW (EL1 is AArch64), CPTR_EL2 with all traps on:
// Socle uses no FP, SIMD, SVE or SME (but see image/boot_phase.h).
#define SOCLE_SCTLR_OFF 0x30c50830
#define SOCLE_HCR_HOST 0x80000000
#define SOCLE_CPTR_CLOSED 0x37ff
