// SPDX-License-Identifier: Apache-2.0
#include "ways.h"

#include "mmu.h"

namespace guest {
namespace {

bool has_lse() {
  std::uint64_t features;
  asm volatile("mrs %0, id_aa64isar0_el1" : "=r"(features));
  return (features >> 20 & 15) >= 2;
}

void touch_atomically(std::uint64_t at) {
  if (has_lse()) {
    asm volatile(".arch_extension lse\n ldadd xzr, x1, [%0]" ::"r"(at) : "x1", "memory");
  } else {
    asm volatile("ldxr x1, [%0]\n stxr w2, x1, [%0]\n clrex" ::"r"(at) : "x1", "x2", "memory");
  }
}

}  // namespace

std::string_view name_of(Way way) {
  switch (way) {
    case Way::kRead:
      return "ldr";
    case Way::kWrite:
      return "str";
    case Way::kReadPair:
      return "ldp";
    case Way::kWritePair:
      return "stp";
    case Way::kAtomic:
      return "atomic";
    case Way::kZero:
      return "dc-zva";
    case Way::kClean:
      return "dc-civac";
    case Way::kWalk:
      return "walk";
    case Way::kExecute:
      return "fetch";
  }
  __builtin_unreachable();
}

Fault touch(std::uint64_t physical, Way way) {
  const std::uint64_t at = mmu::show(0, physical, mmu::Type::kNormalWriteBack, way == Way::kWalk);
  return fault_of([&] {
    switch (way) {
      case Way::kRead:
      case Way::kWalk:
        asm volatile("ldr x1, [%0]" ::"r"(at) : "x1", "memory");
        break;
      case Way::kWrite:
        asm volatile("str xzr, [%0]" ::"r"(at) : "memory");
        break;
      case Way::kReadPair:
        asm volatile("ldp x1, x2, [%0]" ::"r"(at) : "x1", "x2", "memory");
        break;
      case Way::kWritePair:
        asm volatile("stp xzr, xzr, [%0]" ::"r"(at) : "memory");
        break;
      case Way::kAtomic:
        touch_atomically(at);
        break;
      case Way::kZero:
        asm volatile("dc zva, %0" ::"r"(at) : "memory");
        break;
      case Way::kClean:
        asm volatile("dc civac, %0\n dsb sy" ::"r"(at) : "memory");
        break;
      case Way::kExecute:
        asm volatile("blr %0" ::"r"(at) : "x30", "memory");
        break;
    }
  });
}

}  // namespace guest
