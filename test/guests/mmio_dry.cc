// SPDX-License-Identifier: Apache-2.0

// A hardware domain that uses up its translation tables and then touches addresses that need one
// more, and addresses that do not.
//
//   dry-pages <number>   mapped, each in a table of its own, until that was refused
//   dry-error <number>   ... with this error
//   dry-far denied       needs a table: an abort
//   dry-near mapped      needs none
//   done

#include "abi/socle.h"

#include "guest.h"
#include "mmu.h"

namespace {

using guest::mmu::Type;
using namespace socle;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kTableSpan = 0x20'0000;
constexpr std::uint64_t kMemoryOp = 12;
constexpr std::uint64_t kAddToPhysmap = 7;
constexpr std::uint32_t kDeviceMmio = 5;
constexpr std::uint16_t kSelf = 0x7ff0;

bool is_mapped(std::uint64_t physical) {
  constinit static abi::SocleTranslate request = {};
  request = {guest::mmu::show(7, physical, Type::kDeviceNGnRE), 0, 0, 0};
  if (guest::hypercall(abi::kSocleCall, abi::kSocleTranslate,
                       reinterpret_cast<std::uint64_t>(&request)) != 0)
    guest::fail("translate is not there");
  return (request.par & 1) == 0;
}

std::int64_t ask_for(std::uint64_t physical) {
  struct {
    std::uint16_t domid, size;
    std::uint32_t space;
    std::uint64_t index, frame;
  } request = {kSelf, 0, kDeviceMmio, physical / kPage, physical / kPage};
  return guest::hypercall(kMemoryOp, kAddToPhysmap, reinterpret_cast<std::uint64_t>(&request));
}

void touch(std::string_view name, std::uint64_t physical) {
  const std::uint64_t at = guest::mmu::show(0, physical, Type::kNormalWriteBack);
  const auto fault = guest::fault_of([&] {
    asm volatile("ldr x1, [%0]" ::"r"(at) : "x1", "memory");
  });
  guest::print(name);
  // Nothing is there: what is mapped aborts, too, but on the bus.
  guest::print(is_mapped(physical) ? " mapped\n" : fault.taken ? " denied\n" : " WORKS\n");
}

}  // namespace

void guest_main(const guest::Tree& tree) {
  std::uint64_t features;
  asm volatile("mrs %0, id_aa64mmfr0_el1" : "=r"(features));
  // With fewer bits than that, tables of the first level are always there.
  if ((features & 15) < 4) guest::fail("44 bits of physical address are needed");
  guest::mmu::turn_on(tree);
  // In different halves of the space.
  constexpr std::uint64_t kNear = std::uint64_t{1} << 42;
  constexpr std::uint64_t kFar = std::uint64_t{3} << 42;
  std::uint64_t pages = 0;
  std::int64_t error = 0;
  while (error == 0 && pages < 40'000) {
    error = ask_for(kNear + pages * kTableSpan);
    if (error == 0) ++pages;
  }
  guest::print("dry-pages ");
  guest::print_number(pages);
  guest::print("\ndry-error ");
  guest::print_number(static_cast<std::uint64_t>(-error));
  guest::print("\n");
  touch("dry-far", kFar);
  touch("dry-near", kNear + kPage);
  guest::print("done\n");
}
