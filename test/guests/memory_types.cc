// SPDX-License-Identifier: Apache-2.0

// Which memory type a hardware domain's pages have after both stages of translation, and what can
// be done with them. One line for each kind of page:
//   types <kind>: what each of its own five types becomes, in mmu::kAllTypes' order
//   types <kind>, <access>: what came of it
// What is not there on a machine has no line.

#include "abi/socle.h"

#include "guest.h"
#include "mmu.h"

namespace {

using guest::Fault;
using guest::mmu::Type;

alignas(4096) constinit std::uint8_t ordinary_page[4096] = {};
alignas(4096) constinit std::uint8_t shared_info_page[4096] = {};
alignas(4096) constinit std::uint8_t grant_page[4096] = {};

std::uint64_t address_of(const void* object) {
  return reinterpret_cast<std::uint64_t>(object);
}

std::uint64_t par_of(std::uint64_t address) {
  constinit static socle::abi::SocleTranslate request = {};
  request = {address, 0, 0, 0};
  const std::int64_t result =
      guest::hypercall(socle::abi::kSocleCall, socle::abi::kSocleTranslate, address_of(&request));
  if (result != 0) guest::fail("translate is not there");
  return request.par;
}

// PAR_EL1 in words. Arm ARM DDI 0487, D24.2 "PAR_EL1".
void print_par(std::uint64_t par) {
  if ((par & 1) != 0) {
    guest::print((par >> 9 & 1) != 0 ? "fault of stage 2" : "fault of stage 1");
    return;
  }
  switch (par >> 56) {
    case 0x00:
      guest::print("Device-nGnRnE");
      break;
    case 0x04:
      guest::print("Device-nGnRE");
      break;
    case 0x0c:
      guest::print("Device-GRE");
      break;
    case 0x44:
      guest::print("Normal-NC");
      break;
    case 0xff:
      guest::print("Normal-WB");
      break;
    default:
      guest::print_hex(par >> 56);
  }
  constexpr std::string_view kShareability[] = {" none", " reserved", " outer", " inner"};
  guest::print(kShareability[par >> 7 & 3]);
}

void begin(std::string_view kind) {
  guest::print("types ");
  guest::print(kind);
}

void show_types(std::string_view kind, std::uint64_t physical) {
  begin(kind);
  guest::print(":");
  for (const Type type : guest::mmu::kAllTypes) {
    guest::print(type == guest::mmu::kAllTypes[0] ? " " : ", ");
    const std::uint64_t par = par_of(guest::mmu::map(physical, type));
    print_par(par);
  }
  guest::print("\n");
  guest::mmu::forget();
}

// --- What can be done there --------------------------------------------------------------------

void show_outcome(std::string_view kind, std::string_view access, const Fault& fault, bool right) {
  begin(kind);
  guest::print(", ");
  guest::print(access);
  if (!fault.taken) {
    guest::print(right ? ": works\n" : ": WRONG VALUE\n");
    return;
  }
  const std::uint64_t status = fault.syndrome & 0x3f;
  guest::print(status == 0x21 ? ": alignment fault\n" : ": abort\n");
}

// Across a boundary of 16 bytes.
void try_unaligned(std::string_view kind, std::uint64_t page) {
  constexpr std::uint64_t kValue = 0x1122'3344'5566'7788;
  std::uint64_t value = 0;
  const Fault fault = guest::fault_of([&] {
    asm volatile("str %1, [%2]\n ldr %0, [%2]\n"
                 : "=&r"(value)
                 : "r"(kValue), "r"(page + 0x10b)
                 : "memory");
  });
  show_outcome(kind, "unaligned access", fault, value == kValue);
}

void try_exclusive(std::string_view kind, std::uint64_t page) {
  const std::uint64_t word = page + 0x200;
  std::uint64_t value = 0;
  const Fault fault = guest::fault_of([&] {
    guest::write64(word, 40);
    std::uint32_t failed;
    // As often as it takes: losing the reservation is nobody's fault.
    unsigned tries = 1000;
    do {
      asm volatile("ldaxr %0, [%2]\n add %0, %0, #2\n stlxr %w1, %0, [%2]\n"
                   : "=&r"(value), "=&r"(failed)
                   : "r"(word)
                   : "memory");
    } while (failed != 0 && --tries != 0);
    asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(word) : "memory");
  });
  show_outcome(kind, "exclusive access", fault, value == 42);
}

// DC ZVA writes a block of zeros.
void try_zeroing(std::string_view kind, std::uint64_t page) {
  const std::uint64_t word = page + 0x400;
  std::uint64_t value = 1;
  const Fault fault = guest::fault_of([&] {
    asm volatile("str %1, [%1]\n dc zva, %1\n ldr %0, [%1]\n"
                 : "=&r"(value)
                 : "r"(word)
                 : "memory");
  });
  show_outcome(kind, "DC ZVA", fault, value == 0);
}

void try_code(std::string_view kind, std::uint64_t page) {
  const std::uint64_t code = page + 0x800;
  std::uint64_t value = 0;
  guest::write32(code, 0x52800540);      // mov w0, #42
  guest::write32(code + 4, 0xd65f03c0);  // ret
  asm volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" ::"r"(code) : "memory");
  const Fault fault = guest::fault_of([&] {
    asm volatile("mov x0, #0\n blr %1\n mov %0, x0\n"
                 : "=r"(value)
                 : "r"(code)
                 : "x0", "x30", "memory");
  });
  show_outcome(kind, "code", fault, value == 42);
}

