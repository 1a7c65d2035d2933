// SPDX-License-Identifier: Apache-2.0
#include "guest/vdev/vpsci.h"

#include "guest/context.h"
#include "guest/domain.h"
#include "guest/idle.h"
#include "guest/power.h"
#include "guest/vcpu.h"
#include "hw/psci.h"
#include "hw/sysreg.h"

namespace socle::guest::vpsci {

namespace {

using State = PowerState::State;
using Status = hw::PsciStatus;

// Function numbers without the bit that says "64-bit arguments".
constexpr std::uint32_t kWide = 0x4000'0000;
constexpr std::uint32_t kVersion = 0x8400'0000;
constexpr std::uint32_t kCpuSuspend = 0x8400'0001;
constexpr std::uint32_t kCpuOff = 0x8400'0002;
constexpr std::uint32_t kCpuOn = 0x8400'0003;
constexpr std::uint32_t kAffinityInfo = 0x8400'0004;
constexpr std::uint32_t kMigrateInfoType = 0x8400'0006;
constexpr std::uint32_t kSystemOff = 0x8400'0008;
constexpr std::uint32_t kSystemReset = 0x8400'0009;
constexpr std::uint32_t kFeatures = 0x8400'000a;
constexpr std::uint32_t kSystemReset2 = 0x8400'0012;
constexpr std::uint32_t kSmcccVersion = 0x8000'0000;
constexpr std::uint32_t kCpuOff01 = 1;
constexpr std::uint32_t kCpuOn01 = 2;

constexpr std::uint64_t kPsci11 = 0x1'0001;
constexpr std::uint64_t kNoMigrationNeeded = 2;

constexpr std::uint64_t number(Status status) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(status)));
}

struct Arguments {
  std::uint64_t a1 = 0;
  std::uint64_t a2 = 0;
  std::uint64_t a3 = 0;
};

Arguments arguments(const CpuFrame& frame, bool wide) {
  const std::uint64_t mask = wide ? ~std::uint64_t{0} : 0xffff'ffff;
  return Arguments{frame.x[1] & mask, frame.x[2] & mask, frame.x[3] & mask};
}

Vcpu* find_vcpu(Domain& domain, std::uint64_t target) {
  using Mpidr = hw::MPIDR_EL1;
  if ((target & ~Mpidr::kAffinityMask) != 0) return nullptr;
  const std::uint64_t id = Mpidr::Aff1::get(target) * 16 + Mpidr::Aff0::get(target);
  if (id >= domain.vcpus.size() || virtual_affinity(static_cast<unsigned>(id)) != target) {
    return nullptr;
  }
  return domain.vcpus[id];
}

bool is_executable(Domain& domain, std::uint64_t entry) {
  if (!is_aligned<std::uint64_t>(entry, 4)) return false;
  const auto found = domain.address_space.lookup(Ipa(entry).frame());
  return found.has_value() && found->attributes.permissions.execute;
}

Status cpu_on(Domain& domain, const Arguments& given) {
  Vcpu* target = find_vcpu(domain, given.a1);
  if (target == nullptr) return Status::kInvalidParameters;
  PowerState& power = target->power;
  switch (power.state.load(std::memory_order_acquire)) {
    case State::kOn:
      return Status::kAlreadyOn;
    case State::kTurningOn:
    case State::kOnPending:
      return Status::kOnPending;
    case State::kOff:
      break;
  }
  if (!is_executable(domain, given.a2)) return Status::kInvalidAddress;
  State expected = State::kOff;
  if (!power.state.compare_exchange_strong(expected, State::kTurningOn,
                                           std::memory_order_acq_rel)) {
    return expected == State::kOn ? Status::kAlreadyOn : Status::kOnPending;
  }
  power.entry = given.a2;
  power.context = given.a3;
  power.state.store(State::kOnPending, std::memory_order_release);
  post_work(*target, Work::kPower);
  return Status::kSuccess;
}

