// SPDX-License-Identifier: Apache-2.0
#include "el2/address_map.h"

#include <algorithm>
#include <atomic>

#include "base/inplace_vector.h"
#include "base/lock.h"
#include "base/log.h"
#include "el2/early_boot.h"
#include "el2/early_tree.h"
#include "el2/registers.h"
#include "hw/memory_features.h"
#include "port/heap_map.h"
#include "port/mmio.h"
#include "port/phys_window.h"

namespace socle::el2 {
namespace {

constexpr std::size_t kEntries = 512;
using Table = std::uint64_t[kEntries];

// Enough for the image, the tree or ACPI's tables (in some thirty places, each in a 2 MiB of its
// own), the console, the GIC, windows, and the first heap block.
constexpr std::size_t kStaticTables = 48;
alignas(kFrameSize) constinit Table static_tables[kStaticTables]{};

constinit SpinLock map_lock{LockRank::kEl2Map};
constinit std::size_t static_tables_used = 1;  // number 0 is the root
constinit Result<Mfn> (*frame_source)() = nullptr;
constinit InplaceVector<Mfn, 16> spare_frames;
constinit std::uint64_t* firmware_root = nullptr;
constinit unsigned stacks_used = 0;
constinit std::uint64_t persistent_used[kMaxPersistentMaps / 64]{};
constinit unsigned persistent_hint = 0;

// Tables that mapping one block or page can need below the root.
constexpr unsigned kTablesPerBlock = 3;

constexpr unsigned shift_of(int level) {
  return kFrameShift + 9 * static_cast<unsigned>(3 - level);
}
constexpr std::size_t index_at(std::uint64_t va, int level) {
  return (va >> shift_of(level)) & (kEntries - 1);
}
constexpr bool is_table(std::uint64_t value, int level) {
  return level < 3 && (value & 3) == (entry::kValid | entry::kTableOrPage);
}

// ID_AA64PFR1_EL1.BT: without FEAT_BTI the guarded bit is reserved.
bool has_branch_targets() {
  return (SOCLE_READ_REGISTER(id_aa64pfr1_el1) & 0xf) != 0;
}

std::uint64_t attributes_of(Mapping mapping) {
  const std::uint64_t common = entry::kValid | entry::kPrivilegedOnlyRes1 | entry::kAccessed;
  const std::uint64_t normal =
      common | entry::kInnerShareable | entry::memory_attribute(kMairNormal);
  switch (mapping) {
    case Mapping::kText:
      return normal | entry::kReadOnly | (has_branch_targets() ? entry::kGuarded : 0);
    case Mapping::kForeignText:
      return normal | entry::kReadOnly;
    case Mapping::kReadOnly:
      return normal | entry::kReadOnly | entry::kExecuteNever;
    case Mapping::kReadWrite:
      return normal | entry::kExecuteNever;
    case Mapping::kDevice:
      return common | entry::kExecuteNever | entry::memory_attribute(kMairDevice);
  }
  return 0;
}

// Frames for tables and stacks, taken from the source before the lock: the source's own lock ranks
// below. Called without the lock.
Result<> stock(unsigned wanted) {
  for (;;) {
    {
      const LockGuard guard(map_lock);
      if (spare_frames.size() >= wanted) return {};
      if (frame_source == nullptr) return fail(Error::kNoMemory);
    }
    const Mfn frame = TRY(frame_source());
    const LockGuard guard(map_lock);
    // Another CPU may have filled it meanwhile: then it holds more than wanted, up to its end.
    if (!spare_frames.push_back(frame)) return fail(Error::kAgain);
  }
}

Result<Mfn> new_frame() {
  if (spare_frames.empty()) return fail(Error::kNoMemory);
  const Mfn frame = spare_frames.back();
  spare_frames.truncate(spare_frames.size() - 1);
  return frame;
}

// A new empty table, zeroed. Called with the lock held, or before there is a second user.
Result<std::uint64_t*> new_table() {
  if (static_tables_used < kStaticTables) return static_tables[static_tables_used++];
  return port::owned_frame_as<std::uint64_t>(TRY(new_frame()));
}

// Runs `attempt` under the lock; if it runs out of frames, gets some and tries again. `attempt`
// may be repeated: what it did before it failed it finds done.
template <typename Attempt>
auto with_frames(unsigned at_least, Attempt attempt) -> decltype(attempt()) {
  for (;;) {
    {
      const LockGuard guard(map_lock);
      auto result = attempt();
      if (result || result.error() != Error::kNoMemory) return result;
    }
    TRY(stock(at_least));
  }
}

// The table below `slot`, made if there is none. kExists if a block is there.
Result<std::uint64_t*> descend(std::uint64_t* slot, int level) {
  if (is_table(*slot, level)) return reinterpret_cast<std::uint64_t*>(*slot & entry::kAddressMask);
  if ((*slot & entry::kValid) != 0) return fail(Error::kExists);
  std::uint64_t* const table = TRY(new_table());
  // The walker must see the zeroes before the pointer.
  asm volatile("dsb ishst" ::: "memory");
  *slot = reinterpret_cast<std::uintptr_t>(table) | entry::kValid | entry::kTableOrPage;
  return table;
}

struct Request {
  std::uint64_t* root;
  std::uint64_t va;
  std::uint64_t pa;
  std::uint64_t end;  // of va
  std::uint64_t attributes;
};

bool block_fits(const Request& request, int level) {
  const std::uint64_t size = std::uint64_t{1} << shift_of(level);
  return level == 3 || (level > 0 && is_aligned(request.va, size) && is_aligned(request.pa, size) &&
                        request.end - request.va >= size);
}

// Maps the largest block that fits at the front of `request` and moves the front behind it.
Result<> map_front(Request& request) {
  std::uint64_t* table = request.root;
  for (int level = 0;; ++level) {
    std::uint64_t* const slot = &table[index_at(request.va, level)];
    const std::uint64_t size = std::uint64_t{1} << shift_of(level);
    const std::uint64_t kind = level == 3 ? entry::kTableOrPage : 0;
    const bool is_leaf = (*slot & entry::kValid) != 0 && !is_table(*slot, level);
    if (is_leaf) {
      const std::uint64_t covered = request.va & (size - 1);
      if (*slot != ((request.pa - covered) | request.attributes | kind))
        return fail(Error::kExists);
    } else if (block_fits(request, level) && (*slot & entry::kValid) == 0) {
      *slot = request.pa | request.attributes | kind;
    } else {
      table = TRY(descend(slot, level));
      continue;
    }
    const std::uint64_t step = std::min(size - (request.va & (size - 1)), request.end - request.va);
    request.va += step;
    request.pa += step;
    return {};
  }
}

Result<> map_frames(Request request) {
  while (request.va < request.end)
    TRY(map_front(request));
  asm volatile("dsb ishst\n\tisb" ::: "memory");
  return {};
}

// The level-3 entry of an address in the private area; tables are made as needed.
Result<std::uint64_t*> page_entry(std::uint64_t va) {
  std::uint64_t* table = static_tables[0];
  for (int level = 0; level < 3; ++level)
    table = TRY(descend(&table[index_at(va, level)], level));
  return &table[index_at(va, 3)];
}

std::uint64_t window_area_of(CpuIndex cpu) {
  return kWindowArea + (std::uint64_t{index_of(cpu)} * port::kPhysWindowsPerCpu << kFrameShift);
}

// The CPU's physical address size, at most 48 bits: what TCR_EL2.PS may say with a 4 KiB granule
// and without FEAT_LPA2.
std::uint64_t physical_size_field() {
  const std::uint64_t range = SOCLE_READ_REGISTER(id_aa64mmfr0_el1) & 0xf;
  return std::min<std::uint64_t>(range, 5);
}

// Firmware names addresses that no CPU has: an access there would be an exception.
std::uint64_t end_of_addresses() {
  return std::min(kPrivateArea, std::uint64_t{1} << hw::pa_bits_of_range(physical_size_field()));
}

Result<> map_identity_unlocked(const PaRange& range, Mapping mapping,
                               std::uint64_t* root = static_tables[0]) {
  const MfnRange frames = frames_touched(range);
  // As frames: behind the last one of 2^64 is address 0.
  if (frames.end().value() > end_of_addresses() >> kFrameShift) return fail(Error::kUnsupported);
  const std::uint64_t begin = Pa(frames.begin()).value();
  return map_frames({root, begin, begin, Pa(frames.end()).value(), attributes_of(mapping)});
}

}  // namespace

extern "C" {
constinit Regime socle_regime{};
}

Result<> map_identity(const PaRange& range, Mapping mapping) {
  const Result<> result =
      with_frames(kTablesPerBlock, [&] { return map_identity_unlocked(range, mapping); });
  if (!result && result.error() == Error::kUnsupported)
    log_error("{} ends beyond {#x}, the last address that Socle can map", range,
              end_of_addresses());
  return result;
}

Result<> map_for_firmware(const PaRange& range, Mapping mapping) {
  return with_frames(1 + kTablesPerBlock, [&]() -> Result<> {
    if (firmware_root == nullptr) firmware_root = TRY(new_table());
    return map_identity_unlocked(range, mapping, firmware_root);
  });
}

std::uint64_t firmware_tables() {
  return reinterpret_cast<std::uintptr_t>(firmware_root);
}

void set_frame_source(Result<Mfn> (*allocate)()) {
  const LockGuard guard(map_lock);
  frame_source = allocate;
}

Result<std::byte*> make_stack(std::uint64_t bytes) {
  CHECK(bytes <= kStackSize && is_aligned(bytes, kFrameSize));
  const auto frames = static_cast<unsigned>(bytes >> kFrameShift);
  return with_frames(frames + kTablesPerBlock, [bytes]() -> Result<std::byte*> {
    if (stacks_used == kMaxStacks) return fail(Error::kTooLarge);
    const std::uint64_t end = kStackArea + (stacks_used + 1) * kStackSlot;
    for (std::uint64_t va = end - bytes; va < end; va += kFrameSize) {
      std::uint64_t* const page = TRY(page_entry(va));
      if (*page == 0)
        *page =
            Pa(TRY(new_frame())).value() | attributes_of(Mapping::kReadWrite) | entry::kTableOrPage;
    }
    asm volatile("dsb ishst\n\tisb" ::: "memory");
    ++stacks_used;
    return reinterpret_cast<std::byte*>(end);
  });
}

Result<> prepare_windows(CpuIndex cpu) {
  return with_frames(kTablesPerBlock, [cpu]() -> Result<> {
    TRY(page_entry(window_area_of(cpu)));
    return {};
  });
}

void adopt_windows(CpuIndex cpu) {
  const std::uint64_t first = window_area_of(cpu);
  const LockGuard guard(map_lock);
  const Result<std::uint64_t*> entries = page_entry(first);
  CHECK(entries.has_value());
  port::detail::window_bank = {.entries = *entries, .first = reinterpret_cast<std::byte*>(first)};
}

std::uint64_t walk(std::uint64_t address) {
  const std::uint64_t* table = static_tables[0];
  for (int level = 0; level <= 3; ++level) {
    const std::uint64_t value = table[index_at(address, level)];
    if (!is_table(value, level)) return (value & entry::kValid) != 0 ? value : 0;
    table = reinterpret_cast<const std::uint64_t*>(value & entry::kAddressMask);
  }
  return 0;
}

bool is_readable(std::uint64_t address) {
  if (address >> 48 != 0) return false;
  const std::uint64_t value = walk(address);
  return value != 0 && ((value >> 2) & 7) == kMairNormal;
}

// ---- Before the MMU is on -------------------------------------------------------------------

namespace {

PaRange between(const char* begin, const char* end) {
  return PaRange(Pa(reinterpret_cast<std::uintptr_t>(begin)),
                 Pa(reinterpret_cast<std::uintptr_t>(end)));
}

}  // namespace

// The image's own sections and the head of the device tree. Runs with the MMU off and this CPU
// alone: no locks, no log. The tables are in .bss, so they cannot run out here.
extern "C" bool socle_early_map(std::uint64_t tree) {
  bool ok =
      map_identity_unlocked(between(socle_text_start, socle_text_end), Mapping::kText) &&
      map_identity_unlocked(between(socle_text_end, socle_data_start), Mapping::kReadOnly) &&
      map_identity_unlocked(between(socle_data_start, socle_data_end), Mapping::kReadWrite) &&
      map_identity_unlocked(between(socle_boot_stack, socle_boot_stack_top), Mapping::kReadWrite) &&
      map_identity_unlocked(between(socle_boot_cpu_block, socle_boot_cpu_block_end),
                            Mapping::kReadWrite);
  // A tree that cannot be mapped is reported by map_tree(), once there is a console.
  if (tree != 0) {
    const auto head = PaRange::from_size(Pa(tree), EarlyTree::kHeaderBytes);
    if (head) static_cast<void>(map_identity_unlocked(*head, Mapping::kReadOnly));
  }
  socle_regime = Regime{
      .mair = kMairValue,
      .tcr = tcr::kBase | tcr::PhysicalSize::make(physical_size_field()),
      .ttbr = reinterpret_cast<std::uintptr_t>(static_tables[0]),
      .sctlr = sctlr::kRes1 | sctlr::kMmu | sctlr::kDataCache | sctlr::kStackAlignment |
               sctlr::kInstructionCache | sctlr::kWriteImpliesExecuteNever,
  };
  return ok;
}

}  // namespace socle::el2

