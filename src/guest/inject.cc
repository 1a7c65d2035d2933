// SPDX-License-Identifier: Apache-2.0
#include "guest/inject.h"

#include "guest/vcpu.h"
#include "hw/id_registers.h"
#include "port/barrier.h"
#include "port/sysreg.h"

namespace socle::guest {

namespace {

using hw::Esr;
using hw::ExceptionClass;
using hw::Pstate;

bool from_el0(const CpuFrame& frame) {
  // AArch32 is EL0 here: EL1 is always AArch64.
  return Pstate::AArch32::get(frame.pstate) != 0 ||
         (Pstate::Mode::get(frame.pstate) & 0xf) == Pstate::kEl0t;
}

std::uint64_t vector_offset(const CpuFrame& frame) {
  if (Pstate::AArch32::get(frame.pstate) != 0) return 0x600;
  if (from_el0(frame)) return 0x400;
  return Pstate::Mode::get(frame.pstate) == Pstate::kEl1t ? 0x000 : 0x200;
}

bool cpu_has_pan() {
  using Mmfr1 = hw::ID_AA64MMFR1_EL1;
  return Mmfr1::PAN::get(port::read_register<Mmfr1>()) != 0;
}
bool cpu_has_ssbs() {
  using Pfr1 = hw::ID_AA64PFR1_EL1;
  return Pfr1::SSBS::get(port::read_register<Pfr1>()) != 0;
}

// What the hardware makes of PSTATE. UAO, BTYPE, SS, IL become 0, as does TCO: without allocation
// tags nothing is checked. PAN and DIT are at the same place in AArch32's format.
std::uint64_t pstate_at_entry(std::uint64_t old) {
  const std::uint64_t sctlr = port::read_register<hw::SCTLR_EL1>();
  std::uint64_t pstate = Pstate::kEl1h | Pstate::kDaif;
  pstate |= old & (Pstate::NZCV::kMask | Pstate::DIT::kMask | Pstate::PAN::kMask);
  if (hw::SCTLR_EL1::SPAN::get(sctlr) == 0 && cpu_has_pan()) pstate |= Pstate::PAN::kMask;
  if (hw::SCTLR_EL1::DSSBS::get(sctlr) != 0 && cpu_has_ssbs()) pstate |= Pstate::SSBS::kMask;
  return pstate;
}

void enter_el1(CpuFrame& frame, std::uint64_t esr) {
  port::write_register<hw::ESR_EL1>(esr);
  port::write_register<hw::SPSR_EL1>(frame.pstate);
  port::write_register<hw::ELR_EL1>(frame.pc);
  frame.pc = port::read_register<hw::VBAR_EL1>() + vector_offset(frame);
  frame.pstate = pstate_at_entry(frame.pstate);
}

// Faults that are about the access and not about what is there: the memory type that stage 2 gives
// does not take it. The guest is told so, as if its own stage 1 had given that type.
bool is_about_the_access(std::uint64_t esr) {
  using Kind = hw::FaultStatus::Kind;
  const Kind kind = hw::FaultStatus::kind(esr);
  return kind == Kind::kAlignment || kind == Kind::kUnsupportedAtomic;
}

// The fault status that the guest sees otherwise. Where the walk of its own tables failed, that;
// the level is the one that the hardware reported for the stage-1 walk only if it was in the
// syndrome, which it is not (the level there is stage 2's), so the last level is named.
std::uint64_t external_abort_status(bool on_stage1_walk) {
  return on_stage1_walk ? hw::FaultStatus::kExternalAbortOnWalk | 3
                        : hw::FaultStatus::kExternalAbort;
}

}  // namespace

void inject_undefined(CpuFrame& frame, bool is_32bit) {
  enter_el1(frame, Esr::make(ExceptionClass::kUnknown, is_32bit, 0));
}

void inject_data_abort(CpuFrame& frame, std::uint64_t esr, std::uint64_t far) {
  using hw::DataAbort;
  port::write_register<hw::FAR_EL1>(far);
  std::uint64_t iss = is_about_the_access(esr)
                          ? hw::FaultStatus::Code::get(esr)
                          : external_abort_status(DataAbort::S1PTW::get(esr) != 0);
  iss |= esr & (DataAbort::WnR::kMask | DataAbort::CM::kMask);
  const ExceptionClass ec =
      from_el0(frame) ? ExceptionClass::kDataAbortLower : ExceptionClass::kDataAbortSame;
  enter_el1(frame, Esr::make(ec, Esr::IL::get(esr) != 0, iss));
}

void inject_instruction_abort(CpuFrame& frame, std::uint64_t esr, std::uint64_t far) {
  port::write_register<hw::FAR_EL1>(far);
  const std::uint64_t iss = external_abort_status(hw::InstructionAbort::S1PTW::get(esr) != 0);
  const ExceptionClass ec = from_el0(frame) ? ExceptionClass::kInstructionAbortLower
                                            : ExceptionClass::kInstructionAbortSame;
  // IL is one for instruction aborts, whatever was fetched.
  enter_el1(frame, Esr::make(ec, true, iss));
}

void inject_serror(Vcpu& vcpu, std::uint64_t syndrome) {
  using Pfr0 = hw::ID_AA64PFR0_EL1;
  if (Pfr0::RAS::get(port::read_register<Pfr0>()) != 0) {
    port::write_register<hw::VSESR_EL2>(syndrome & Esr::ISS::kMask);
  }
  vcpu.system.hcr_el2 = port::read_register<hw::HCR_EL2>() | hw::HCR_EL2::VSE::kMask;
  port::write_register<hw::HCR_EL2>(vcpu.system.hcr_el2);
  port::barrier_context();
}

namespace {

std::uint64_t it_state(const CpuFrame& frame) {
  return (Pstate::ItHigh::get(frame.pstate) << 2) | Pstate::ItLow::get(frame.pstate);
}

// The condition of the trapped instruction; 14 is "always". A CPU need not report it for T32, whose
// conditions are in PSTATE.
std::uint64_t condition_of(const CpuFrame& frame) {
  if (Esr::CV::get(frame.esr) != 0) return Esr::COND::get(frame.esr);
  const std::uint64_t it = it_state(frame);
  if (Pstate::T::get(frame.pstate) == 0 || it == 0) return 14;
  return it >> 4;
}

}  // namespace

bool condition_holds(const CpuFrame& frame) {
  if (Pstate::AArch32::get(frame.pstate) == 0) return true;
  const std::uint64_t condition = condition_of(frame);
  if (condition >= 14) return true;
  const std::uint64_t flags = Pstate::NZCV::get(frame.pstate);
  const bool n = (flags & 8) != 0;
  const bool z = (flags & 4) != 0;
  const bool c = (flags & 2) != 0;
  const bool v = (flags & 1) != 0;
  const bool by_pair[] = {z, c, n, v, c && !z, n == v, n == v && !z};
  return by_pair[condition >> 1] != ((condition & 1) != 0);
}

void advance_aarch32(CpuFrame& frame) {
  frame.pc += Esr::IL::get(frame.esr) != 0 ? 4 : 2;
  frame.pstate &= ~Pstate::SS::kMask;
  if (Pstate::T::get(frame.pstate) == 0) return;
  // ITAdvance(): IT[7:5] stays, IT[4:0] shifts; when its low bits run out the block is over.
  std::uint64_t it = it_state(frame);
  if (it == 0) return;
  it = (it & 7) == 0 ? 0 : (it & 0xe0) | ((it << 1) & 0x1f);
  frame.pstate = Pstate::ItHigh::set(frame.pstate, it >> 2);
  frame.pstate = Pstate::ItLow::set(frame.pstate, it & 3);
}

}  // namespace socle::guest