// 0 on, 1 off, 2 on its way. At a higher level: the affinity instance is as awake as its most awake
// member.
std::uint64_t affinity_info(Domain& domain, const Arguments& given) {
  using Mpidr = hw::MPIDR_EL1;
  constexpr std::uint64_t kMaskOfLevel[] = {
      Mpidr::kAffinityMask, Mpidr::kAffinityMask & ~Mpidr::Aff0::kMask,
      Mpidr::Aff3::kMask | Mpidr::Aff2::kMask, Mpidr::Aff3::kMask};
  if (given.a2 > 3 || (given.a1 & ~Mpidr::kAffinityMask) != 0) {
    return number(Status::kInvalidParameters);
  }
  const std::uint64_t mask = kMaskOfLevel[given.a2];
  bool found = false;
  bool turning_on = false;
  for (const Vcpu* vcpu : domain.vcpus) {
    if ((virtual_affinity(vcpu->id) & mask) != (given.a1 & mask)) continue;
    found = true;
    const State state = vcpu->power.state.load(std::memory_order_acquire);
    if (state == State::kOn) return 0;
    if (state != State::kOff) turning_on = true;
  }
  if (!found) return number(Status::kInvalidParameters);
  return turning_on ? 2 : 1;
}

std::uint64_t features(std::uint32_t function) {
  switch (function) {
    case kVersion:
    case kCpuSuspend:
    case kCpuSuspend | kWide:
    case kCpuOff:
    case kCpuOn:
    case kCpuOn | kWide:
    case kAffinityInfo:
    case kAffinityInfo | kWide:
    case kMigrateInfoType:
    case kSystemOff:
    case kSystemReset:
    case kFeatures:
    case kSystemReset2:
    case kSystemReset2 | kWide:
    case kSmcccVersion:
      return number(Status::kSuccess);
    default:
      return number(Status::kNotSupported);
  }
}

// The vCPU goes on behind the call when it is woken, as after standby: a request to power down may
// be answered with less. (Its registers are kept, so the entry point is not used.)
std::uint64_t cpu_suspend(Vcpu& current) {
  block(current);
  return number(Status::kSuccess);
}

// Returns into a guest that is stopped before it sees the result, or, for another vCPU that asked
// a moment earlier, the machine's end.
std::uint64_t end_domain(Vcpu& current, ShutdownReason reason) {
  shut_down(current.domain, reason);
  return number(Status::kInternalFailure);
}

std::uint64_t system_reset2(Vcpu& current, const Arguments& given) {
  // Type 0 is the architecture's warm reset, for which a reset is a legal answer; there are no
  // other types, the vendor's (bit 31) included.
  if ((given.a1 & 0xffff'ffff) != 0) return number(Status::kInvalidParameters);
  return end_domain(current, ShutdownReason::kReboot);
}

std::uint64_t perform(Vcpu& current, std::uint32_t function, const Arguments& given) {
  switch (function) {
    case kVersion:
      return kPsci11;
    case kCpuSuspend:
      return cpu_suspend(current);
    case kCpuOff:
    case kCpuOff01:
      switch_off(current);
      return number(Status::kSuccess);
    case kCpuOn:
    case kCpuOn01:
      return number(cpu_on(current.domain, given));
    case kAffinityInfo:
      return affinity_info(current.domain, given);
    case kMigrateInfoType:
      return kNoMigrationNeeded;
    case kSystemOff:
      return end_domain(current, ShutdownReason::kPowerOff);
    case kSystemReset:
      return end_domain(current, ShutdownReason::kReboot);
    case kSystemReset2:
      return system_reset2(current, given);
    default:
      return features(static_cast<std::uint32_t>(given.a1));
  }
}

}  // namespace

bool call(Vcpu& current, CpuFrame& frame, std::uint32_t function) {
  const bool is_old = function == kCpuOff01 || function == kCpuOn01;
  if (!is_old) {
    // Only functions with arguments that may be addresses have a 64-bit form.
    if (function == kSmcccVersion || features(function) != number(Status::kSuccess)) return false;
  }
  const bool wide = is_old || (function & kWide) != 0;
  const std::uint32_t narrow = is_old ? function : function & ~kWide;
  frame.x[0] = perform(current, narrow, arguments(frame, wide));
  return true;
}

}  // namespace socle::guest::vpsci