namespace socle::port {

bool mmio_map(const PaRange& registers) {
  return el2::map_identity(registers, el2::Mapping::kDevice).has_value();
}

Result<std::byte*> persistent_map(Mfn frame) {
  return el2::with_frames(el2::kTablesPerBlock, [frame]() -> Result<std::byte*> {
    for (unsigned tried = 0; tried < el2::kMaxPersistentMaps; ++tried) {
      const unsigned slot = (el2::persistent_hint + tried) % el2::kMaxPersistentMaps;
      const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
      if ((el2::persistent_used[slot / 64] & bit) != 0) continue;
      const std::uint64_t va = el2::kPersistentArea + (std::uint64_t{slot} << kFrameShift);
      std::uint64_t* const page = TRY(el2::page_entry(va));
      *page = Pa(frame).value() | detail::kWindowAttributes;
      asm volatile("dsb ishst\n\tisb" ::: "memory");
      el2::persistent_used[slot / 64] |= bit;
      el2::persistent_hint = slot + 1;
      return reinterpret_cast<std::byte*>(va);
    }
    return fail(Error::kTooLarge);
  });
}

// No more than the two tables that a heap block can need: a gigabyte's and 512 gigabytes'.
Result<> heap_block_map(Mfn block) {
  const PaRange range(Pa(block), Pa(block + kOrder2M.count()));
  return el2::map_identity(range, el2::Mapping::kReadWrite);
}

void persistent_unmap(std::byte* address) {
  const std::uint64_t va = align_down(reinterpret_cast<std::uintptr_t>(address), kFrameSize);
  CHECK(va >= el2::kPersistentArea);
  const std::uint64_t slot = (va - el2::kPersistentArea) >> kFrameShift;
  CHECK(slot < el2::kMaxPersistentMaps);
  const LockGuard guard(el2::map_lock);
  const Result<std::uint64_t*> page = el2::page_entry(va);
  CHECK(page.has_value() && (**page & el2::entry::kValid) != 0);
  **page = 0;
  asm volatile(
      "dsb ishst\n\t"
      "tlbi vae2is, %0\n\t"
      "dsb ish\n\t"
      "isb" ::"r"(va >> kFrameShift)
      : "memory");
  el2::persistent_used[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
}

}  // namespace socle::port
