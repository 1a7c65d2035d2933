// SPDX-License-Identifier: Apache-2.0
#pragma once

// Socle's own address space: the stage-1 tables of EL2, shared by all CPUs.
//
//   [0, kPrivateArea)   identity: VA == PA. Only what Socle needs is there: its image (text RX,
//                       read-only data RO, data RW; nothing both writable and executable), the
//                       device tree (RO), registers of the devices it keeps, its heap.
//   kWindowArea         per CPU the slots of port::PhysWindow
//   kStackArea          EL2 stacks, each with an unmapped guard page and more below it
//   kPersistentArea     port::persistent_map
//
// The private area is the last 512 GiB of the 48-bit space. A machine address in it cannot be
// mapped: map_identity refuses with kUnsupported and says so in the log.
//
// Entries only go from invalid to valid and back, except those of windows (port_impl), so no
// break-before-make is needed anywhere else. Any CPU may call; one lock (LockRank::kEl2Map) inside.
// Source: Arm ARM DDI 0487, D8.3 (descriptors), D8.16 (maintenance).

#include <cstddef>
#include <cstdint>

#include "base/range.h"
#include "base/result.h"
#include "base/types.h"

namespace socle::el2 {

inline constexpr std::uint64_t kPrivateArea = 0x0000'ff80'0000'0000;
inline constexpr std::uint64_t kWindowArea = kPrivateArea;
inline constexpr std::uint64_t kStackArea = kPrivateArea + kGiB;
inline constexpr std::uint64_t kPersistentArea = kPrivateArea + 2 * kGiB;

// A stack occupies the upper half of its slot; the lower half is never mapped.
inline constexpr std::uint64_t kStackSize = 16 * kKiB;
inline constexpr std::uint64_t kStackSlot = 2 * kStackSize;
inline constexpr unsigned kMaxStacks = 4 * kMaxCpus;
inline constexpr unsigned kMaxPersistentMaps = 8192;

enum class Mapping : std::uint8_t {
  kText,         // read and execute; indirect branches must land on BTI (FEAT_BTI)
  kForeignText,  // read and execute
  kReadOnly,     // Normal memory, read
  kReadWrite,    // Normal memory, read and write
  kDevice,       // Device-nGnRE, read and write
};

// Maps whole frames that hold `range`, VA == PA, in the largest blocks that fit. What is mapped
// already in the same way is left alone; kExists if it is mapped in another way, kNoMemory if no
// table is left (what was mapped so far stays), kUnsupported for an address Socle cannot map.
Result<> map_identity(const PaRange& range, Mapping mapping);

// Says where frames for tables, stacks and CPU blocks come from (tables: once the static ones are
// used up): a function that gives a zeroed frame, mapped as kReadWrite by then.
void set_frame_source(Result<Mfn> (*allocate)());

// Takes `bytes` (up to kStackSize, whole frames) from the frame source and maps them as the top of
// a slot of the stack area. Returns the address just above. Never taken back. kNoMemory: no frame
// or no slot.
Result<std::byte*> make_stack(std::uint64_t bytes = kStackSize);

// A second address space of EL2, for calls into firmware (el2/firmware_call.h): identity, and
// nothing is there but what this maps. As map_identity(); its tables are never taken back.
Result<> map_for_firmware(const PaRange& range, Mapping mapping);
// Its root for TTBR0_EL2; 0 before something is mapped.
std::uint64_t firmware_tables();

// Makes the tables for a CPU's windows: before the CPU starts. kNoMemory.
Result<> prepare_windows(CpuIndex cpu);
// On that CPU, before its first window.
void adopt_windows(CpuIndex cpu);

// What the address maps to now, or 0; for the crash dump. Takes no lock.
std::uint64_t walk(std::uint64_t address);

// True if `address` may be read without a fault (crash dump: stacks and frame records).
bool is_readable(std::uint64_t address);

// What a CPU loads to use these tables. Filled by start.S's early call; read by secondary CPUs with
// the MMU off.
struct Regime {
  std::uint64_t mair;
  std::uint64_t tcr;
  std::uint64_t ttbr;
  std::uint64_t sctlr;
};
extern "C" Regime socle_regime;

}  // namespace socle::el2
