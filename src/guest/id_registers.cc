// SPDX-License-Identifier: Apache-2.0
#include "guest/id_registers.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <span>

#include "hw/id_registers.h"
#include "port/sysreg.h"

namespace socle::guest {

namespace {

// What the guest sees in one four-bit field.
struct Rule {
  enum class Show : std::uint8_t { kHost, kAtMost, kFixed };
  unsigned shift;
  Show show;
  std::uint64_t value;
};

template <typename F>
consteval Rule host() {
  return Rule{static_cast<unsigned>(std::countr_zero(F::kMask)), Rule::Show::kHost, 0};
}
template <typename F>
consteval Rule at_most(std::uint64_t value) {
  return Rule{static_cast<unsigned>(std::countr_zero(F::kMask)), Rule::Show::kAtMost, value};
}
template <typename F>
consteval Rule fixed(std::uint64_t value) {
  return Rule{static_cast<unsigned>(std::countr_zero(F::kMask)), Rule::Show::kFixed, value};
}

std::uint64_t apply(std::uint64_t host_value, std::span<const Rule> rules) {
  std::uint64_t shown = 0;
  for (const Rule& rule : rules) {
    std::uint64_t field = (host_value >> rule.shift) & 0xf;
    switch (rule.show) {
      case Rule::Show::kHost:
        break;
      case Rule::Show::kAtMost:
        field = std::min(field, rule.value);
        break;
      case Rule::Show::kFixed:
        field = rule.value;
        break;
    }
    shown |= field << rule.shift;
  }
  return shown;
}

namespace pfr0 {
using R = hw::ID_AA64PFR0_EL1;
constexpr Rule kRules[] = {
    host<R::EL0>(),
    fixed<R::EL1>(1),  // domains run AArch64 at EL1
    // EL2, EL3: none below this machine. RAS: error records and ESB's registers trap.
    host<R::FP>(), host<R::AdvSIMD>(),
    at_most<R::GIC>(1),  // system-register interface of GICv3; what 4.1 adds is not virtualised
    // SVE, SEL2, MPAM, AMU, RME: trapped.
    host<R::DIT>(),
    at_most<R::CSV2>(1),  // above 1 there is SCXTNUM_ELx, which traps
    host<R::CSV3>()};
}  // namespace pfr0

namespace pfr1 {
using R = hw::ID_AA64PFR1_EL1;
// MTE, SME, GCS, NMI: trapped or disabled.
constexpr Rule kRules[] = {host<R::BT>(), host<R::SSBS>()};
}  // namespace pfr1

namespace dfr0 {
using R = hw::ID_AA64DFR0_EL1;
// The architecture asks for two breakpoints, two watchpoints and a context comparison at least;
// their registers read as zero and ignore writes. PMU, trace, profiling: none.
constexpr Rule kRules[] = {at_most<R::DebugVer>(8), fixed<R::BRPs>(1), fixed<R::WRPs>(1),
                           fixed<R::CTX_CMPs>(0), fixed<R::DoubleLock>(R::kNoDoubleLock)};
}  // namespace dfr0

namespace isar0 {
using R = hw::ID_AA64ISAR0_EL1;
// Instructions without state of their own. TME has state.
constexpr Rule kRules[] = {host<R::AES>(),    host<R::SHA1>(), host<R::SHA2>(), host<R::CRC32>(),
                           host<R::Atomic>(), host<R::RDM>(),  host<R::SHA3>(), host<R::SM3>(),
                           host<R::SM4>(),    host<R::DP>(),   host<R::FHM>(),  host<R::TS>(),
                           host<R::TLB>(),    host<R::RNDR>()};
}  // namespace isar0

namespace isar1 {
using R = hw::ID_AA64ISAR1_EL1;
// Pointer authentication: HCR_EL2.API and APK are set where it exists; keys are the guest's.
// LS64 traps (HCRX_EL2).
constexpr Rule kRules[] = {
    host<R::DPB>(),     host<R::APA>(),  host<R::API>(), host<R::JSCVT>(),   host<R::FCMA>(),
    host<R::LRCPC>(),   host<R::GPA>(),  host<R::GPI>(), host<R::FRINTTS>(), host<R::SB>(),
    host<R::SPECRES>(), host<R::BF16>(), host<R::DGH>(), host<R::I8MM>(),    host<R::XS>()};
}  // namespace isar1

namespace isar2 {
using R = hw::ID_AA64ISAR2_EL1;
// WFxT: a WFIT traps with a deadline that the idle loop does not know. MOPS: see HCRX_EL2.MSCEn.
constexpr Rule kRules[] = {host<R::RPRES>(),  host<R::GPA3>(),  host<R::APA3>(),
                           host<R::MOPS>(),   host<R::BC>(),    host<R::PAC_frac>(),
                           host<R::CLRBHB>(), host<R::RPRFM>(), host<R::CSSC>()};
}  // namespace isar2

namespace mmfr0 {
using R = hw::ID_AA64MMFR0_EL1;
// PARange is set by the caller. ExS, FGT, ECV's offset: hidden; ECV's self-synchronising views of
// the counter need nothing.
constexpr Rule kRules[] = {host<R::PARange>(), host<R::ASIDBits>(),  host<R::BigEnd>(),
                           host<R::SNSMem>(),  host<R::BigEndEL0>(), host<R::TGran16>(),
                           host<R::TGran64>(), host<R::TGran4>(),    at_most<R::ECV>(1)};
}  // namespace mmfr0

namespace mmfr1 {
using R = hw::ID_AA64MMFR1_EL1;
// Stage 2 and EL2 (VMIDBits, VH, XNX, TWED, HCX), LORegions, TIDCP1, CMOW: hidden.
constexpr Rule kRules[] = {host<R::HAFDBS>(),  host<R::HPDS>(), host<R::PAN>(),
                           host<R::SpecSEI>(), host<R::ETS>(),  host<R::AFP>(),
                           host<R::nTLBPA>(),  host<R::ECBHB>()};
}  // namespace mmfr1

namespace mmfr2 {
using R = hw::ID_AA64MMFR2_EL1;
// IESB (part of RAS), NV, FWB, EVT: hidden.
constexpr Rule kRules[] = {host<R::CnP>(),   host<R::UAO>(), host<R::LSM>(), host<R::VARange>(),
                           host<R::CCIDX>(), host<R::ST>(),  host<R::AT>(),  host<R::IDS>(),
                           host<R::TTL>(),   host<R::BBM>(), host<R::E0PD>()};
}  // namespace mmfr2

namespace mmfr3 {
// Permission indirection, extended TCR and SCTLR: trapped (HCRX_EL2), hidden.
constexpr Rule kRules[] = {host<hw::ID_AA64MMFR3_EL1::Spec_FPACC>()};
}  // namespace mmfr3

namespace pfr0_32 {
using R = hw::ID_PFR0_EL1;
constexpr Rule kRules[] = {host<R::State0>(), host<R::State1>(), host<R::State2>(),
                           host<R::State3>(), host<R::CSV2>(),   host<R::DIT>()};
}  // namespace pfr0_32

namespace pfr1_32 {
using R = hw::ID_PFR1_EL1;
constexpr Rule kRules[] = {host<R::ProgMod>(), host<R::MProgMod>(), host<R::GenTimer>(),
                           at_most<R::GIC>(1)};
}  // namespace pfr1_32

namespace dfr0_32 {
using R = hw::ID_DFR0_EL1;
constexpr Rule kRules[] = {at_most<R::CopDbg>(8)};
}  // namespace dfr0_32

namespace pfr2_32 {
using R = hw::ID_PFR2_EL1;
constexpr Rule kRules[] = {host<R::CSV3>(), host<R::SSBS>()};
}  // namespace pfr2_32

class Builder {
 public:
  explicit Builder(bool has_aarch32) : has_aarch32_(has_aarch32) {}

