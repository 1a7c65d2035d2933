// SPDX-License-Identifier: Apache-2.0
#include "el2/firmware_call.h"

#include "base/test.h"
#include "el2/address_map.h"
#include "el2/registers.h"
#include "port/clock.h"

namespace socle::el2 {
namespace {

// Firmware of the tests: it has Socle's text, this stack, and a page of arguments.
alignas(kFrameSize) constinit std::byte stack[16 * kKiB]{};
alignas(kFrameSize) constinit std::byte page[kFrameSize]{};
constinit std::uint64_t of_socle = 7;  // not mapped for firmware

using Function = std::uint64_t (*)(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                                   std::uint64_t);

FirmwareAnswer call(Function function, std::array<std::uint64_t, kFirmwareArguments> arguments,
                    std::uint64_t deadline = kNoLimit) {
  static constinit bool is_ready = false;
  if (!is_ready) {
    const auto map = [](const std::byte* at, std::size_t bytes) {
      const Pa from(reinterpret_cast<std::uintptr_t>(at));
      return map_for_firmware(PaRange(from, from + bytes), Mapping::kReadWrite).has_value();
    };
    is_ready =
        prepare_firmware_calls().has_value() && map(stack, sizeof stack) && map(page, sizeof page);
    EXPECT_TRUE(is_ready);
  }
  return call_firmware({.function = reinterpret_cast<std::uintptr_t>(function),
                        .arguments = arguments,
                        .stack_top = stack + sizeof stack,
                        .deadline = deadline});
}

std::uint64_t put_arguments_together(std::uint64_t a, std::uint64_t b, std::uint64_t c,
                                     std::uint64_t d, std::uint64_t e) {
  return a | b << 8 | c << 16 | d << 24 | e << 32;
}
std::uint64_t use_fp(std::uint64_t at, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) {
  asm volatile(".arch_extension fp\n\tfmov d8, %0\n\tfmov d31, %0" ::"r"(at));
  return 0;
}
std::uint64_t read(std::uint64_t at, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) {
  return *reinterpret_cast<volatile std::uint64_t*>(at);
}
std::uint64_t write(std::uint64_t at, std::uint64_t value, std::uint64_t, std::uint64_t,
                    std::uint64_t) {
  *reinterpret_cast<volatile std::uint64_t*>(at) = value;
  return 0;
}
std::uint64_t wreck_everything(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                               std::uint64_t) {
  asm volatile(
      "mov x0, #1\n\tmov sp, x0\n\tmsr tpidr_el2, xzr\n\tmsr sp_el0, x0\n\tmov x18, #0\n\t"
      "mov x19, #0\n\tmov x29, #0\n\tudf #0" ::
          : "memory");
  return 0;
}

std::uint64_t masked_interrupts(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                                std::uint64_t) {
  return SOCLE_READ_REGISTER(daif);
}
// The timer's control and the low half of its deadline, as firmware finds them.
std::uint64_t timer(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) {
  return (SOCLE_READ_REGISTER(cnthp_ctl_el2) & 1) << 32 |
         (SOCLE_READ_REGISTER(cnthp_cval_el2) & 0xffff'ffff);
}
std::uint64_t spoil_timer(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                          std::uint64_t) {
  SOCLE_WRITE_REGISTER(cnthp_cval_el2, 0);
  SOCLE_WRITE_REGISTER(cnthp_ctl_el2, 3);
  asm volatile("udf #0");
  return 0;
}
std::uint64_t in_a_minute() {
  return port::counter() + 60 * port::counter_frequency();
}

TEST(FirmwareCall, InterruptsAreOnlyUnmaskedIfThereIsALimit) {
  EXPECT_EQ(call(masked_interrupts, {}).status, 0x3c0u);
  EXPECT_EQ(call(masked_interrupts, {}, in_a_minute()).status, 0x340u);
  EXPECT_EQ(SOCLE_READ_REGISTER(daif), 0x3c0u);
}

TEST(FirmwareCall, TheTimerIsArmedForTheLimitAndSetBack) {
  const std::uint64_t due = port::counter() - 1;  // not to be forgotten
  port::set_wakeup(due);
  const std::uint64_t deadline = in_a_minute();
  EXPECT_EQ(call(timer, {}, deadline).status, std::uint64_t{1} << 32 | (deadline & 0xffff'ffff));
  EXPECT_EQ(call(timer, {}).status >> 32, 0u);
  EXPECT_FALSE(call(spoil_timer, {}, deadline).has_returned);
  EXPECT_EQ(SOCLE_READ_REGISTER(cnthp_cval_el2), due);
  EXPECT_EQ(SOCLE_READ_REGISTER(cnthp_ctl_el2), 5u);  // enabled, due
  port::set_wakeup(kNoLimit);
}

TEST(FirmwareCall, AnExceptionIsNotLate) {
  const FirmwareAnswer answer = call(wreck_everything, {}, in_a_minute());
  EXPECT_FALSE(answer.has_returned);
  EXPECT_FALSE(answer.is_late);
}

TEST(FirmwareCall, PassesArgumentsAndTheStatus) {
  const FirmwareAnswer answer = call(put_arguments_together, {1, 2, 3, 4, 5});
  EXPECT_TRUE(answer.has_returned);
  EXPECT_EQ(answer.status, 0x05'0403'0201u);
}

TEST(FirmwareCall, ReachesWhatIsMappedForIt) {
  const auto at = reinterpret_cast<std::uintptr_t>(page);
  EXPECT_TRUE(call(write, {at, 42}).has_returned);
  EXPECT_EQ(*reinterpret_cast<std::uint64_t*>(page), 42u);
}

TEST(FirmwareCall, CannotReadSoclesData) {
  const auto at = reinterpret_cast<std::uintptr_t>(&of_socle);
  const FirmwareAnswer answer = call(read, {at});
  EXPECT_FALSE(answer.has_returned);
  EXPECT_EQ(answer.vector, 4u);  // synchronous, at SP_EL2
  EXPECT_EQ(answer.far, at);
  EXPECT_EQ(answer.esr >> 26, 0x25u);  // data abort, same level
  EXPECT_EQ(of_socle, 7u);
}

TEST(FirmwareCall, CannotWriteSoclesText) {
  const FirmwareAnswer answer = call(write, {reinterpret_cast<std::uintptr_t>(&read), 0});
  EXPECT_FALSE(answer.has_returned);
}

TEST(FirmwareCall, AJumpIntoDataIsCaught) {
  const FirmwareAnswer answer = call(reinterpret_cast<Function>(page), {});
  EXPECT_FALSE(answer.has_returned);
  EXPECT_EQ(answer.elr, reinterpret_cast<std::uintptr_t>(page));
}

TEST(FirmwareCall, RegistersThatItWreckedAreRestored) {
  const std::uint64_t tpidr = SOCLE_READ_REGISTER(tpidr_el2);
  const std::uint64_t vbar = SOCLE_READ_REGISTER(vbar_el2);
  const std::uint64_t tables = SOCLE_READ_REGISTER(ttbr0_el2);
  SOCLE_WRITE_REGISTER(sp_el0, 0x1234);
  EXPECT_FALSE(call(wreck_everything, {}).has_returned);
  EXPECT_EQ(SOCLE_READ_REGISTER(sp_el0), 0x1234u);
  EXPECT_EQ(SOCLE_READ_REGISTER(tpidr_el2), tpidr);
  EXPECT_EQ(SOCLE_READ_REGISTER(vbar_el2), vbar);
  EXPECT_EQ(SOCLE_READ_REGISTER(ttbr0_el2), tables);
  EXPECT_EQ(of_socle, 7u);
}

TEST(FirmwareCall, TheGuestsFpRegistersStay) {
  const std::uint64_t traps = SOCLE_READ_REGISTER(cptr_el2);
  SOCLE_WRITE_REGISTER(cptr_el2, traps & ~(std::uint64_t{1} << 10));
  asm volatile("isb\n\t.arch_extension fp\n\tfmov d8, %0" ::"r"(std::uint64_t{99}));
  EXPECT_TRUE(call(use_fp, {1}).has_returned);
  std::uint64_t kept = 0;
  asm volatile(".arch_extension fp\n\tfmov %0, d8" : "=r"(kept));
  SOCLE_WRITE_REGISTER(cptr_el2, traps);
  EXPECT_EQ(kept, 99u);
}

}  // namespace
}  // namespace socle::el2
