// SPDX-License-Identifier: Apache-2.0
#include "el2/syndrome_text.h"

#include "base/log.h"
#include "el2/registers.h"

namespace socle::el2 {
namespace {

struct Name {
  std::uint16_t number;
  std::string_view text;
};

// Exception classes that EL2 can take from itself (D19.2.38).
constexpr Name kClasses[] = {
    {0x00, "undefined instruction"},
    {0x07, "use of floating point or SIMD"},
    {0x0d, "branch to a place that is no branch target"},
    {0x0e, "illegal execution state"},
    {0x16, "HVC"},
    {0x17, "SMC"},
    {0x18, "system register access"},
    {0x19, "use of SVE"},
    {0x1c, "pointer authentication failure"},
    {0x1d, "use of SME"},
    {0x21, "instruction abort"},
    {0x22, "misaligned program counter"},
    {0x25, "data abort"},
    {0x26, "misaligned stack pointer"},
    {0x2f, "SError"},
    {0x31, "breakpoint"},
    {0x33, "single step"},
    {0x35, "watchpoint"},
    {0x3c, "BRK"},
};

// Fault status without its level.
constexpr Name kFaults[] = {
    {0x00, "address size fault, level "},
    {0x04, "translation fault, level "},
    {0x08, "access flag fault, level "},
    {0x0c, "permission fault, level "},
    {0x14, "external abort on a table walk, level "},
    {0x1c, "memory error on a table walk, level "},
};
constexpr Name kOtherFaults[] = {
    {0x10, "external abort"}, {0x11, "tag check fault"},
    {0x18, "memory error"},   {0x21, "misaligned address"},
    {0x30, "TLB conflict"},   {0x35, "exclusive access to memory that cannot do it"},
};

// What clang's -fsanitize-trap puts into the low byte of BRK #0x55xx: the check's ordinal
// (clang/lib/CodeGen/CodeGenFunction.h, LIST_SANITIZER_CHECKS, clang 19).
constexpr std::string_view kUndefinedBehaviour[] = {
    "addition overflow",
    "end of an unreachable path",
    "cast to a wrong type",
    "division overflow or by zero",
    "object of a wrong dynamic type",
    "conversion of a float out of range",
    "call through a wrong function type",
    "implicit conversion that changed the value",
    "invalid argument of a builtin",
    "invalid Objective-C cast",
    "load of an invalid value",
    "end of a function without return",
    "multiplication overflow",
    "negation overflow",
    "null argument that must not be",
    "null result that must not be",
    "null argument that must not be",
    "null result that must not be",
    "index out of bounds",
    "pointer arithmetic overflow",
    "shift out of range",
    "subtraction overflow",
    "null or misaligned pointer",
    "wrong alignment that was assumed",
    "variable-length array of no positive size",
};

template <std::size_t N>
std::string_view find(const Name (&names)[N], std::uint64_t number, std::string_view otherwise) {
  for (const Name& name : names) {
    if (name.number == number) return name.text;
  }
  return otherwise;
}

void describe_abort(std::uint64_t syndrome, bool is_data, std::uint64_t far) {
  constexpr std::uint64_t kWrite = 1 << 6;
  const std::uint64_t status = syndrome & 0x3f;
  const std::string_view access = !is_data ? "fetch" : (syndrome & kWrite) != 0 ? "write" : "read";
  const std::string_view levelled = find(kFaults, status & 0x3c, "");
  if (!levelled.empty()) {
    log_error("{} of {016x}: {}{}", access, far, levelled, status & 3);
  } else {
    log_error("{} of {016x}: {}", access, far, find(kOtherFaults, status, "unknown fault"));
  }
}

void describe_break(std::uint64_t immediate) {
  const std::uint64_t check = immediate & 0xff;
  if (immediate >> 8 != 0x55) {
    log_error("BRK #{#x}", immediate);
  } else if (check < sizeof(kUndefinedBehaviour) / sizeof(kUndefinedBehaviour[0])) {
    log_error("undefined behaviour: {}", kUndefinedBehaviour[check]);
  } else {
    log_error("undefined behaviour, check {}", check);
  }
}

}  // namespace

void describe_exception(std::uint64_t vector, std::uint64_t esr, std::uint64_t far) {
  static constexpr std::string_view kKinds[] = {"synchronous exception", "IRQ", "FIQ", "SError"};
  if (vector < 4) log_error("{} with SP_EL0 selected: the stack pointer is wrong", kKinds[vector]);
  const std::uint64_t kind = vector & 3;
  if (kind == 1 || kind == 2) {
    log_error("{} at EL2, where it must be masked", kKinds[kind]);
    return;
  }
  const std::uint64_t exception_class = esr::Class::get(esr);
  const std::uint64_t syndrome = esr::Syndrome::get(esr);
  log_error("{}: {} (ESR {08x})", kKinds[kind], find(kClasses, exception_class, "unknown class"),
            esr);
  if (exception_class == 0x21 || exception_class == 0x25)
    describe_abort(syndrome, exception_class == 0x25, far);
  if (exception_class == 0x3c) describe_break(syndrome & 0xffff);
}

}  // namespace socle::el2