  template <typename Register>
  void add(std::span<const Rule> rules) {
    set<Register>(apply(port::read_register<Register>(), rules));
  }
  template <typename Register>
  void add_aarch32(std::span<const Rule> rules) {
    if (has_aarch32_) add<Register>(rules);
  }
  // As the host has it: instruction sets and memory model of AArch32 EL0.
  template <typename... Registers>
  void add_aarch32_whole() {
    if (has_aarch32_) (set<Registers>(port::read_register<Registers>()), ...);
  }
  template <typename Register>
  void set(std::uint64_t value) {
    constexpr hw::SystemRegister kReg = Register::kRegister;
    static_assert(IdRegisters::covers(kReg));
    values_[(kReg.crm - IdRegisters::kFirstCrm) * 8u + kReg.op2] = value;
  }
  [[nodiscard]] const std::array<std::uint64_t, IdRegisters::kCount>& values() const {
    return values_;
  }

 private:
  std::array<std::uint64_t, IdRegisters::kCount> values_{};
  bool has_aarch32_;
};

// The largest PARange that does not promise more than `ipa_bits`.
std::uint64_t pa_range_for(unsigned ipa_bits) {
  constexpr unsigned kBits[] = {32, 36, 40, 42, 44, 48};  // 52 needs descriptors we do not offer
  std::uint64_t range = 0;
  for (unsigned i = 0; i < std::size(kBits); ++i) {
    if (kBits[i] <= ipa_bits) range = i;
  }
  return range;
}

}  // namespace

IdRegisters IdRegisters::from_this_cpu(unsigned ipa_bits) {
  const std::uint64_t host_pfr0 = port::read_register<hw::ID_AA64PFR0_EL1>();
  Builder table(hw::ID_AA64PFR0_EL1::EL0::get(host_pfr0) == hw::ID_AA64PFR0_EL1::kAArch32Too);

  table.add<hw::ID_AA64PFR0_EL1>(pfr0::kRules);
  table.add<hw::ID_AA64PFR1_EL1>(pfr1::kRules);
  table.add<hw::ID_AA64DFR0_EL1>(dfr0::kRules);
  table.add<hw::ID_AA64ISAR0_EL1>(isar0::kRules);
  table.add<hw::ID_AA64ISAR1_EL1>(isar1::kRules);
  table.add<hw::ID_AA64ISAR2_EL1>(isar2::kRules);
  table.add<hw::ID_AA64MMFR0_EL1>(mmfr0::kRules);
  table.add<hw::ID_AA64MMFR1_EL1>(mmfr1::kRules);
  table.add<hw::ID_AA64MMFR2_EL1>(mmfr2::kRules);
  table.add<hw::ID_AA64MMFR3_EL1>(mmfr3::kRules);

  table.add_aarch32<hw::ID_PFR0_EL1>(pfr0_32::kRules);
  table.add_aarch32<hw::ID_PFR1_EL1>(pfr1_32::kRules);
  table.add_aarch32<hw::ID_DFR0_EL1>(dfr0_32::kRules);
  table.add_aarch32<hw::ID_PFR2_EL1>(pfr2_32::kRules);
  table.add_aarch32_whole<hw::ID_MMFR0_EL1, hw::ID_MMFR1_EL1, hw::ID_MMFR2_EL1, hw::ID_MMFR3_EL1,
                          hw::ID_MMFR4_EL1, hw::ID_MMFR5_EL1, hw::ID_ISAR0_EL1, hw::ID_ISAR1_EL1,
                          hw::ID_ISAR2_EL1, hw::ID_ISAR3_EL1, hw::ID_ISAR4_EL1, hw::ID_ISAR5_EL1,
                          hw::ID_ISAR6_EL1, hw::MVFR0_EL1, hw::MVFR1_EL1, hw::MVFR2_EL1>();

  IdRegisters result;
  result.values_ = table.values();
  using PARange = hw::ID_AA64MMFR0_EL1::PARange;
  std::uint64_t& shown = result.values_[index_of(hw::ID_AA64MMFR0_EL1::kRegister)];
  shown = PARange::set(shown, std::min(PARange::get(shown), pa_range_for(ipa_bits)));
  return result;
}

}  // namespace socle::guest