// For pages with memory behind them: a register is no place to try things.
void show_use(std::string_view kind, std::uint64_t physical, bool is_normal) {
  const std::uint64_t page = guest::mmu::map(physical, Type::kNormalWriteBack);
  try_unaligned(kind, page);
  try_code(kind, page);
  // What these do on Device memory differs between CPUs.
  if (is_normal) {
    try_exclusive(kind, page);
    try_zeroing(kind, page);
  }
  guest::mmu::forget();
}

// --- The pages ---------------------------------------------------------------------------------

void show_memory() {
  show_types("RAM", address_of(ordinary_page));
  struct {
    std::uint16_t domid, size;
    std::uint32_t space;
    std::uint64_t index, frame;
  } request = {0x7ff0, 0, 0, 0, address_of(shared_info_page) >> 12};
  if (guest::hypercall(12, 7, address_of(&request)) != 0) guest::fail("shared_info");
  request.space = 1;
  request.frame = address_of(grant_page) >> 12;
  if (guest::hypercall(12, 7, address_of(&request)) != 0) guest::fail("grant table");
  show_types("shared_info", address_of(shared_info_page));
  show_types("grant table", address_of(grant_page));
}

// A device's page, to ask for it in other ways.
std::uint64_t show_device(const guest::Tree& tree) {
  for (const std::string_view name : {"virtio,mmio", "xlnx,zynqmp-rtc"}) {
    const auto device = tree.find(name);
    if (!device.found) continue;
    show_types("device", device.reg[0]);
    return device.reg[0];
  }
  guest::fail("no device that is known here");
}

void show_gic(const guest::Tree& tree) {
  for (const std::string_view name : {"arm,gic-v3", "arm,cortex-a15-gic", "arm,gic-400"}) {
    const auto gic = tree.find(name);
    if (!gic.found) continue;
    show_types("GIC distributor", gic.reg[0]);
    show_types(name == "arm,gic-v3" ? "GIC redistributor" : "GIC CPU interface", gic.reg[2]);
  }
}

// --- Types that are asked for -------------------------------------------------------------------

// A guest frame where nothing is on any machine of ours.
constexpr std::uint64_t kFree = 0x20'0000'0000 >> 12;

void begin_request(std::string_view call, std::uint64_t type) {
  begin(call);
  guest::print(" ");
  guest::print_number(type);
}
void show_request(std::string_view call, std::uint64_t type, std::int64_t result) {
  if (result == 0) return;
  begin_request(call, type);
  guest::print(": -");
  guest::print_number(static_cast<std::uint64_t>(-result));
  guest::print("\n");
}
void show_types_of_request(std::string_view call, std::uint64_t type) {
  char kind[32] = {};
  std::size_t length = 0;
  for (const char c : call)
    kind[length++] = c;
  kind[length++] = ' ';
  kind[length++] = static_cast<char>('0' + type);
  show_types({kind, length}, kFree << 12);
}

std::int64_t dev_mmio(std::uint64_t mfn, std::uint16_t type) {
  std::int32_t error = 0;
  const std::uint64_t frame = kFree;
  const struct {
    std::uint16_t domid, space, size, type;
    const void* indices;
    const void* frames;
    void* errors;
  } request = {0x7ff0, 5, 1, type, &mfn, &frame, &error};
  const std::int64_t result = guest::hypercall(12, 23, address_of(&request));
  return result != 0 ? result : error;
}
std::int64_t memory_mapping(std::uint64_t mfn, std::uint32_t padding, std::uint32_t add = 1) {
  const struct {
    std::uint32_t command, version;
    std::uint64_t domain, gfn, mfn, count;
    std::uint32_t add, padding;
    std::uint64_t rest[12];
  } request = {39, 0x15, 0, kFree, mfn, 1, add, padding, {}};
  return guest::hypercall(36, address_of(&request));
}

void show_requests(std::uint64_t device) {
  const std::uint64_t mfn = device >> 12;
  for (const std::uint16_t type : {0, 1, 2, 3, 4, 5, 0xffff}) {
    const std::int64_t result = dev_mmio(mfn, type);
    show_request("dev_mmio", type, result);
    if (result == 0) show_types_of_request("dev_mmio", type);
  }
  for (const std::uint32_t type : {0, 1, 2, 3, 4, 5, 0xff}) {
    const std::int64_t result = memory_mapping(mfn, socle::abi::kSocleTypeTag + type);
    show_request("memory_mapping", type, result);
    if (result == 0) show_types_of_request("memory_mapping", type);
  }
  show_request("memory_mapping removed", 0, memory_mapping(mfn, 0, 0));
  show_types_of_request("memory_mapping removed", 0);
}

void show_sram(const guest::Tree& tree) {
  for (unsigned i = 0;; ++i) {
    const auto sram = tree.find("mmio-sram", i);
    if (!sram.found) return;
    const std::string_view kind = sram.no_memory_wc ? "SRAM no-memory-wc" : "SRAM";
    const std::uint64_t last_page = sram.reg[0] + sram.reg[1] - 4096;
    show_types(kind, sram.reg[0]);
    show_types(kind, last_page);
    show_use(kind, last_page, !sram.no_memory_wc);
  }
}

}  // namespace

void guest_main(const guest::Tree& tree) {
  guest::mmu::turn_on(tree);
  show_memory();
  const std::uint64_t device = show_device(tree);
  show_gic(tree);
  show_sram(tree);
  show_use("RAM", address_of(ordinary_page), true);
  show_requests(device);
  guest::print("types done\n");
}
