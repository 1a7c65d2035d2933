// SPDX-License-Identifier: Apache-2.0
#include "el2/firmware_call.h"

#include "el2/address_map.h"
#include "el2/early_boot.h"
#include "el2/layout.h"
#include "el2/registers.h"
#include "guest/fp_context.h"
#include "port/clock.h"

namespace socle::el2 {
namespace {

constexpr std::uint64_t kTrapFp = 1 << 10;  // of CPTR_EL2
constexpr std::uint64_t kReturned = ~std::uint64_t{0};
constexpr std::uint64_t kAllMasked = 0x3c0;  // of DAIF
constexpr std::uint64_t kInterruptMasked = 0x80;

}  // namespace

extern "C" {

// The page that both address spaces have.
struct alignas(kFrameSize) FirmwareFrame {
  std::uint64_t kept[12];  // x19 to x30
  std::uint64_t sp;
  std::uint64_t sp_el0;
  std::uint64_t tpidr;
  std::uint64_t vbar;
  std::uint64_t socle_tables;
  std::uint64_t tables;
  std::byte* stack_top;
  std::array<std::uint64_t, kFirmwareArguments> arguments;
  std::uint64_t function;
  std::uint64_t masked;  // DAIF of the call
  std::uint64_t status;
  std::uint64_t vector;
  std::uint64_t esr;
  std::uint64_t far;
  std::uint64_t elr;
  guest::FpContext fp;
};
static_assert(offsetof(FirmwareFrame, sp) == SOCLE_FIRMWARE_SP);
static_assert(offsetof(FirmwareFrame, tpidr) == SOCLE_FIRMWARE_TPIDR);
static_assert(offsetof(FirmwareFrame, socle_tables) == SOCLE_FIRMWARE_SOCLE_TABLES);
static_assert(offsetof(FirmwareFrame, tables) == SOCLE_FIRMWARE_TABLES);
static_assert(offsetof(FirmwareFrame, arguments) == SOCLE_FIRMWARE_ARGUMENTS);
static_assert(offsetof(FirmwareFrame, function) == SOCLE_FIRMWARE_FUNCTION);
static_assert(offsetof(FirmwareFrame, masked) == SOCLE_FIRMWARE_MASKED);
static_assert(offsetof(FirmwareFrame, status) == SOCLE_FIRMWARE_STATUS);
static_assert(offsetof(FirmwareFrame, esr) == SOCLE_FIRMWARE_SYNDROME);

constinit FirmwareFrame socle_firmware_frame{};

void socle_firmware_call(FirmwareFrame* frame);
}

namespace {

// This CPU's hypervisor timer, which belongs to whoever armed it: it is a level, so what fell due
// meanwhile is signalled when it is set back.
class BorrowedTimer {
 public:
  explicit BorrowedTimer(std::uint64_t deadline)
      : control_(SOCLE_READ_REGISTER(cnthp_ctl_el2)),
        compare_(SOCLE_READ_REGISTER(cnthp_cval_el2)) {
    port::set_wakeup(deadline);
  }
  ~BorrowedTimer() {
    SOCLE_WRITE_REGISTER(cnthp_cval_el2, compare_);
    SOCLE_WRITE_REGISTER(cnthp_ctl_el2, control_);
    asm volatile("isb" ::: "memory");
  }
  BorrowedTimer(const BorrowedTimer&) = delete;
  BorrowedTimer& operator=(const BorrowedTimer&) = delete;

 private:
  std::uint64_t control_;
  std::uint64_t compare_;
};

// The timer's own level and what has just been masked take a moment to go away. What does not would
// end the call at once.
bool is_quiet() {
  constexpr unsigned kPatience = 1000;
  for (unsigned n = 0; n < kPatience; ++n) {
    if ((SOCLE_READ_REGISTER(isr_el1) & kInterruptMasked) == 0) return true;
  }
  return false;
}

// An interrupt, at either stack pointer.
bool is_interrupt(std::uint64_t vector) {
  return vector == 1 || vector == 5;
}

}  // namespace

Result<> prepare_firmware_calls() {
  const auto address = [](const void* at) { return Pa(reinterpret_cast<std::uintptr_t>(at)); };
  TRY(map_for_firmware(PaRange(address(socle_text_start), address(socle_text_end)),
                       Mapping::kText));
  const Pa frame = address(&socle_firmware_frame);
  return map_for_firmware(PaRange(frame, frame + sizeof socle_firmware_frame), Mapping::kReadWrite);
}

FirmwareAnswer call_firmware(const FirmwareCall& call) {
  FirmwareFrame& frame = socle_firmware_frame;
  frame.tables = firmware_tables();
  frame.stack_top = call.stack_top;
  frame.arguments = call.arguments;
  frame.function = call.function;
  const BorrowedTimer timer(call.deadline);
  const bool has_limit = call.deadline != kNoLimit && is_quiet();
  frame.masked = has_limit ? kAllMasked & ~kInterruptMasked : kAllMasked;

  const std::uint64_t traps = SOCLE_READ_REGISTER(cptr_el2);
  SOCLE_WRITE_REGISTER(cptr_el2, traps & ~kTrapFp);
  asm volatile("isb" ::: "memory");
  guest::save_fp_context(frame.fp);
  socle_firmware_call(&frame);
  guest::load_fp_context(frame.fp);
  SOCLE_WRITE_REGISTER(cptr_el2, traps);
  asm volatile("isb" ::: "memory");

  return {.has_returned = frame.vector == kReturned,
          .is_late = is_interrupt(frame.vector) && port::counter() >= call.deadline,
          .status = frame.status,
          .vector = frame.vector,
          .esr = frame.esr,
          .far = frame.far,
          .elr = frame.elr};
}

}  // namespace socle::el2
