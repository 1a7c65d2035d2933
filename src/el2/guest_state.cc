// SPDX-License-Identifier: Apache-2.0
#include "el2/guest_state.h"

#include "base/log.h"
#include "el2/address_map.h"
#include "el2/layout.h"
#include "el2/registers.h"
#include "guest/domain.h"
#include "guest/frame.h"
#include "guest/vcpu.h"
#include "port/cpu.h"

namespace socle::el2 {

static_assert(offsetof(guest::CpuFrame, x[30]) == SOCLE_FRAME_X30);
static_assert(offsetof(guest::CpuFrame, pc) == SOCLE_FRAME_PC);
static_assert(offsetof(guest::CpuFrame, pstate) == SOCLE_FRAME_PSTATE);
static_assert(offsetof(guest::CpuFrame, esr) == SOCLE_FRAME_ESR);
static_assert(offsetof(guest::CpuFrame, pending_work) == SOCLE_FRAME_PENDING_WORK);
static_assert(sizeof(guest::CpuFrame) == SOCLE_FRAME_SIZE);

void log_current_guest() {
  const guest::Vcpu* const vcpu = guest::current_vcpu_or_null();
  if (vcpu == nullptr) {
    log_warning("CPU {} runs no vCPU", port::current_cpu());
    return;
  }
  const guest::CpuFrame* const frame = vcpu->frame;
  log_warning("CPU {} runs d{}v{}, work {#x}", port::current_cpu(), vcpu->domain.id, vcpu->id,
              vcpu->pending_work.load(std::memory_order_relaxed));
  if (frame == nullptr || !is_readable(reinterpret_cast<std::uintptr_t>(frame))) return;
  log_warning("guest pc  {016x}  pstate {08x}  last esr {08x}", frame->pc, frame->pstate,
              frame->esr);
  for (unsigned i = 0; i < 30; i += 3)
    log_warning("guest x{-2} {016x}  x{-2} {016x}  x{-2} {016x}", i, frame->x[i], i + 1,
                frame->x[i + 1], i + 2, frame->x[i + 2]);
  log_warning("guest lr  {016x}  sp_el0 {016x}  sp_el1 {016x}", frame->x[30],
              SOCLE_READ_REGISTER(sp_el0), SOCLE_READ_REGISTER(sp_el1));
  log_warning("guest sctlr {08x}  ttbr1 {016x}  vbar {016x}", SOCLE_READ_REGISTER(sctlr_el1),
              SOCLE_READ_REGISTER(ttbr1_el1), SOCLE_READ_REGISTER(vbar_el1));
}

}  // namespace socle::el2
