// SPDX-License-Identifier: Apache-2.0
#include "fault/stage2_abort.h"

#include <cstdint>
#include <optional>

#include "base/log.h"
#include "fault/mmio_decode.h"
#include "guest/exits.h"
#include "guest/inject.h"
#include "guest/rate_limit.h"
#include "guest/vcpu.h"
#include "hw/esr.h"
#include "port/sysreg.h"
#include "port/tlb.h"

namespace socle::fault {

namespace {

using guest::CpuFrame;
using guest::Domain;
using guest::Vcpu;
using hw::DataAbort;
using hw::FaultStatus;

bool deny(Domain&, Gfn) {
  return false;
}

constinit MapOnDemand map_on_demand_policy = deny;
constinit guest::RateLimit abort_limit;

enum class Kind : std::uint8_t { kRead, kWrite, kFetch };

struct Abort {
  std::uint64_t esr = 0;
  std::uint64_t far = 0;
  Ipa address;  // low 12 bits only where the access itself failed, not a table walk
  Kind kind = Kind::kRead;
  FaultStatus::Kind status = FaultStatus::Kind::kOther;
  bool on_stage1_walk = false;
};

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::kRead:
      return "read";
    case Kind::kWrite:
      return "write";
    case Kind::kFetch:
      return "fetch";
  }
  return "access";
}

Abort describe(const CpuFrame& frame) {
  Abort abort;
  abort.esr = frame.esr;
  abort.far = port::read_register<hw::FAR_EL2>();
  abort.status = FaultStatus::kind(frame.esr);
  abort.on_stage1_walk = DataAbort::S1PTW::get(frame.esr) != 0;
  const std::uint64_t fipa = hw::HPFAR_EL2::FIPA::get(port::read_register<hw::HPFAR_EL2>());
  const std::uint64_t offset = abort.on_stage1_walk ? 0 : abort.far & (kFrameSize - 1);
  abort.address = Ipa((fipa << kFrameShift) | offset);
  if (hw::Esr::exception_class(frame.esr) == hw::ExceptionClass::kInstructionAbortLower) {
    abort.kind = Kind::kFetch;
  } else if (DataAbort::WnR::get(frame.esr) != 0 && DataAbort::CM::get(frame.esr) == 0) {
    abort.kind = Kind::kWrite;
  }
  return abort;
}

// A permission fault does not report the IPA, except for a table walk.
bool address_is_known(const Abort& abort) {
  switch (abort.status) {
    case FaultStatus::Kind::kTranslation:
    case FaultStatus::Kind::kAccessFlag:
    case FaultStatus::Kind::kAddressSize:
      return true;
    case FaultStatus::Kind::kPermission:
      return abort.on_stage1_walk;
    case FaultStatus::Kind::kExternal:
    case FaultStatus::Kind::kExternalOnWalk:
    case FaultStatus::Kind::kParity:
    case FaultStatus::Kind::kAlignment:
    case FaultStatus::Kind::kTlbConflict:
    case FaultStatus::Kind::kUnsupportedAtomic:
    case FaultStatus::Kind::kOther:
      return false;
  }
  return false;
}

bool allows(const Permissions& permissions, const Abort& abort) {
  // The hardware updates access flag and dirty state of stage-1 tables: a walk may write.
  if (abort.on_stage1_walk) return permissions.read && permissions.write;
  switch (abort.kind) {
    case Kind::kRead:
      return permissions.read;
    case Kind::kWrite:
      return permissions.write;
    case Kind::kFetch:
      return permissions.execute;
  }
  return false;
}

// The map allows it now: another CPU was in the middle of a change.
bool is_stale(Domain& domain, const Abort& abort) {
  if (abort.status != FaultStatus::Kind::kTranslation) return false;
  const auto found = domain.address_space.lookup(abort.address.frame());
  return found.has_value() && allows(found->attributes.permissions, abort);
}

void inject(Vcpu& vcpu, CpuFrame& frame, const Abort& abort, const char* why) {
  if (abort_limit.allow()) {
    const std::uint32_t held_back = abort_limit.take_held_back();
    log_warning("d{}v{} {}: {} of {} (va {#x}) at pc {#x}, ESR {#x}; {} lines held back",
                vcpu.domain.id, vcpu.id, why, to_string(abort.kind), abort.address, abort.far,
                frame.pc, abort.esr, held_back);
  }
  if (abort.kind == Kind::kFetch) {
    inject_instruction_abort(frame, abort.esr, abort.far);
  } else {
    inject_data_abort(frame, abort.esr, abort.far);
  }
}

void emulate(Vcpu& vcpu, CpuFrame& frame, const Abort& abort, guest::MmioEmulator emulator) {
  if (abort.kind == Kind::kFetch || abort.on_stage1_walk) {
    inject(vcpu, frame, abort, "emulated registers used as memory");
    return;
  }
  if (DataAbort::CM::get(abort.esr) != 0) {  // no cache holds an emulated register
    guest::advance_pc(frame);
    return;
  }
  const std::optional<MmioInstruction> instruction =
      decode_mmio(frame, port::read_register<hw::SCTLR_EL1>());
  if (!instruction.has_value()) {
    inject(vcpu, frame, abort, "access to emulated registers without syndrome");
    return;
  }
  guest::MmioAccess access = begin_access(frame, *instruction, abort.address);
  if (!emulator(vcpu, access)) {
    inject(vcpu, frame, abort, "access refused by an emulated device");
    return;
  }
  finish_access(frame, *instruction, access);
  guest::advance_pc(frame);
}

void unmapped(Vcpu& vcpu, CpuFrame& frame, const Abort& abort) {
  Domain& domain = vcpu.domain;
  if (is_stale(domain, abort)) return;
  if (abort.status == FaultStatus::Kind::kTranslation &&
      map_on_demand_policy(domain, abort.address.frame())) {
    return;
  }
  inject(vcpu, frame, abort, "no such address");
}

void without_address(Vcpu& vcpu, CpuFrame& frame, const Abort& abort) {
  if (abort.status == FaultStatus::Kind::kTlbConflict) {
    port::tlb_stage2_all(vcpu.domain.address_space.context());
    port::tlb_sync();
    return;
  }
  inject(vcpu, frame, abort, "stage-2 abort");
}

}  // namespace

void set_map_on_demand(MapOnDemand map_on_demand) {
  map_on_demand_policy = map_on_demand == nullptr ? deny : map_on_demand;
}

}  // namespace socle::fault

namespace socle::guest {

extern "C" void stage2_abort_entry(Vcpu& vcpu, CpuFrame& frame) {
  const fault::Abort abort = fault::describe(frame);
  if (!fault::address_is_known(abort)) {
    fault::without_address(vcpu, frame, abort);
    return;
  }
  const MmioRegions::Region* region = vcpu.domain.mmio.find(abort.address);
  if (region != nullptr) {
    fault::emulate(vcpu, frame, abort, region->emulate);
  } else {
    fault::unmapped(vcpu, frame, abort);
  }
}

}  // namespace socle::guest
