// SPDX-License-Identifier: Apache-2.0

// A hostile hardware domain: it touches the whole physical address space, with every kind of
// access, and says what it got. Pages that it had when it began are left alone.
//
//   policy <number>           kSoclePolicy*
//   bits <number>             of physical addresses
//   space <begin> <end> <what>   own: mapped from the beginning; mapped: on demand; emulated:
//   answers
//                             and is not mapped; denied: every access aborts. Exact to the page.
//   wrong <address> <why>     something that must not be
//   <word> <number> ...       counts
//   done

#include "abi/socle.h"

#include "guest.h"
#include "mmu.h"
#include "ways.h"

namespace {

using guest::Fault;
using guest::kAllWays;
using guest::kWays;
using guest::touch;
using guest::Way;
using guest::mmu::Type;
using namespace socle;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

constinit unsigned bits = 0;
constinit unsigned wrongs = 0;

std::uint64_t address_of(const void* object) {
  return reinterpret_cast<std::uint64_t>(object);
}

void print_line(std::string_view what, std::uint64_t value) {
  guest::print(what);
  guest::print(" ");
  guest::print_number(value);
  guest::print("\n");
}

void wrong(std::uint64_t physical, std::string_view why) {
  if (++wrongs > 40) return;
  guest::print("wrong ");
  guest::print_hex(physical);
  guest::print(" ");
  guest::print(why);
  guest::print("\n");
}

// --- What Socle says ---------------------------------------------------------------------------

// Is there anything at this physical address, after both stages? It is 1:1 if so.
bool is_mapped(std::uint64_t physical) {
  constinit static abi::SocleTranslate request = {};
  request = {guest::mmu::show(7, physical, Type::kDeviceNGnRE), 0, 0, 0};
  if (guest::hypercall(abi::kSocleCall, abi::kSocleTranslate, address_of(&request)) != 0)
    guest::fail("translate is not there");
  if ((request.par & 1) != 0) return false;
  if ((request.par & 0xffff'ffff'f000) != physical) wrong(physical, "is another address");
  return true;
}

constinit abi::SocleMmioFaults faults = {};
void ask_for_faults(std::uint32_t outcome) {
  faults = {outcome, 0, 0, 0, 0, 0, 0, 0};
  if (guest::hypercall(abi::kSocleCall, abi::kSocleMmioFaults, address_of(&faults)) != 0)
    guest::fail("the record of faults is not there");
}
std::uint64_t traps() {
  ask_for_faults(abi::kSocleFaultsMapped);
  const std::uint64_t mapped = faults.faults;
  ask_for_faults(abi::kSocleFaultsDenied);
  return mapped + faults.faults;
}

// --- What a page is ----------------------------------------------------------------------------

enum class Kind : std::uint8_t { kOwn, kMapped, kEmulated, kDenied };
constexpr std::string_view kNames[] = {"own", "mapped", "emulated", "denied"};

struct Run {
  std::uint64_t begin, end;
};
constinit Run own[256] = {};
constinit unsigned own_count = 0;
// What a survey is for.
enum class Use : std::uint8_t { kListOwn, kTouch, kShow };
constinit Use use = Use::kListOwn;

bool is_own(std::uint64_t physical) {
  for (unsigned i = 0; i < own_count; ++i)
    if (own[i].begin <= physical && physical < own[i].end) return true;
  return false;
}

// Nothing may come of any access, and none may map it. A register that is emulated answers plain
// ones.
Kind try_denied(std::uint64_t physical, bool answers) {
  for (const Way way : kAllWays) {
    // Cleaning may find nothing to clean, and not look further.
    const bool may_work =
        way == Way::kClean || (answers && (way == Way::kRead || way == Way::kWrite));
    if (!touch(physical, way).taken && !may_work)
      wrong(physical, "an access to a denied page works");
  }
  if (is_mapped(physical)) wrong(physical, "is mapped by another access than the first");
  return answers ? Kind::kEmulated : Kind::kDenied;
}

Kind kind_of(std::uint64_t physical) {
  if (use == Use::kListOwn) return is_mapped(physical) ? Kind::kOwn : Kind::kDenied;
  if (is_own(physical)) return Kind::kOwn;
  if (is_mapped(physical)) {
    if (!touch(physical, Way::kExecute).taken) wrong(physical, "runs code");
    return Kind::kMapped;
  }
  // A fetch maps nothing, ever.
  if (!touch(physical, Way::kExecute).taken) wrong(physical, "runs code");
  if (is_mapped(physical)) wrong(physical, "is mapped by a fetch");
  static constinit unsigned turn = 0;
  Way way = kAllWays[turn++ % kWays];
  if (way == Way::kExecute || way == Way::kClean) way = Way::kRead;
  const Fault fault = touch(physical, way);
  if (is_mapped(physical)) {
    if (!touch(physical, Way::kExecute).taken) wrong(physical, "runs code");
    return Kind::kMapped;
  }
  if (fault.taken && way != Way::kRead)
    return try_denied(physical, !touch(physical, Way::kRead).taken);
  return try_denied(physical, !fault.taken);
}

// --- The whole space ---------------------------------------------------------------------------

// Ascending pages; between two of different kinds the place where they meet is looked for.
class Survey {
 public:
  void visit(std::uint64_t page) {
    const Kind kind = kind_of(page);
    ++visited_;
    if (page != 0) refine(last_, last_kind_, page, kind);
    last_ = page;
    last_kind_ = kind;
  }
  void finish(std::uint64_t end) { edge(end, last_kind_); }
  [[nodiscard]] std::uint64_t visited() const { return visited_; }

