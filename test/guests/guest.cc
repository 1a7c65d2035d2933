// SPDX-License-Identifier: Apache-2.0
#include "guest.h"

extern "C" void guest_secondary_entry();

namespace guest {
namespace {

constexpr std::uint64_t kConsoleIo = 18;
constexpr std::uint64_t kSchedOp = 29;
constexpr std::uint64_t kPsciCpuOn = 0xc4000003;

constinit Handler interrupt_handler = nullptr;
constinit CpuMain secondary_mains[8] = {};
constinit bool is_fault_expected = false;
constinit Fault first_fault = {};
constinit std::uint64_t distributor = 0;
constinit std::uint64_t redistributors = 0;
constexpr std::uint64_t kRedistributorStride = 0x20000;

bool same(const char* text, std::string_view wanted) {
  for (const char c : wanted) {
    if (*text++ != c) return false;
  }
  return *text == '\0';
}

}  // namespace

std::int64_t hypercall(std::uint64_t number, std::uint64_t a0, std::uint64_t a1, std::uint64_t a2,
                       std::uint64_t a3, std::uint64_t a4) {
  register std::uint64_t x0 asm("x0") = a0;
  register std::uint64_t x1 asm("x1") = a1;
  register std::uint64_t x2 asm("x2") = a2;
  register std::uint64_t x3 asm("x3") = a3;
  register std::uint64_t x4 asm("x4") = a4;
  register std::uint64_t x16 asm("x16") = number;
  asm volatile("hvc #0xea1"
               : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x16)::"memory");
  return static_cast<std::int64_t>(x0);
}

