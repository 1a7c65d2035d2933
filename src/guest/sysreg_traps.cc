// SPDX-License-Identifier: Apache-2.0
#include "guest/sysreg_traps.h"

#include "guest/context.h"
#include "guest/domain.h"
#include "guest/inject.h"
#include "guest/vcpu.h"
#include "guest/vdev/vgic.h"
#include "guest/vdev/vtimer.h"
#include "hw/esr.h"
#include "hw/sysreg.h"
#include "port/sysreg.h"

namespace socle::guest {

namespace {

using hw::SystemRegister;
using Syndrome = hw::SystemRegisterSyndrome;

// What becomes of an access.
enum class Outcome : std::uint8_t { kDone, kUndefined };

struct Access {
  Vcpu& vcpu;
  SystemRegister reg;
  bool is_read;
  bool from_el0;
  std::uint64_t value;  // in for a write, out for a read
};

Outcome read_zero_write_ignored(Access& access) {
  access.value = 0;
  return Outcome::kDone;
}
Outcome reads_as(Access& access, std::uint64_t value) {
  if (!access.is_read) return Outcome::kUndefined;
  access.value = value;
  return Outcome::kDone;
}
Outcome write_ignored(const Access& access) {
  return access.is_read ? Outcome::kUndefined : Outcome::kDone;
}

Outcome access_physical_timer(Access& access, vtimer::Register which) {
  if (access.is_read) {
    access.value = vtimer::read(access.vcpu, which);
  } else {
    vtimer::write(access.vcpu, which, access.value);
  }
  return Outcome::kDone;
}

Outcome access_mdscr(Access& access) {
  std::uint64_t& kept = access.vcpu.system.mdscr_el1;
  if (access.is_read) {
    access.value = kept;
  } else {
    kept = access.value & 0xffff'ffff;
    port::write_register<hw::MDSCR_EL1>(hardware_mdscr(kept));
  }
  return Outcome::kDone;
}

// op0 = 2: debug and trace. DBGBVRn, DBGBCRn, DBGWVRn, DBGWCRn are op2 4 to 7 of CRn = 0.
Outcome access_debug(Access& access) {
  if (access.reg.op1 == 1) return Outcome::kUndefined;  // trace unit: none
  if (access.reg.op1 == 0 && access.reg.crn == 0 && access.reg.op2 >= 4) {
    return read_zero_write_ignored(access);
  }
  switch (access.reg.code()) {
    case hw::MDSCR_EL1::kRegister.code():
      return access_mdscr(access);
    case hw::OSLAR_EL1::kRegister.code():
      return write_ignored(access);
    case hw::OSLSR_EL1::kRegister.code():
      return reads_as(access, hw::OSLSR_EL1::kLockImplemented);
    case hw::MDRAR_EL1::kRegister.code():
    case hw::DBGAUTHSTATUS_EL1::kRegister.code():
      return reads_as(access, 0);
    case hw::OSDLR_EL1::kRegister.code():
    case hw::DBGPRCR_EL1::kRegister.code():
    case hw::DBGCLAIMSET_EL1::kRegister.code():
    case hw::DBGCLAIMCLR_EL1::kRegister.code():
    case hw::MDCCINT_EL1::kRegister.code():
    case hw::OSDTRRX_EL1::kRegister.code():
    case hw::OSDTRTX_EL1::kRegister.code():
    case hw::OSECCR_EL1::kRegister.code():
    case hw::MDCCSR_EL0::kRegister.code():
    case hw::DBGDTR_EL0::kRegister.code():
    case hw::DBGDTRRX_EL0::kRegister.code():
      return read_zero_write_ignored(access);
    default:
      return Outcome::kUndefined;
  }
}

// Performance monitors do not exist for a guest. Kernels that do not look at the ID register first
// are met half way at EL1; at EL0 PMUSERENR_EL0, which reads as zero, says no.
bool is_performance_monitor(SystemRegister reg) {
  if (reg.op0 != 3) return false;
  if (reg.op1 == 3 && reg.crn == 9 && reg.crm >= 12 && reg.crm <= 14) return true;
  if (reg.op1 == 3 && reg.crn == 14 && reg.crm >= 8) return true;
  return reg.op1 == 0 && reg.crn == 9 && reg.crm == 14;
}

Outcome access_other(Access& access) {
  switch (access.reg.code()) {
    case hw::ICC_ASGI1R_EL1::kRegister.code():
    case hw::ICC_SGI0R_EL1::kRegister.code():
      if (access.is_read) return Outcome::kUndefined;
      vgic::send_group0_sgi(access.vcpu, access.value);
      return Outcome::kDone;
    case hw::ICC_DIR_EL1::kRegister.code():
      if (access.is_read) return Outcome::kUndefined;
      vgic::deactivate(access.vcpu, access.value);
      return Outcome::kDone;
    case hw::ICC_SRE_EL1::kRegister.code():
      access.value = hw::ICC_SRE_EL1::kFixed;
      return Outcome::kDone;
    case hw::ACTLR_EL1::kRegister.code():
      return read_zero_write_ignored(access);
    case hw::CNTP_CTL_EL0::kRegister.code():
      return access_physical_timer(access, vtimer::Register::kControl);
    case hw::CNTP_CVAL_EL0::kRegister.code():
      return access_physical_timer(access, vtimer::Register::kCompare);
    case hw::CNTP_TVAL_EL0::kRegister.code():
      return access_physical_timer(access, vtimer::Register::kValue);
    default:
      break;
  }
  if (is_performance_monitor(access.reg) && !access.from_el0) {
    return read_zero_write_ignored(access);
  }
  return Outcome::kUndefined;
}

Outcome perform(Access& access) {
  if (IdRegisters::covers(access.reg)) {
    // Readable at EL1 only: with FEAT_IDST a read at EL0 is trapped to EL1 before it comes here.
    if (access.from_el0) return Outcome::kUndefined;
    return reads_as(access, access.vcpu.domain.id_registers.read(access.reg));
  }
  if (access.reg.op0 == 2) return access_debug(access);
  return access_other(access);
}

bool is_from_el0(const CpuFrame& frame) {
  return (hw::Pstate::Mode::get(frame.pstate) & 0xf) == hw::Pstate::kEl0t;
}

[[gnu::noinline]] void emulate_decoded(Vcpu& vcpu, CpuFrame& frame) {
  const std::uint64_t esr = frame.esr;
  const std::uint64_t rt = Syndrome::Rt::get(esr);
  Access access{.vcpu = vcpu,
                .reg = Syndrome::register_of(esr),
                .is_read = Syndrome::IsRead::get(esr) != 0,
                .from_el0 = is_from_el0(frame),
                .value = 0};
  if (!access.is_read) access.value = read_general(frame, rt);
  if (perform(access) == Outcome::kUndefined) {
    inject_undefined(frame);
    return;
  }
  if (access.is_read) write_general(frame, rt, access.value);
  advance_pc(frame);
}

}  // namespace

void emulate_system_register(Vcpu& vcpu, CpuFrame& frame) {
  const std::uint64_t esr = frame.esr;
  // Every IPI of a guest comes this way; everything else can wait for the full decoding.
  constexpr std::uint64_t kSgi = Syndrome::pattern(hw::ICC_SGI1R_EL1::kRegister);
  if ((esr & (Syndrome::kRegisterMask | Syndrome::IsRead::kMask)) == kSgi) [[likely]] {
    const std::uint64_t value = read_general(frame, Syndrome::Rt::get(esr));
    advance_aarch64(frame);
    vgic::send_sgi(vcpu, value);
    return;
  }
  emulate_decoded(vcpu, frame);
}

// Of AArch32 at EL0 only the physical timer arrives here for a reason: EL1 allowed its use
// (CNTKCTL_EL1.EL0PTEN) but Socle emulates it.
void emulate_cp15(Vcpu& vcpu, CpuFrame& frame) {
  using Cp15 = hw::Cp15Syndrome;
  if (!condition_holds(frame)) {
    advance_pc(frame);
    return;
  }
  const std::uint64_t esr = frame.esr;
  const bool is_timer =
      Cp15::Opc1::get(esr) == 0 && Cp15::CRn::get(esr) == 14 && Cp15::CRm::get(esr) == 2;
  if (!is_timer || Cp15::Opc2::get(esr) > 1) {
    inject_undefined(frame, hw::Esr::IL::get(esr) != 0);
    return;
  }
  const vtimer::Register which =
      Cp15::Opc2::get(esr) == 0 ? vtimer::Register::kValue : vtimer::Register::kControl;
  const std::uint64_t rt = Cp15::Rt::get(esr) & 0xf;
  if (Cp15::IsRead::get(esr) != 0) {
    write_general(frame, rt, vtimer::read(vcpu, which) & 0xffff'ffff);
  } else {
    vtimer::write(vcpu, which, read_general(frame, rt) & 0xffff'ffff);
  }
  advance_pc(frame);
}

void emulate_cp15_wide(Vcpu& vcpu, CpuFrame& frame) {
  using Cp15 = hw::Cp15Syndrome;
  if (!condition_holds(frame)) {
    advance_pc(frame);
    return;
  }
  const std::uint64_t esr = frame.esr;
  // CNTP_CVAL: opc1 2 of CRm 14.
  if (Cp15::CRm::get(esr) != 14 || Cp15::WideOpc1::get(esr) != 2) {
    inject_undefined(frame, hw::Esr::IL::get(esr) != 0);
    return;
  }
  const std::uint64_t low = Cp15::Rt::get(esr) & 0xf;
  const std::uint64_t high = Cp15::Rt2::get(esr) & 0xf;
  if (Cp15::IsRead::get(esr) != 0) {
    const std::uint64_t value = vtimer::read(vcpu, vtimer::Register::kCompare);
    write_general(frame, low, value & 0xffff'ffff);
    write_general(frame, high, value >> 32);
  } else {
    vtimer::write(vcpu, vtimer::Register::kCompare,
                  (read_general(frame, high) << 32) | (read_general(frame, low) & 0xffff'ffff));
  }
  advance_pc(frame);
}

}  // namespace socle::guest
