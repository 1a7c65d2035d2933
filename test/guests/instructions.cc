// SPDX-License-Identifier: Apache-2.0

// Every system register read and written, every system instruction, every HVC and SMC: each is done
// or is an exception of the guest's own, and the hypervisor answers afterwards.
//
//   read|write|system|call <done> <undefined> <other exceptions>
//   odd <instruction>   a call that should have been undefined and was not
//   version <number>    XENVER_version, afterwards
//   done

#include "guest.h"
#include "mmu.h"

namespace {

constexpr std::uint32_t kSystem = 0xd500'0000;
constexpr std::uint32_t kRead = 1 << 21;
constexpr std::uint32_t kHvc = 0xd400'0002;
constexpr std::uint32_t kSmc = 0xd400'0003;

alignas(64) constinit volatile std::uint32_t code[3] = {0, 0xd503'3fdf, 0xd65f'03c0};  // ISB, RET
alignas(4096) constinit std::uint8_t scratch[4096] = {};

struct Count {
  unsigned done = 0, undefined = 0, other = 0;

  void print(std::string_view what) const {
    guest::print(what);
    for (const unsigned number : {done, undefined, other}) {
      guest::print(" ");
      guest::print_number(number);
    }
    guest::print("\n");
  }
};

// One instruction, its register x0. True: it was done. `value` is x0 before and after.
bool run(std::uint32_t instruction, std::uint64_t& value, Count& count) {
  code[0] = instruction;
  const auto at = reinterpret_cast<std::uint64_t>(code);
  register std::uint64_t x0 asm("x0") = value;
  guest::expect_fault();
  asm volatile(
      "dc cvau, %1\n dsb ish\n ic ivau, %1\n dsb ish\n isb\n"
      "blr %1"
      : "+r"(x0)
      : "r"(at)
      : "x1", "x2", "x3", "x30", "memory", "cc");
  const guest::Fault fault = guest::end_of_faults();
  value = x0;
  if (!fault.taken) {
    ++count.done;
  } else if (fault.syndrome >> 26 == 0) {
    ++count.undefined;
  } else {
    ++count.other;
  }
  return !fault.taken;
}

// What this program stands on: translation, vectors, return addresses, stacks. Written as it is.
bool is_own(unsigned op1, unsigned crn) {
  return (op1 == 0 && (crn <= 6 || crn == 10 || crn == 13)) || (op1 == 3 && crn == 4);
}

// op1, CRn, CRm, op2 in their places, from 0 to 16383.
std::uint32_t with_fields(unsigned op0, unsigned number) {
  return kSystem | op0 << 19 | number << 5;
}

void registers() {
  Count read;
  Count write;
  for (unsigned op0 = 2; op0 < 4; ++op0) {
    for (unsigned number = 0; number < 1 << 14; ++number) {
      const unsigned op1 = number >> 11;
      const unsigned crn = number >> 7 & 15;
      std::uint64_t value = 0;
      const bool is_readable = run(with_fields(op0, number) | kRead, value, read);
      const bool own = op0 == 3 && (is_own(op1, crn) || (op1 == 0 && number >> 3 == 12 << 4));
      if (own && !is_readable) continue;
      if (!own) value = ~std::uint64_t{0};
      (void)run(with_fields(op0, number), value, write);
      if (own) continue;
      value = 0;
      (void)run(with_fields(op0, number), value, write);
    }
  }
  read.print("read");
  write.print("write");
}

void system_instructions() {
  Count count;
  for (const std::uint32_t direction : {std::uint32_t{0}, kRead}) {
    for (unsigned number = 0; number < 1 << 14; ++number) {
      std::uint64_t value = reinterpret_cast<std::uint64_t>(scratch);
      (void)run(with_fields(1, number) | direction, value, count);
    }
  }
  count.print("system");
}

void calls() {
  constexpr std::uint32_t kHypercall = 0xea1;
  Count count;
  for (std::uint32_t immediate = 1; immediate < 0x1'0000; ++immediate) {
    for (const std::uint32_t call : {kHvc, kSmc}) {
      if (call == kHvc && immediate == kHypercall) continue;
      std::uint64_t value = 0;
      if (!run(call | immediate << 5, value, count)) continue;
      guest::print("odd ");
      guest::print_hex(call | immediate << 5);
      guest::print("\n");
    }
  }
  count.print("call");
}

}  // namespace

void guest_main(const guest::Tree& tree) {
  guest::mmu::turn_on(tree);
  registers();
  system_instructions();
  calls();
  guest::print("version ");
  guest::print_number(static_cast<std::uint64_t>(guest::hypercall(17, 0)));
  guest::print("\ndone\n");
}
