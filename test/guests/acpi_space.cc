// SPDX-License-Identifier: Apache-2.0

// A hardware domain on ACPI, hostile, on Socle and on Xen alike (mmio_fault.cc asks Socle what is
// mapped; this one knows only what its loads do). Words of its command line:
//   pages=<hex>,<hex>...   pages to ask for by XENMAPSPACE_dev_mmio, as Linux's bus notifiers do
//   ways=<hex>             pages from there are touched, each in one way, which is its first
//   window=<hex>           256 MiB there are read page by page: PCI's configuration space
//   cost                   only what bench/run counts: see measure()
//
//   own <begin> <end>      memory, as the EFI memory map of its own has it
//   asked <address> <answer> <what>
//   way <name> works|abort
//   window <pages read>
//   space <begin> <end> <what>   exact to the page below 4 GiB. own; read: a load works; single: it
//                                works, but not of a pair, as with emulated registers; abort
//   compiler <text>        what the hypervisor says that it was built with (XENVER_compile_info)
//   changed <number>       copies of that text in memory that is not its own, now written to
//   compiler <text>        the same question again
//   done

#include "guest.h"
#include "mmu.h"
#include "ways.h"

namespace {

using guest::mmu::Type;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kMemoryOp = 12;
constexpr std::uint64_t kXenVersion = 17;

std::uint64_t address_of(const void* object) {
  return reinterpret_cast<std::uint64_t>(object);
}

struct Run {
  std::uint64_t begin, end;
};

// --- What it was given ---------------------------------------------------------------------------

constinit Run own[64] = {};
constinit unsigned own_count = 0;

// Before stage 1 is on: the map lies outside the image.
void read_memory_map(const guest::Tree& tree) {
  constexpr std::uint32_t kReserved = 0;
  constexpr std::uint32_t kUnusable = 8;
  constexpr std::uint32_t kMappedIo = 11;
  constexpr std::uint32_t kMappedPorts = 12;
  const std::uint64_t start = tree.number("xen,uefi-mmap-start");
  const std::uint64_t step = tree.number("xen,uefi-mmap-desc-size");
  if (start == 0 || step < 40) guest::fail("no EFI memory map");
  for (std::uint64_t at = start; at < start + tree.number("xen,uefi-mmap-size"); at += step) {
    const std::uint32_t type = guest::read32(at);
    if (type == kReserved || type == kUnusable || type == kMappedIo || type == kMappedPorts)
      continue;
    const auto wide = [&](unsigned offset) {
      return guest::read32(at + offset) | std::uint64_t{guest::read32(at + offset + 4)} << 32;
    };
    if (own_count == sizeof own / sizeof own[0]) guest::fail("too many ranges of its own");
    own[own_count++] = {wide(8), wide(8) + wide(24) * kPage};
  }
}

bool is_own(std::uint64_t physical) {
  for (unsigned i = 0; i < own_count; ++i)
    if (own[i].begin <= physical && physical < own[i].end) return true;
  return false;
}

// --- Words of the command line -------------------------------------------------------------------

constinit char line[512] = {};

void read_line(const guest::Tree& tree) {
  const guest::Tree::Property found = tree.property("bootargs");
  for (std::size_t i = 0; i < found.length && i < sizeof line - 1; ++i)
    line[i] = static_cast<char>(found.bytes[i]);
}

// Behind the word that begins so; nullptr if there is none.
const char* word(std::string_view wanted) {
  for (const char* at = line; *at != 0; ++at) {
    if (at != line && at[-1] != ' ') continue;
    std::size_t i = 0;
    while (i < wanted.size() && at[i] == wanted[i])
      ++i;
    if (i == wanted.size()) return at + i;
  }
  return nullptr;
}

std::uint64_t hex(const char*& at) {
  std::uint64_t value = 0;
  for (;; ++at) {
    if (*at >= '0' && *at <= '9') {
      value = value << 4 | static_cast<unsigned>(*at - '0');
    } else if (*at >= 'a' && *at <= 'f') {
      value = value << 4 | static_cast<unsigned>(*at - 'a' + 10);
    } else {
      return value;
    }
  }
}

// --- One page ------------------------------------------------------------------------------------

enum class Kind : std::uint8_t { kOwn, kRead, kSingle, kAbort };
constexpr std::string_view kNames[] = {"own", "read", "single", "abort"};

bool reads(std::uint64_t physical) {
  const std::uint64_t at = guest::mmu::show(0, physical, Type::kDeviceNGnRE);
  return !guest::fault_of([&] { asm volatile("ldr w1, [%0]" ::"r"(at) : "x1", "memory"); }).taken;
}

bool reads_pair(std::uint64_t physical) {
  const std::uint64_t at = guest::mmu::show(0, physical, Type::kDeviceNGnRE);
  return !guest::fault_of([&] {
            asm volatile("ldp w1, w2, [%0]" ::"r"(at) : "x1", "x2", "memory");
          }).taken;
}

Kind kind_of(std::uint64_t physical) {
  if (is_own(physical)) return Kind::kOwn;
  if (!reads(physical)) return Kind::kAbort;
  return reads_pair(physical) ? Kind::kRead : Kind::kSingle;
}

void print_range(std::string_view what, const Run& run) {
  guest::print(what);
  guest::print(" ");
  guest::print_hex(run.begin);
  guest::print(" ");
  guest::print_hex(run.end);
}

// --- The whole space -----------------------------------------------------------------------------

// Large enough to hold a hypervisor.
constinit Run large[32] = {};
constinit unsigned large_count = 0;

class Survey {
 public:
  void visit(std::uint64_t page) {
    const Kind kind = kind_of(page);
    if (page != 0) refine(last_, last_kind_, page, kind);
    last_ = page;
    last_kind_ = kind;
  }
  void finish(std::uint64_t end) { edge(end, last_kind_); }

