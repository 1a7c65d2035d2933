// SPDX-License-Identifier: Apache-2.0
#include "port/ich.h"

namespace socle::port {

namespace detail {

constinit MmioRegion gich;

std::uint64_t read_high_list_register(unsigned index) {
  std::uint64_t value = 0;
  switch (index) {
    case 0:
      asm volatile("mrs %0, ich_lr0_el2" : "=r"(value));
      break;
    case 1:
      asm volatile("mrs %0, ich_lr1_el2" : "=r"(value));
      break;
    case 2:
      asm volatile("mrs %0, ich_lr2_el2" : "=r"(value));
      break;
    case 3:
      asm volatile("mrs %0, ich_lr3_el2" : "=r"(value));
      break;
    case 4:
      asm volatile("mrs %0, ich_lr4_el2" : "=r"(value));
      break;
    case 5:
      asm volatile("mrs %0, ich_lr5_el2" : "=r"(value));
      break;
    case 6:
      asm volatile("mrs %0, ich_lr6_el2" : "=r"(value));
      break;
    case 7:
      asm volatile("mrs %0, ich_lr7_el2" : "=r"(value));
      break;
    case 8:
      asm volatile("mrs %0, ich_lr8_el2" : "=r"(value));
      break;
    case 9:
      asm volatile("mrs %0, ich_lr9_el2" : "=r"(value));
      break;
    case 10:
      asm volatile("mrs %0, ich_lr10_el2" : "=r"(value));
      break;
    case 11:
      asm volatile("mrs %0, ich_lr11_el2" : "=r"(value));
      break;
    case 12:
      asm volatile("mrs %0, ich_lr12_el2" : "=r"(value));
      break;
    case 13:
      asm volatile("mrs %0, ich_lr13_el2" : "=r"(value));
      break;
    case 14:
      asm volatile("mrs %0, ich_lr14_el2" : "=r"(value));
      break;
    case 15:
      asm volatile("mrs %0, ich_lr15_el2" : "=r"(value));
      break;
  }
  return value;
}

void write_high_list_register(unsigned index, std::uint64_t value) {
  switch (index) {
    case 0:
      asm volatile("msr ich_lr0_el2, %0" ::"r"(value));
      break;
    case 1:
      asm volatile("msr ich_lr1_el2, %0" ::"r"(value));
      break;
    case 2:
      asm volatile("msr ich_lr2_el2, %0" ::"r"(value));
      break;
    case 3:
      asm volatile("msr ich_lr3_el2, %0" ::"r"(value));
      break;
    case 4:
      asm volatile("msr ich_lr4_el2, %0" ::"r"(value));
      break;
    case 5:
      asm volatile("msr ich_lr5_el2, %0" ::"r"(value));
      break;
    case 6:
      asm volatile("msr ich_lr6_el2, %0" ::"r"(value));
      break;
    case 7:
      asm volatile("msr ich_lr7_el2, %0" ::"r"(value));
      break;
    case 8:
      asm volatile("msr ich_lr8_el2, %0" ::"r"(value));
      break;
    case 9:
      asm volatile("msr ich_lr9_el2, %0" ::"r"(value));
      break;
    case 10:
      asm volatile("msr ich_lr10_el2, %0" ::"r"(value));
      break;
    case 11:
      asm volatile("msr ich_lr11_el2, %0" ::"r"(value));
      break;
    case 12:
      asm volatile("msr ich_lr12_el2, %0" ::"r"(value));
      break;
    case 13:
      asm volatile("msr ich_lr13_el2, %0" ::"r"(value));
      break;
    case 14:
      asm volatile("msr ich_lr14_el2, %0" ::"r"(value));
      break;
    case 15:
      asm volatile("msr ich_lr15_el2, %0" ::"r"(value));
      break;
  }
}

std::uint32_t read_active_priorities(unsigned group, unsigned index) {
  std::uint64_t value = 0;
  switch (group * 4 + index) {
    case 0:
      asm volatile("mrs %0, ich_ap0r0_el2" : "=r"(value));
      break;
    case 1:
      asm volatile("mrs %0, ich_ap0r1_el2" : "=r"(value));
      break;
    case 2:
      asm volatile("mrs %0, ich_ap0r2_el2" : "=r"(value));
      break;
    case 3:
      asm volatile("mrs %0, ich_ap0r3_el2" : "=r"(value));
      break;
    case 4:
      asm volatile("mrs %0, ich_ap1r0_el2" : "=r"(value));
      break;
    case 5:
      asm volatile("mrs %0, ich_ap1r1_el2" : "=r"(value));
      break;
    case 6:
      asm volatile("mrs %0, ich_ap1r2_el2" : "=r"(value));
      break;
    case 7:
      asm volatile("mrs %0, ich_ap1r3_el2" : "=r"(value));
      break;
  }
  return static_cast<std::uint32_t>(value);
}

void write_active_priorities(unsigned group, unsigned index, std::uint32_t value) {
  switch (group * 4 + index) {
    case 0:
      asm volatile("msr ich_ap0r0_el2, %0" ::"r"(std::uint64_t{value}));
      break;
    case 1:
      asm volatile("msr ich_ap0r1_el2, %0" ::"r"(std::uint64_t{value}));
      break;
    case 2:
      asm volatile("msr ich_ap0r2_el2, %0" ::"r"(std::uint64_t{value}));
      break;
    case 3:
      asm volatile("msr ich_ap0r3_el2, %0" ::"r"(std::uint64_t{value}));
      break;
    case 4:
      asm volatile("msr ich_ap1r0_el2, %0" ::"r"(std::uint64_t{value}));
      break;
    case 5:
      asm volatile("msr ich_ap1r1_el2, %0" ::"r"(std::uint64_t{value}));
      break;
    case 6:
      asm volatile("msr ich_ap1r2_el2, %0" ::"r"(std::uint64_t{value}));
      break;
    case 7:
      asm volatile("msr ich_ap1r3_el2, %0" ::"r"(std::uint64_t{value}));
      break;
  }
}

}  // namespace detail

void ich_use_memory(const MmioRegion& gich) {
  detail::gich = gich;
}

}  // namespace socle::port
