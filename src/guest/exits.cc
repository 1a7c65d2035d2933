// SPDX-License-Identifier: Apache-2.0
#include "guest/exits.h"

#include "base/log.h"
#include "guest/idle.h"
#include "guest/inject.h"
#include "guest/power.h"
#include "guest/rate_limit.h"
#include "guest/sysreg_traps.h"
#include "guest/vcpu.h"
#include "guest/vdev/smccc.h"
#include "hw/esr.h"
#include "port/sysreg.h"

namespace socle::guest {

namespace {

using hw::Esr;
using hw::ExceptionClass;

constexpr std::uint64_t kXenHypercall = 0xea1;

constinit RateLimit unexpected_exit_limit;
constinit RateLimit serror_limit;

// What follows is kept out of line: socle_guest_sync_exit() then needs no stack frame and the
// frequent exits leave it by a jump.

// HVC's PC is behind it; an undefined instruction's is on it.
void undefined_hvc(CpuFrame& frame) {
  frame.pc -= 4;
  inject_undefined(frame);
}

[[gnu::noinline]] void hvc(Vcpu& vcpu, CpuFrame& frame) {
  const std::uint64_t immediate = Esr::Immediate::get(frame.esr);
  if (immediate == 0) {
    smccc::call(vcpu, frame);
  } else {
    undefined_hvc(frame);
  }
}

// Trapped before it executes: the PC is on it. The call comes second, because it may replace the
// frame's PC.
void smc(Vcpu& vcpu, CpuFrame& frame) {
  if (Esr::Immediate::get(frame.esr) != 0) {
    inject_undefined(frame);
    return;
  }
  advance_pc(frame);
  smccc::call(vcpu, frame);
}

[[gnu::noinline]] void wfx(Vcpu& vcpu, CpuFrame& frame) {
  if (!condition_holds(frame)) {
    advance_pc(frame);
    return;
  }
  advance_pc(frame);
  // WFE does not trap; a WFIT (not advertised) may return at any time, so at once.
  if (Esr::WfxKind::get(frame.esr) == Esr::kWfi) block(vcpu);
}

void unexpected(Vcpu& vcpu, CpuFrame& frame) {
  if (unexpected_exit_limit.allow()) {
    log_warning("vCPU {} pc {#x}: exit with ESR {#x}, answered as undefined", vcpu.id, frame.pc,
                frame.esr);
  }
  inject_undefined(frame, Esr::IL::get(frame.esr) != 0);
}

[[gnu::noinline]] void other_exit(Vcpu& vcpu, CpuFrame& frame) {
  switch (Esr::exception_class(frame.esr)) {
    case ExceptionClass::kSmc64:
      smc(vcpu, frame);
      return;
    case ExceptionClass::kCp15Mcr:
      emulate_cp15(vcpu, frame);
      return;
    case ExceptionClass::kCp15Mcrr:
      emulate_cp15_wide(vcpu, frame);
      return;
    case ExceptionClass::kInstructionAbortLower:
      stage2_abort_entry(vcpu, frame);
      return;
    // Features that the guest was told not to have, and debug registers of AArch32.
    case ExceptionClass::kCp14Mcr:
    case ExceptionClass::kCp14Ldc:
    case ExceptionClass::kCp14Mrrc:
      if (!condition_holds(frame)) {
        advance_pc(frame);
        return;
      }
      inject_undefined(frame, Esr::IL::get(frame.esr) != 0);
      return;
    case ExceptionClass::kFloatingPoint:
    case ExceptionClass::kPointerAuthentication:
    case ExceptionClass::kSve:
    case ExceptionClass::kSme:
    case ExceptionClass::kEret:
    case ExceptionClass::kMemoryCopy:
    case ExceptionClass::kUnknown:
      inject_undefined(frame, Esr::IL::get(frame.esr) != 0);
      return;
    // Handled before, or never taken to EL2 from a guest.
    case ExceptionClass::kWfx:
    case ExceptionClass::kHvc64:
    case ExceptionClass::kSystemRegister:
    case ExceptionClass::kDataAbortLower:
    case ExceptionClass::kIllegalState:
    case ExceptionClass::kHvc32:
    case ExceptionClass::kSmc32:
    case ExceptionClass::kSvc64:
    case ExceptionClass::kInstructionAbortSame:
    case ExceptionClass::kPcAlignment:
    case ExceptionClass::kDataAbortSame:
    case ExceptionClass::kSpAlignment:
    case ExceptionClass::kSerror:
    case ExceptionClass::kBrk64:
      break;
  }
  unexpected(vcpu, frame);
}

}  // namespace

extern "C" {

void socle_guest_sync_exit(CpuFrame* frame) {
  Vcpu& vcpu = *frame->vcpu;
  constexpr std::uint64_t kHypercallEsr = Esr::make(ExceptionClass::kHvc64, true, kXenHypercall);
  // In the order of how often they happen.
  if (frame->esr == kHypercallEsr) {
    hypercall_entry(vcpu, *frame);
    return;
  }
  const ExceptionClass ec = Esr::exception_class(frame->esr);
  if (ec == ExceptionClass::kSystemRegister) {
    emulate_system_register(vcpu, *frame);
  } else if (ec == ExceptionClass::kDataAbortLower) {
    stage2_abort_entry(vcpu, *frame);
  } else if (ec == ExceptionClass::kWfx) {
    wfx(vcpu, *frame);
  } else if (ec == ExceptionClass::kHvc64) {
    hvc(vcpu, *frame);
  } else {
    other_exit(vcpu, *frame);
  }
}

void socle_guest_irq_exit(CpuFrame*) {
  socle_dispatch_interrupts();
}

// Whatever caused it (a device of the domain, a memory error that it read), it became visible while
// this guest ran; it is told, and decides what to do. With `syndrome` bit 24 the guest knows that
// nothing is known.
void socle_guest_serror_exit(CpuFrame* frame) {
  Vcpu& vcpu = current_vcpu();
  if (serror_limit.allow()) {
    log_warning("SError while vCPU {} ran at pc {#x} (ESR {#x}): passed on", vcpu.id, frame->pc,
                frame->esr);
  }
  inject_serror(vcpu, Esr::ISS::get(frame->esr));
}

void socle_guest_entry_work(CpuFrame*) {
  Vcpu& vcpu = current_vcpu();
  while (serve_work(vcpu))
    serve_power(vcpu);
}

}  // extern "C"

}  // namespace socle::guest