 private:
  void refine(std::uint64_t a, Kind kind_a, std::uint64_t b, Kind kind_b) {
    if (kind_a == kind_b) return;
    if (a + kPage == b) return edge(b, kind_a);
    const std::uint64_t middle = a + ((b - a) / 2 & ~(kPage - 1));
    const Kind kind = kind_of(middle);
    refine(a, kind_a, middle, kind);
    refine(middle, kind, b, kind_b);
  }

  // A run of this kind ends here.
  void edge(std::uint64_t end, Kind kind) {
    print_range("space", {begin_, end});
    guest::print(" ");
    guest::print(kNames[static_cast<unsigned>(kind)]);
    guest::print("\n");
    if (kind == Kind::kRead && end - begin_ >= kMiB && end <= 4 * kGiB &&
        large_count < sizeof large / sizeof large[0])
      large[large_count++] = {begin_, end};
    begin_ = end;
  }

  std::uint64_t begin_ = 0;
  std::uint64_t last_ = 0;
  Kind last_kind_ = Kind::kOwn;
};

std::uint64_t step_at(std::uint64_t page) {
  if (page < 4 * kGiB) return kPage;
  if (page < 64 * kGiB) return 4 * kMiB;
  return page < 1024 * kGiB ? kGiB / 16 : kGiB;
}

void survey(std::uint64_t end) {
  Survey out;
  for (std::uint64_t page = 0; page < end; page += step_at(page))
    out.visit(page);
  out.finish(end);
}

// --- As Linux's bus notifiers ask ----------------------------------------------------------------

void ask_for_pages() {
  constexpr std::uint64_t kAddToPhysmap = 7;
  constexpr std::uint32_t kDeviceMmio = 5;
  constexpr std::uint16_t kSelf = 0x7ff0;
  const char* at = word("pages=");
  while (at != nullptr) {
    const std::uint64_t physical = hex(at);
    struct {
      std::uint16_t domid, size;
      std::uint32_t space;
      std::uint64_t index, frame;
    } request = {kSelf, 0, kDeviceMmio, physical / kPage, physical / kPage};
    const std::int64_t answer = guest::hypercall(kMemoryOp, kAddToPhysmap, address_of(&request));
    const Kind kind = kind_of(physical);
    guest::print("asked ");
    guest::print_hex(physical);
    guest::print(answer < 0 ? " -" : " ");
    guest::print_number(static_cast<std::uint64_t>(answer < 0 ? -answer : answer));
    guest::print(" ");
    guest::print(kNames[static_cast<unsigned>(kind)]);
    guest::print("\n");
    at = *at == ',' ? at + 1 : nullptr;
  }
}

// --- Every way, on pages that nothing was mapped at yet ------------------------------------------

void try_ways() {
  const char* at = word("ways=");
  if (at == nullptr) return;
  std::uint64_t page = hex(at);
  for (const guest::Way way : guest::kAllWays) {
    const guest::Fault fault = guest::touch(page, way);
    // What lies there is no table: a walk that reads it ends in a translation fault of its own.
    const bool walked = way == guest::Way::kWalk && (fault.syndrome & 0x3c) == 0x04;
    guest::print("way ");
    guest::print(guest::name_of(way));
    guest::print(fault.taken && !walked ? " abort\n" : " works\n");
    page += kPage;
  }
}

// --- The hypervisor's own memory -----------------------------------------------------------------

struct CompileInfo {
  char compiler[64], by[16], domain[32], date[32];
};
constinit CompileInfo info = {};

std::size_t ask_for_compiler() {
  if (guest::hypercall(kXenVersion, 2, address_of(&info)) != 0) guest::fail("no compile_info");
  std::size_t length = 0;
  while (length < sizeof info.compiler && info.compiler[length] != 0)
    ++length;
  guest::print("compiler ");
  guest::print({info.compiler, length});
  guest::print("\n");
  return length;
}

// Whatever the text's alignment, one of its first eight words is aligned.
constinit std::uint64_t words[8] = {};

// Changes the first letter of the text that may be around this word of a page.
bool change(std::uint64_t page, unsigned at, unsigned shift, std::size_t length) {
  const auto* bytes = reinterpret_cast<const volatile char*>(page);
  const unsigned begin = at - shift;
  if (at < shift || begin + length > kPage) return false;
  for (std::size_t i = 0; i < length; ++i)
    if (bytes[begin + i] != info.compiler[i]) return false;
  *reinterpret_cast<volatile char*>(page + begin) = '#';
  return true;
}

unsigned change_in(std::uint64_t physical, std::size_t length) {
  unsigned changed = 0;
  const std::uint64_t page = guest::mmu::show(0, physical, Type::kNormalWriteBack);
  for (unsigned at = 0; at < kPage; at += 8) {
    const std::uint64_t value = *reinterpret_cast<const volatile std::uint64_t*>(page + at);
    for (unsigned shift = 0; shift < 8; ++shift)
      if (value == words[shift] && change(page, at, shift, length)) ++changed;
  }
  return changed;
}

void change_the_hypervisor() {
  const std::size_t length = ask_for_compiler();
  if (length < 16) guest::fail("the text is too short to look for");
  for (unsigned shift = 0; shift < 8; ++shift)
    for (unsigned i = 8; i-- != 0;)
      words[shift] = words[shift] << 8 | static_cast<unsigned char>(info.compiler[shift + i]);
  unsigned changed = 0;
  for (unsigned i = 0; i < large_count; ++i)
    for (std::uint64_t page = large[i].begin; page < large[i].end; page += kPage)
      changed += change_in(page, length);
  guest::print("changed ");
  guest::print_number(changed);
  guest::print("\n");
  (void)ask_for_compiler();
}

// --- What it costs -------------------------------------------------------------------------------

// See bench.cc.
template <unsigned Number>
void mark() {
  asm volatile("movz xzr, #%0" ::"i"(Number) : "memory");
}

// Phases 11 and 12: pages side by side, and each a GiB from the next, that nothing answers at. The
// numbers are known to bench/run.
void measure(unsigned bits) {
  const std::uint64_t nothing = std::uint64_t{1} << (bits - 1);
  (void)reads(nothing);
  mark<0x500b>();
  for (std::uint64_t i = 1; i <= 256; ++i)
    (void)reads(nothing + i * kPage);
  mark<0x5f00>();
  mark<0x500c>();
  for (std::uint64_t i = 1; i <= 64; ++i)
    (void)reads(nothing + i * kGiB);
  mark<0x5f00>();
}

// Phase 10: every page of PCI's configuration space.
void read_window() {
  const char* at = word("window=");
  if (at == nullptr) return;
  const std::uint64_t begin = hex(at);
  std::uint64_t pages = 0;
  mark<0x500a>();
  for (std::uint64_t page = begin; page < begin + kGiB / 4; page += kPage)
    if (reads(page)) ++pages;
  mark<0x5f00>();
  guest::print("window ");
  guest::print_number(pages);
  guest::print("\n");
}

}  // namespace

void guest_main(const guest::Tree& tree) {
  std::uint64_t features;
  asm volatile("mrs %0, id_aa64mmfr0_el1" : "=r"(features));
  constexpr unsigned kBits[] = {32, 36, 40, 42, 44, 48};
  const unsigned bits = (features & 15) < 6 ? kBits[features & 15] : 48;
  read_line(tree);
  read_memory_map(tree);
  guest::mmu::turn_on(tree);
  for (unsigned i = 0; i < own_count; ++i) {
    print_range("own", own[i]);
    guest::print("\n");
  }
  read_window();
  if (word("cost") != nullptr) {
    measure(bits);
  } else {
    ask_for_pages();
    try_ways();
    survey(std::uint64_t{1} << bits);
    change_the_hypervisor();
  }
  guest::print("done\n");
}
