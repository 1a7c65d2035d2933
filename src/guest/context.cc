// SPDX-License-Identifier: Apache-2.0
#include "guest/context.h"

#include "guest/domain.h"
#include "guest/fp_context.h"
#include "guest/vcpu.h"
#include "guest/vdev/vtimer.h"
#include "hw/id_registers.h"
#include "port/barrier.h"
#include "port/sysreg.h"

namespace socle::guest {

namespace {

bool has_pointer_authentication() {
  using Isar1 = hw::ID_AA64ISAR1_EL1;
  const std::uint64_t isar1 = port::read_register<Isar1>();
  const std::uint64_t isar2 = port::read_register<hw::ID_AA64ISAR2_EL1>();
  return Isar1::APA::get(isar1) != 0 || Isar1::API::get(isar1) != 0 ||
         hw::ID_AA64ISAR2_EL1::APA3::get(isar2) != 0;
}

template <typename Field>
bool host_has(std::uint64_t id_register) {
  return Field::get(id_register) != 0;
}

// Calls visit.operator()<Register>(member) for each register of the context that every CPU has.
template <typename Context, typename Visitor>
void for_each_register(Context& context, Visitor visit) {
  visit.template operator()<hw::CSSELR_EL1>(context.csselr_el1);
  visit.template operator()<hw::SCTLR_EL1>(context.sctlr_el1);
  visit.template operator()<hw::CPACR_EL1>(context.cpacr_el1);
  visit.template operator()<hw::TCR_EL1>(context.tcr_el1);
  visit.template operator()<hw::TTBR0_EL1>(context.ttbr0_el1);
  visit.template operator()<hw::TTBR1_EL1>(context.ttbr1_el1);
  visit.template operator()<hw::MAIR_EL1>(context.mair_el1);
  visit.template operator()<hw::AMAIR_EL1>(context.amair_el1);
  visit.template operator()<hw::CONTEXTIDR_EL1>(context.contextidr_el1);
  visit.template operator()<hw::PAR_EL1>(context.par_el1);
  visit.template operator()<hw::VBAR_EL1>(context.vbar_el1);
  visit.template operator()<hw::ESR_EL1>(context.esr_el1);
  visit.template operator()<hw::FAR_EL1>(context.far_el1);
  visit.template operator()<hw::AFSR0_EL1>(context.afsr0_el1);
  visit.template operator()<hw::AFSR1_EL1>(context.afsr1_el1);
  visit.template operator()<hw::ELR_EL1>(context.elr_el1);
  visit.template operator()<hw::SPSR_EL1>(context.spsr_el1);
  visit.template operator()<hw::SP_EL0>(context.sp_el0);
  visit.template operator()<hw::SP_EL1>(context.sp_el1);
  visit.template operator()<hw::TPIDR_EL0>(context.tpidr_el0);
  visit.template operator()<hw::TPIDRRO_EL0>(context.tpidrro_el0);
  visit.template operator()<hw::TPIDR_EL1>(context.tpidr_el1);
  visit.template operator()<hw::CNTKCTL_EL1>(context.cntkctl_el1);
}

// Only where the CPU has pointer authentication. Socle itself signs nothing (SCTLR_EL2.EnIA = 0),
// so the keys may change under its feet.
template <typename Context, typename Visitor>
void for_each_pointer_key(Context& context, Visitor visit) {
  auto& keys = context.pointer_keys;
  visit.template operator()<hw::APIAKeyLo_EL1>(keys[0]);
  visit.template operator()<hw::APIAKeyHi_EL1>(keys[1]);
  visit.template operator()<hw::APIBKeyLo_EL1>(keys[2]);
  visit.template operator()<hw::APIBKeyHi_EL1>(keys[3]);
  visit.template operator()<hw::APDAKeyLo_EL1>(keys[4]);
  visit.template operator()<hw::APDAKeyHi_EL1>(keys[5]);
  visit.template operator()<hw::APDBKeyLo_EL1>(keys[6]);
  visit.template operator()<hw::APDBKeyHi_EL1>(keys[7]);
  visit.template operator()<hw::APGAKeyLo_EL1>(keys[8]);
  visit.template operator()<hw::APGAKeyHi_EL1>(keys[9]);
}

struct Load {
  template <typename Register>
  void operator()(const std::uint64_t& member) const {
    port::write_register<Register>(member);
  }
};
struct Save {
  template <typename Register>
  void operator()(std::uint64_t& member) const {
    member = port::read_register<Register>();
  }
};

std::uint64_t guest_mdcr() {
  using Mdcr = hw::MDCR_EL2;
  using Dfr0 = hw::ID_AA64DFR0_EL1;
  // Debug registers, OS lock and ROM address trap (answered in sysreg_traps.cc); debug exceptions
  // still go to EL1 (TDE = 0).
  std::uint64_t mdcr = Mdcr::TDA::kMask | Mdcr::TDOSA::kMask | Mdcr::TDRA::kMask;
  const std::uint64_t dfr0 = port::read_register<Dfr0>();
  const std::uint64_t pmu = Dfr0::PMUVer::get(dfr0);
  if (pmu != 0 && pmu != Dfr0::kPmuNotStandard) {
    // All counters counted as EL1's, but no guest reaches them and none counts at EL2.
    mdcr |= Mdcr::TPM::kMask | Mdcr::TPMCR::kMask |
            Mdcr::HPMN::make(hw::PMCR_EL0::N::get(port::read_register<hw::PMCR_EL0>()));
    if (pmu >= 4) mdcr |= Mdcr::HPMD::kMask;
    if (pmu >= 6) mdcr |= Mdcr::HCCD::kMask;
  }
  // Profiling and trace buffers belong to EL2 (E2PB, E2TB = 0), their controls trap.
  if (host_has<Dfr0::PMSVer>(dfr0)) mdcr |= Mdcr::TPMS::kMask;
  if (host_has<Dfr0::TraceFilt>(dfr0)) mdcr |= Mdcr::TTRF::kMask;
  return mdcr;
}

std::uint64_t guest_cptr() {
  using Cptr = hw::CPTR_EL2;
  // FP and SIMD are the guest's (TFP = 0): Socle has no such instruction. SVE and SME trap; where
  // they do not exist these bits read as one anyway.
  return Cptr::kReservedOnes | Cptr::TZ::kMask | Cptr::TSM::kMask | Cptr::TTA::kMask |
         Cptr::TAM::kMask;
}

// FEAT_FGT: the traps that we want have bits elsewhere. Zero also means "trap" for the registers of
// features younger than this code (the n... bits).
void clear_fine_grained_traps() {
  using Mmfr0 = hw::ID_AA64MMFR0_EL1;
  const std::uint64_t fgt = Mmfr0::FGT::get(port::read_register<Mmfr0>());
  if (fgt == 0) return;
  port::write_register<hw::HFGRTR_EL2>(0);
  port::write_register<hw::HFGWTR_EL2>(0);
  port::write_register<hw::HFGITR_EL2>(0);
  port::write_register<hw::HDFGRTR_EL2>(0);
  port::write_register<hw::HDFGWTR_EL2>(0);
  if (host_has<hw::ID_AA64PFR0_EL1::AMU>(port::read_register<hw::ID_AA64PFR0_EL1>())) {
    port::write_register<hw::HAFGRTR_EL2>(0);
  }
  if (fgt < 2) return;
  port::write_register<hw::HFGRTR2_EL2>(0);
  port::write_register<hw::HFGWTR2_EL2>(0);
  port::write_register<hw::HFGITR2_EL2>(0);
  port::write_register<hw::HDFGRTR2_EL2>(0);
  port::write_register<hw::HDFGWTR2_EL2>(0);
}

void load_extended_hcr() {
  using Mmfr1 = hw::ID_AA64MMFR1_EL1;
  if (!host_has<Mmfr1::HCX>(port::read_register<Mmfr1>())) return;
  // Zero hides what it can (TCR2, SCTLR2, LS64, GCS, ...). MOPS has no state that Socle must know.
  const bool has_mops =
      host_has<hw::ID_AA64ISAR2_EL1::MOPS>(port::read_register<hw::ID_AA64ISAR2_EL1>());
  port::write_register<hw::HCRX_EL2>(has_mops ? hw::HCRX_EL2::MSCEn::kMask : 0);
}

}  // namespace

std::uint64_t guest_hcr(bool forced_write_back) {
  using Hcr = hw::HCR_EL2;
  // Stage 2; set/way invalidation, which a guest may use natively (one vCPU per CPU, so "this CPU's
  // cache" means what the guest thinks), must not throw away other's data; a stage-1 walk never
  // touches a device.
  std::uint64_t hcr = Hcr::VM::kMask | Hcr::SWIO::kMask | Hcr::PTW::kMask;
  // Physical interrupts and SErrors are Socle's; the guest gets virtual ones.
  hcr |= Hcr::FMO::kMask | Hcr::IMO::kMask | Hcr::AMO::kMask;
  // Not FB, BSU: vCPUs are pinned, so a guest's local TLB maintenance or barrier reaches
  // all that it can have touched. A scheduler that moves vCPUs must set both.
  // WFI is where a vCPU blocks. WFE is not trapped: the event stream ends it soon enough.
  hcr |= Hcr::TWI::kMask;
  // Identification: feature registers come from a table (TID3). Cache geometry (TID2) and revision
  // (TID1) are the host's.
  hcr |= Hcr::TID3::kMask;
  // SMC is an interface of Socle, like HVC; implementation-defined registers and ACTLR_EL1 can
  // change how the whole CPU works.
  hcr |= Hcr::TSC::kMask | Hcr::TIDCP::kMask | Hcr::TACR::kMask;
  hcr |= Hcr::RW::kMask;  // EL1 is AArch64
  using Pfr0 = hw::ID_AA64PFR0_EL1;
  using Pfr1 = hw::ID_AA64PFR1_EL1;
  using Mmfr1 = hw::ID_AA64MMFR1_EL1;
  // Hidden features trap: LORegions, error records, and the tag size of MTE (ATA = 0: no tags).
  // External aborts stay the guest's own (TEA = 0): it is its device that answered so.
  if (host_has<Mmfr1::LO>(port::read_register<Mmfr1>())) hcr |= Hcr::TLOR::kMask;
  if (host_has<Pfr0::RAS>(port::read_register<Pfr0>())) hcr |= Hcr::TERR::kMask;
  if (Pfr1::MTE::get(port::read_register<Pfr1>()) >= 2) hcr |= Hcr::TID5::kMask;
  if (has_pointer_authentication()) hcr |= Hcr::APK::kMask | Hcr::API::kMask;
  if (forced_write_back) hcr |= Hcr::FWB::kMask;
  return hcr;
}

void load_guest_controls() {
  port::write_register<hw::CPTR_EL2>(guest_cptr());
  port::write_register<hw::MDCR_EL2>(guest_mdcr());
  port::write_register<hw::HSTR_EL2>(0);
  port::write_register<hw::HACR_EL2>(0);
  // The physical counter may be read, the physical timer traps.
  port::write_register<hw::CNTHCTL_EL2>(hw::CNTHCTL_EL2::EL1PCTEN::kMask);
  port::write_register<hw::VPIDR_EL2>(port::read_register<hw::MIDR_EL1>());
  // A locked OS lock, its state after reset, would hold back the guest's software steps.
  port::write_register<hw::OSLAR_EL1>(0);
  load_extended_hcr();
  clear_fine_grained_traps();
  port::barrier_context();
}

void reset_context(SystemContext& context) {
  const std::uint64_t hcr = context.hcr_el2;
  const std::uint64_t vmpidr = context.vmpidr_el2;
  context = SystemContext{};
  context.hcr_el2 = hcr;
  context.vmpidr_el2 = vmpidr;
  context.sctlr_el1 = hw::SCTLR_EL1::kReset;
}

void load_context(Vcpu& vcpu) {
  SystemContext& context = vcpu.system;
  stage2::AddressSpace& space = vcpu.domain.address_space;
  port::write_register<hw::HCR_EL2>(context.hcr_el2);
  port::write_register<hw::VMPIDR_EL2>(context.vmpidr_el2);
  port::write_register<hw::VTCR_EL2>(space.vtcr());
  port::write_register<hw::VTTBR_EL2>(space.activate(vcpu.cpu).vttbr);
  for_each_register(context, Load{});
  if (has_pointer_authentication()) for_each_pointer_key(context, Load{});
  port::write_register<hw::MDSCR_EL1>(hardware_mdscr(context.mdscr_el1));
  vtimer::load(vcpu);
  load_fp_context(context.fp);
  port::barrier_context();
}

void save_context(Vcpu& vcpu) {
  SystemContext& context = vcpu.system;
  for_each_register(context, Save{});
  if (has_pointer_authentication()) for_each_pointer_key(context, Save{});
  // The hardware clears VSE when the guest takes the virtual SError.
  context.hcr_el2 = port::read_register<hw::HCR_EL2>();
  vtimer::save(vcpu);
  save_fp_context(context.fp);
}

}  // namespace socle::guest