 private:
  void refine(std::uint64_t a, Kind kind_a, std::uint64_t b, Kind kind_b) {
    if (kind_a == kind_b) return;
    if (a + kPage == b) return edge(b, kind_a);
    const std::uint64_t middle = a + ((b - a) / 2 & ~(kPage - 1));
    const Kind kind = kind_of(middle);
    ++visited_;
    refine(a, kind_a, middle, kind);
    refine(middle, kind, b, kind_b);
  }

  // A run of this kind ends here.
  void edge(std::uint64_t end, Kind kind) {
    if (use == Use::kListOwn && kind == Kind::kOwn) {
      if (own_count == sizeof own / sizeof own[0]) guest::fail("too many ranges of its own");
      own[own_count++] = {begin_, end};
    }
    if (use == Use::kShow) {
      guest::print("space ");
      guest::print_hex(begin_);
      guest::print(" ");
      guest::print_hex(end);
      guest::print(" ");
      guest::print(kNames[static_cast<unsigned>(kind)]);
      guest::print("\n");
    }
    begin_ = end;
  }

  std::uint64_t begin_ = 0;
  std::uint64_t last_ = 0;
  Kind last_kind_ = Kind::kOwn;
  std::uint64_t visited_ = 0;
};

// Every page of the first 256 MiB, where devices are; every 64 KiB below 4 GiB; then coarser.
std::uint64_t step_at(std::uint64_t page) {
  if (page < 0x1000'0000) return kPage;
  if (page < 4 * kGiB) return 0x1'0000;
  if (page < 64 * kGiB) return 0x40'0000;
  if (page < 1024 * kGiB) return kGiB / 16;
  return page < 16 * 1024 * kGiB ? kGiB : 16 * kGiB;
}

std::uint64_t survey() {
  Survey out;
  const std::uint64_t end = std::uint64_t{1} << bits;
  for (std::uint64_t page = 0; page < end; page += step_at(page))
    out.visit(page);
  // And the very last one.
  out.visit(end - kPage);
  out.finish(end);
  return out.visited();
}

// --- Two CPUs at once ---------------------------------------------------------------------------

constexpr unsigned kRacePages = 200;
alignas(64) constinit volatile std::uint64_t go = 0;
alignas(64) constinit volatile std::uint64_t arrived = 0;
constinit std::uint64_t race_begin = 0;

void touch_for_race(unsigned slot, std::uint64_t number) {
  const std::uint64_t at =
      guest::mmu::show(slot, race_begin + number * kGiB + 8 * kPage, Type::kNormalWriteBack);
  if (slot == 1) {
    while (go < number + 1) {
    }
  } else {
    go = number + 1;
  }
  asm volatile("ldr x1, [%0]" ::"r"(at) : "x1", "memory");
}

void second_cpu(unsigned) {
  guest::mmu::turn_on_here();
  for (std::uint64_t i = 0; i < kRacePages; ++i) {
    arrived = i + 1;
    touch_for_race(1, i);
  }
  arrived = kRacePages + 1;
}

// A quarter of the space, GiB by GiB: nothing is there.
void race() {
  race_begin = std::uint64_t{1} << (bits - 2);
  const std::uint64_t before = traps();
  guest::expect_fault();
  guest::start_cpu(1, second_cpu);
  for (std::uint64_t i = 0; i < kRacePages; ++i) {
    while (arrived < i + 1) {
    }
    touch_for_race(0, i);
  }
  while (arrived != kRacePages + 1) {
  }
  (void)guest::end_of_faults();
  std::uint64_t mapped = 0;
  for (std::uint64_t i = 0; i < kRacePages; ++i)
    if (is_mapped(race_begin + i * kGiB)) ++mapped;
  print_line("race-pages", kRacePages);
  print_line("race-mapped", mapped);
  print_line("race-recorded", traps() - before);
}

// A window of 256 MiB, as large as an ECAM, page by page.
void count_traps() {
  const std::uint64_t begin = (std::uint64_t{1} << (bits - 1)) + kGiB / 4;
  const std::uint64_t before = traps();
  for (std::uint64_t page = begin; page < begin + kGiB / 4; page += kPage)
    (void)touch(page, Way::kRead);
  print_line("window-traps", traps() - before);
}

// A hypercall whose pointer means a walk of tables where nothing answers: Socle's own walk ends on
// the bus, and the guest keeps what it has.
void point_through_nothing() {
  constexpr std::uint64_t kStack = 0x1234'5678'9abc'def0;
  const std::uint64_t nothing = (std::uint64_t{1} << (bits - 1)) + kGiB / 2;
  (void)touch(nothing, Way::kRead);
  const std::uint64_t at = guest::mmu::show(0, nothing, Type::kNormalWriteBack, true);
  std::uint64_t stack;
  asm volatile("msr sp_el0, %0" ::"r"(kStack));
  const std::int64_t written = guest::hypercall(17, 1, at);
  const std::int64_t read = guest::hypercall(7, at);
  asm volatile("mrs %0, sp_el0" : "=r"(stack));
  if (stack != kStack) wrong(at, "SP_EL0 is another");
  print_line("walk-refused", static_cast<std::uint64_t>(-written));
  print_line("walk-refused", static_cast<std::uint64_t>(-read));
}

}  // namespace

void guest_main(const guest::Tree& tree) {
  std::uint64_t features;
  asm volatile("mrs %0, id_aa64mmfr0_el1" : "=r"(features));
  constexpr unsigned kBits[] = {32, 36, 40, 42, 44, 48};
  bits = (features & 15) < 6 ? kBits[features & 15] : 48;
  guest::mmu::turn_on(tree);

  ask_for_faults(abi::kSocleFaultsMapped);
  print_line("policy", faults.policy);
  print_line("bits", bits);
  const bool maps = faults.policy == abi::kSoclePolicyMap;
  use = Use::kListOwn;
  (void)survey();
  race();
  count_traps();
  point_through_nothing();
  // What is mapped on demand must not reach what was denied before: so it is looked at again.
  use = Use::kTouch;
  if (maps) (void)survey();
  use = Use::kShow;
  const std::uint64_t visited = survey();
  print_line("pages", visited);
  ask_for_faults(abi::kSocleFaultsMapped);
  print_line("mapping-faults", faults.faults);
  print_line("mapping-lost", faults.lost);
  ask_for_faults(abi::kSocleFaultsDenied);
  print_line("denied-faults", faults.faults);
  print_line("wrongs", wrongs);
  guest::print("done\n");
}