std::int64_t smccc(std::uint64_t function, std::uint64_t a1, std::uint64_t a2, std::uint64_t a3) {
  register std::uint64_t x0 asm("x0") = function;
  register std::uint64_t x1 asm("x1") = a1;
  register std::uint64_t x2 asm("x2") = a2;
  register std::uint64_t x3 asm("x3") = a3;
  asm volatile("hvc #0"
               : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "x9", "x10",
                 "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
  return static_cast<std::int64_t>(x0);
}

void print(std::string_view text) {
  hypercall(kConsoleIo, 0, text.size(), reinterpret_cast<std::uint64_t>(text.data()));
}

void print_number(std::uint64_t value) {
  char buffer[20];
  std::size_t at = sizeof buffer;
  do {
    buffer[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  print({buffer + at, sizeof buffer - at});
}

void print_hex(std::uint64_t value) {
  char buffer[16];
  std::size_t at = sizeof buffer;
  do {
    buffer[--at] = "0123456789abcdef"[value & 15];
    value >>= 4;
  } while (value != 0);
  print({buffer + at, sizeof buffer - at});
}

void power_off() {
  std::uint32_t reason = 0;
  hypercall(kSchedOp, 2, reinterpret_cast<std::uint64_t>(&reason));
  smccc(0x84000008);
  for (;;)
    asm volatile("wfi");
}

void fail(std::string_view why) {
  print("guest: FAILED: ");
  print(why);
  print("\n");
  power_off();
}

std::uint32_t Tree::word(std::size_t offset) const {
  return __builtin_bswap32(read32(reinterpret_cast<std::uint64_t>(blob_ + offset)));
}

Tree::Device Tree::find(std::string_view compatible, unsigned skip) const {
  const std::size_t structure = word(8);
  const std::size_t strings = word(12);
  Device current;
  bool wanted = false;
  const auto is_wanted = [&] {
    if (!wanted) return false;
    wanted = false;
    return skip-- == 0;
  };
  for (std::size_t at = structure;;) {
    const std::uint32_t token = word(at);
    at += 4;
    if (token == 1) {  // FDT_BEGIN_NODE
      if (is_wanted()) return current;
      current = Device{};
      while (blob_[at] != 0)
        ++at;
      at = (at + 4) & ~std::size_t{3};
    } else if (token == 2) {  // FDT_END_NODE
      if (is_wanted()) return current;
      current = Device{};
    } else if (token == 3) {  // FDT_PROP
      const std::size_t length = word(at);
      const char* name = reinterpret_cast<const char*>(blob_ + strings + word(at + 4));
      at += 8;
      if (same(name, "compatible")) {
        for (std::size_t i = 0; i < length;) {
          const char* item = reinterpret_cast<const char*>(blob_ + at + i);
          if (same(item, compatible)) wanted = current.found = true;
          while (i < length && blob_[at + i] != 0)
            ++i;
          ++i;
        }
      } else if (same(name, "reg")) {
        for (std::size_t i = 0; i < 4 && 8 * (i + 1) <= length; ++i) {
          current.reg[i] = std::uint64_t{word(at + 8 * i)} << 32 | word(at + 8 * i + 4);
        }
      } else if (same(name, "no-memory-wc")) {
        current.no_memory_wc = true;
      } else if (same(name, "interrupts")) {
        for (std::size_t i = 0; i < 12 && 4 * (i + 1) <= length; ++i) {
          current.interrupts[i] = word(at + 4 * i);
        }
      }
      at = (at + length + 3) & ~std::size_t{3};
    } else if (token == 9) {  // FDT_END
      return Device{};
    }
  }
}

Tree::Property Tree::property(std::string_view name) const {
  const std::size_t strings = word(12);
  for (std::size_t at = word(8);;) {
    const std::uint32_t token = word(at);
    at += 4;
    if (token == 9) return {};  // FDT_END
    if (token == 1) {           // FDT_BEGIN_NODE
      while (blob_[at] != 0)
        ++at;
      at = (at + 4) & ~std::size_t{3};
    } else if (token == 3) {  // FDT_PROP
      const std::size_t length = word(at);
      if (same(reinterpret_cast<const char*>(blob_ + strings + word(at + 4)), name))
        return {blob_ + at + 8, length};
      at = (at + 8 + length + 3) & ~std::size_t{3};
    }
  }
}

std::uint64_t Tree::number(std::string_view name) const {
  const Property found = property(name);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < found.length && i < 8; ++i)
    value = value << 8 | found.bytes[i];
  return value;
}

void expect_fault() {
  first_fault = Fault{};
  is_fault_expected = true;
  asm volatile("" ::: "memory");
}

Fault end_of_faults() {
  asm volatile("dsb sy\n isb" ::: "memory");
  is_fault_expected = false;
  return first_fault;
}

void set_handler(Handler handler) {
  interrupt_handler = handler;
}

void gic_init_distributor(const Tree& tree) {
  const Tree::Device gic = tree.find("arm,gic-v3");
  if (!gic.found) fail("no arm,gic-v3 in the tree");
  distributor = gic.reg[0];
  redistributors = gic.reg[2];
  write32(distributor, 0x12);  // ARE_NS, EnableGrp1
}

std::uint64_t gic_distributor() {
  return distributor;
}

void gic_init_cpu(unsigned cpu) {
  const std::uint64_t base = redistributors + cpu * kRedistributorStride;
  write32(base + 0x14, read32(base + 0x14) & ~2u);  // GICR_WAKER.ProcessorSleep
  while ((read32(base + 0x14) & 4u) != 0) {
  }
  write32(base + 0x10080, 0xffffffff);  // GICR_IGROUPR0
  for (unsigned i = 0; i < 8; ++i)
    write32(base + 0x10400 + 4 * i, 0xa0a0a0a0);
  write32(base + 0x10100, 0xffff);  // SGIs
  asm volatile(
      "msr S3_0_c12_c12_5, %0\n"  // ICC_SRE_EL1
      "isb\n"
      "msr S3_0_c4_c6_0, %1\n"    // ICC_PMR_EL1
      "msr S3_0_c12_c12_7, %0\n"  // ICC_IGRPEN1_EL1
      "isb\n" ::"r"(std::uint64_t{1}),
      "r"(std::uint64_t{0xf0}));
}

void gic_enable(std::uint32_t intid, unsigned cpu) {
  if (intid < 32) {
    write32(redistributors + cpu * kRedistributorStride + 0x10100, 1u << intid);
    return;
  }
  const std::uint64_t word_offset = 4 * (intid / 32);
  const std::uint64_t priority = distributor + 0x400 + (intid & ~3u);
  write32(distributor + 0x80 + word_offset,
          read32(distributor + 0x80 + word_offset) | 1u << (intid % 32));
  const unsigned shift = 8 * (intid & 3);
  write32(priority, (read32(priority) & ~(0xffu << shift)) | 0xa0u << shift);
  write64(distributor + 0x6000 + 8 * intid, cpu);
  write32(distributor + 0x100 + word_offset, 1u << (intid % 32));
}

void gic_send_sgi(unsigned target_cpu, unsigned sgi) {
  const std::uint64_t value = std::uint64_t{sgi} << 24 | std::uint64_t{1} << target_cpu;
  asm volatile("dsb ish\n msr S3_0_c12_c11_5, %0\n isb" ::"r"(value) : "memory");
}

void start_cpu(unsigned cpu, CpuMain main) {
  secondary_mains[cpu] = main;
  if (smccc(kPsciCpuOn, cpu, reinterpret_cast<std::uint64_t>(&guest_secondary_entry), cpu) != 0) {
    fail("CPU_ON");
  }
}

}  // namespace guest

extern "C" void guest_primary_main(const void* blob) {
  guest_main(guest::Tree(blob));
  guest::power_off();
}

extern "C" void guest_secondary_main(std::uint64_t cpu) {
  if (guest::secondary_mains[cpu] != nullptr)
    guest::secondary_mains[cpu](static_cast<unsigned>(cpu));
}

extern "C" void guest_interrupt() {
  std::uint64_t intid;
  asm volatile("mrs %0, S3_0_c12_c12_0\n dsb sy" : "=r"(intid)::"memory");  // ICC_IAR1_EL1
  if (intid >= 1020) return;
  if (guest::interrupt_handler != nullptr) {
    guest::interrupt_handler(static_cast<std::uint32_t>(intid));
  }
  asm volatile("msr S3_0_c12_c12_1, %0\n isb" ::"r"(intid) : "memory");  // ICC_EOIR1_EL1
}

extern "C" [[noreturn]] void guest_unexpected_exception(std::uint64_t esr, std::uint64_t pc,
                                                        std::uint64_t address) {
  guest::print("guest: exception ESR=");
  guest::print_hex(esr);
  guest::print(" PC=");
  guest::print_hex(pc);
  guest::print(" FAR=");
  guest::print_hex(address);
  guest::print("\n");
  guest::power_off();
}

// Where to go on after a synchronous exception.
extern "C" std::uint64_t guest_synchronous(std::uint64_t esr, std::uint64_t pc,
                                           std::uint64_t address, std::uint64_t link) {
  if (!guest::is_fault_expected) guest_unexpected_exception(esr, pc, address);
  if (!guest::first_fault.taken) guest::first_fault = {true, esr, address};
  const std::uint64_t exception_class = esr >> 26 & 0x3f;
  const bool was_fetching = exception_class == 0x20 || exception_class == 0x21;
  return was_fetching ? link : pc + 4;
}

// What the compiler may call.
extern "C" void* memset(void* to, int value, std::size_t size) {
  auto* bytes = static_cast<volatile unsigned char*>(to);
  while (size-- != 0)
    *bytes++ = static_cast<unsigned char>(value);
  return to;
}
extern "C" std::size_t strlen(const char* text) {
  std::size_t length = 0;
  while (const_cast<const volatile char*>(text)[length] != 0)
    ++length;
  return length;
}
extern "C" void* memcpy(void* to, const void* from, std::size_t size) {
  auto* bytes = static_cast<volatile unsigned char*>(to);
  const auto* source = static_cast<const unsigned char*>(from);
  while (size-- != 0)
    *bytes++ = *source++;
  return to;
}
extern "C" int memcmp(const void* first, const void* second, std::size_t size) {
  const auto* a = static_cast<const volatile unsigned char*>(first);
  const auto* b = static_cast<const volatile unsigned char*>(second);
  for (; size != 0; --size, ++a, ++b) {
    const int difference = *a - *b;
    if (difference != 0) return difference;
  }
  return 0;
}
