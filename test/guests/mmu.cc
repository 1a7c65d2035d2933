// SPDX-License-Identifier: Apache-2.0
#include "mmu.h"

// NOLINTBEGIN(readability-identifier-naming): the linker script's names
extern "C" const std::uint8_t _head[];
extern "C" const std::uint8_t _bss_end[];
// NOLINTEND(readability-identifier-naming)

namespace guest::mmu {
namespace {

// 4 KiB pages, 39 bits of virtual address: three levels.
constexpr unsigned kEntries = 512;
constexpr std::uint64_t kPageSize = 4096;
constexpr std::uint64_t kUpperAttributes = 0;  // executable
constexpr std::uint64_t kValidPage = 3;        // or table
constexpr std::uint64_t kAccessed = 1 << 10;
constexpr std::uint64_t kInnerShareable = 3 << 8;
constexpr std::uint64_t kAddress = 0x0000'ffff'ffff'f000;
constexpr std::uint64_t kMair = 0xff'44'0c'04'00;
// T0SZ = 25, write-back tables, inner shareable, TTBR1 not walked.
constexpr std::uint64_t kTcr = 25 | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 23;
// Where map() puts things; nothing of a machine lies there that the guest uses at its own address.
constexpr std::uint64_t kAliases = 0x70'0000'0000;

struct alignas(kPageSize) Table {
  std::uint64_t entries[kEntries];
};
// Where show() puts its pages, 2 MiB for each slot.
constexpr std::uint64_t kWindows = 0x78'0000'0000;
constexpr std::uint64_t kWindowStep = 0x20'0000;

constinit Table root = {};
constinit Table spare[16] = {};
constinit unsigned spare_used = 0;
constinit std::uint64_t aliases_used = 0;

std::uint64_t* next_table(std::uint64_t& entry) {
  if (entry == 0) {
    if (spare_used == sizeof spare / sizeof spare[0]) fail("no table left");
    entry = reinterpret_cast<std::uint64_t>(&spare[spare_used++]) | kValidPage;
  }
  return reinterpret_cast<std::uint64_t*>(entry & kAddress);
}

void set(std::uint64_t address, std::uint64_t entry) {
  std::uint64_t* table = root.entries;
  table = next_table(table[address >> 30 & 511]);
  table = next_table(table[address >> 21 & 511]);
  table[address >> 12 & 511] = entry;
}

std::uint64_t page(std::uint64_t physical, Type type) {
  return (physical & kAddress) | kUpperAttributes |
         std::uint64_t{static_cast<unsigned>(type)} << 2 | kInnerShareable | kAccessed | kValidPage;
}

void map_here(std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t at = begin & ~(kPageSize - 1); at < end; at += kPageSize)
    set(at, page(at, Type::kNormalWriteBack));
}

}  // namespace

std::string_view name_of(Type type) {
  switch (type) {
    case Type::kDeviceNGnRnE:
      return "Device-nGnRnE";
    case Type::kDeviceNGnRE:
      return "Device-nGnRE";
    case Type::kDeviceGRE:
      return "Device-GRE";
    case Type::kNormalNonCacheable:
      return "Normal-NC";
    case Type::kNormalWriteBack:
      return "Normal-WB";
  }
  __builtin_unreachable();
}

void turn_on(const Tree& tree) {
  map_here(reinterpret_cast<std::uint64_t>(_head), reinterpret_cast<std::uint64_t>(_bss_end));
  map_here(tree.address(), tree.address() + tree.size());
  turn_on_here();
}

void turn_on_here() {
  std::uint64_t features;
  asm volatile("mrs %0, id_aa64mmfr0_el1" : "=r"(features));
  asm volatile(
      "dsb sy\n"
      "msr mair_el1, %0\n"
      "msr tcr_el1, %1\n"
      "msr ttbr0_el1, %2\n"
      "isb\n"
      "tlbi vmalle1\n"
      "ic iallu\n"
      "dsb sy\n"
      "isb\n" ::"r"(kMair),
      "r"(kTcr | (features & 7) << 32), "r"(root.entries)
      : "memory");
  std::uint64_t control;
  asm volatile("mrs %0, sctlr_el1" : "=r"(control));
  control &= ~(std::uint64_t{1} << 1 | std::uint64_t{1} << 19);                       // A, WXN
  control |= std::uint64_t{1} << 0 | std::uint64_t{1} << 2 | std::uint64_t{1} << 12;  // M, C, I
  asm volatile("msr sctlr_el1, %0\n isb" ::"r"(control) : "memory");
}

std::uint64_t map(std::uint64_t physical, Type type) {
  const std::uint64_t address = kAliases + kPageSize * aliases_used++;
  set(address, page(physical, type));
  asm volatile("dsb ishst\n isb" ::: "memory");
  return address | (physical & (kPageSize - 1));
}

std::uint64_t show(unsigned slot, std::uint64_t physical, Type type, bool as_table) {
  const std::uint64_t address = kWindows + kWindowStep * slot;
  std::uint64_t* const middle = next_table(root.entries[address >> 30 & 511]);
  std::uint64_t& entry = middle[address >> 21 & 511];
  static constinit Table leaves[8] = {};
  leaves[slot].entries[0] = page(physical, type);
  entry = (as_table ? physical & kAddress : reinterpret_cast<std::uint64_t>(&leaves[slot])) |
          kValidPage;
  asm volatile("dsb ishst\n tlbi vaae1is, %0\n dsb ish\n isb" ::"r"(address >> 12) : "memory");
  return address | (physical & (kPageSize - 1));
}

void forget() {
  for (std::uint64_t i = 0; i < aliases_used; ++i)
    set(kAliases + kPageSize * i, 0);
  aliases_used = 0;
  asm volatile("dsb ishst\n tlbi vmalle1is\n dsb ish\n isb" ::: "memory");
}

}  // namespace guest::mmu
