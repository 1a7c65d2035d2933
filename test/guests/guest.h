// SPDX-License-Identifier: Apache-2.0
#pragma once

// The small library that bare-metal test guests stand on. A guest is an arm64 Image that a
// hypervisor starts as its hardware domain; it runs at EL1 with the MMU off unless it turns it on
// (mmu.h), so every access is Device-nGnRnE: aligned accesses only, no exclusives. It works on
// Socle and on Xen alike, which is the point.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace guest {

// --- Hypercalls (Xen's convention: number in x16, arguments in x0..x4, HVC #0xEA1).
std::int64_t hypercall(std::uint64_t number, std::uint64_t a0 = 0, std::uint64_t a1 = 0,
                       std::uint64_t a2 = 0, std::uint64_t a3 = 0, std::uint64_t a4 = 0);
// SMCCC over HVC #0 (PSCI).
std::int64_t smccc(std::uint64_t function, std::uint64_t a1 = 0, std::uint64_t a2 = 0,
                   std::uint64_t a3 = 0);

// --- Console, by CONSOLEIO_write.
void print(std::string_view text);
void print_number(std::uint64_t value);
void print_hex(std::uint64_t value);
[[noreturn]] void power_off();
[[noreturn]] void fail(std::string_view why);

// --- Device tree, read-only and just enough: the guest trusts its hypervisor.
class Tree {
 public:
  explicit Tree(const void* blob) : blob_(static_cast<const std::uint8_t*>(blob)) {}
  struct Device {
    bool found = false;
    std::uint64_t reg[4] = {};          // address, size, address, size (two cells each)
    std::uint32_t interrupts[12] = {};  // raw cells
    bool no_memory_wc = false;
  };
  // A node whose `compatible` contains this string: the first, or the one after `skip` others.
  // Assumes two address and size cells.
  [[nodiscard]] Device find(std::string_view compatible, unsigned skip = 0) const;
  // The first property of this name, wherever it is; `length` is 0 if there is none.
  struct Property {
    const std::uint8_t* bytes = nullptr;
    std::size_t length = 0;
  };
  [[nodiscard]] Property property(std::string_view name) const;
  // A property of one or two cells; 0 if there is none.
  [[nodiscard]] std::uint64_t number(std::string_view name) const;
  [[nodiscard]] std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(blob_); }
  [[nodiscard]] std::uint64_t size() const { return word(4); }

 private:
  [[nodiscard]] std::uint32_t word(std::size_t offset) const;
  const std::uint8_t* blob_;
};

// --- Registers.
inline void write32(std::uint64_t address, std::uint32_t value) {
  asm volatile("str %w0, [%1]" ::"r"(value), "r"(address) : "memory");
}
inline void write64(std::uint64_t address, std::uint64_t value) {
  asm volatile("str %0, [%1]" ::"r"(value), "r"(address) : "memory");
}
inline std::uint32_t read32(std::uint64_t address) {
  std::uint32_t value;
  asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return value;
}
inline std::uint64_t counter() {
  std::uint64_t value;
  asm volatile("isb; mrs %0, cntvct_el0" : "=r"(value)::"memory");
  return value;
}
inline void enable_interrupts() {
  asm volatile("msr daifclr, #2" ::: "memory");
}
inline void disable_interrupts() {
  asm volatile("msr daifset, #2" ::: "memory");
}

// --- Faults that are meant to happen, of the CPU that tries.
struct Fault {
  bool taken = false;
  std::uint64_t syndrome = 0;  // ESR_EL1
  std::uint64_t address = 0;   // FAR_EL1
};
// Between these two, a synchronous exception is remembered and the guest goes on: behind the
// instruction that made it, or, if it was fetching one, at the address in x30.
void expect_fault();
Fault end_of_faults();
template <typename Try>
Fault fault_of(Try attempt) {
  expect_fault();
  attempt();
  return end_of_faults();
}

// --- Interrupts. The handler runs with interrupts masked, after the acknowledge and before the
// EOI.
using Handler = void (*)(std::uint32_t intid);
void set_handler(Handler handler);
// Brings up the distributor (once) and this CPU's redistributor and CPU interface.
void gic_init_distributor(const Tree& tree);
void gic_init_cpu(unsigned cpu);
void gic_enable(std::uint32_t intid, unsigned cpu);
std::uint64_t gic_distributor();
void gic_send_sgi(unsigned target_cpu, unsigned sgi);

// --- Other CPUs.
using CpuMain = void (*)(unsigned cpu);
void start_cpu(unsigned cpu, CpuMain main);

}  // namespace guest

// Each guest defines this. Returning powers the domain off.
void guest_main(const guest::Tree& tree);
