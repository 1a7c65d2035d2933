// SPDX-License-Identifier: Apache-2.0
#include "fault/stage2_abort.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/log.h"
#include "fault/map_on_demand.h"
#include "fault/mmio_decode.h"
#include "guest/exits.h"
#include "guest/inject.h"
#include "guest/mmio_faults.h"
#include "guest/rate_limit.h"
#include "guest/vcpu.h"
#include "hw/esr.h"
#include "port/at.h"
#include "port/sysreg.h"
#include "port/tlb.h"

namespace socle::fault {

namespace {

using guest::CpuFrame;
using guest::Domain;
using guest::Vcpu;
using hw::DataAbort;
using hw::FaultStatus;

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

// `why` and `whose` (address that is) are for the log; null: nothing new.
void inject(Vcpu& vcpu, CpuFrame& frame, const Abort& abort, const char* why,
            std::string_view whose = {}) {
  if (why != nullptr && abort_limit.allow()) {
    const std::uint32_t held_back = abort_limit.take_held_back();
    log_warning("d{}v{} {}: {} of {} {}{}(va {#x}) at pc {#x}, ESR {#x}; {} lines held back",
                vcpu.domain.id, vcpu.id, why, to_string(abort.kind), abort.address, whose,
                whose.empty() ? "" : " ", abort.far, frame.pc, abort.esr, held_back);
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
  const char* why = "no such address";
  std::string_view whose;
  if (domain.mmio_faults != nullptr && abort.status == FaultStatus::Kind::kTranslation) {
    const Touch touch{.frame = abort.address.frame(),
                      .is_data = abort.kind != Kind::kFetch,
                      .vcpu = vcpu.id,
                      .pc = frame.pc};
    switch (resolve(domain, touch)) {
      case Resolution::kRetry:
        return;
      case Resolution::kDenied:
        whose = domain.mmio_faults->name_of(Mfn(touch.frame.value()));
        break;
      case Resolution::kDeniedAgain:
        why = nullptr;
        break;
    }
  }
  inject(vcpu, frame, abort, why, whose);
}

void without_address(Vcpu& vcpu, CpuFrame& frame, const Abort& abort) {
  if (abort.status == FaultStatus::Kind::kTlbConflict) {
    port::tlb_stage2_all(vcpu.domain.address_space.context());
    port::tlb_sync();
    return;
  }
  // HPFAR_EL2 is anything. For the line the guest's own tables tell, as far as EL1 may read there.
  Abort known = abort;
  const auto where = port::translate_guest_read(abort.far);
  if (where.has_value()) known.address = *where;
  inject(vcpu, frame, known, "stage-2 abort", where.has_value() ? "" : "(perhaps)");
}

}  // namespace

namespace {

[[gnu::noinline]] void refuse(CpuFrame& frame) {
  inject(guest::current_vcpu(), frame, describe(frame), "access refused by an emulated device");
}

// A load or store with a full syndrome by a little-endian AArch64 guest, where a translation is
// missing (a fault of any level, not on a walk; instruction aborts have no ISV).
bool is_plain_access(const CpuFrame& frame) {
  constexpr std::uint64_t kMask =
      DataAbort::ISV::kMask | DataAbort::CM::kMask | DataAbort::S1PTW::kMask | 0x3c;
  if ((frame.esr & kMask) != (DataAbort::ISV::kMask | 0x04)) return false;
  const std::uint64_t sctlr = port::read_register<hw::SCTLR_EL1>();
  if ((sctlr & (hw::SCTLR_EL1::EE::kMask | hw::SCTLR_EL1::E0E::kMask)) != 0) return false;
  return hw::Pstate::AArch32::get(frame.pstate) == 0;
}

// Bits of the register that the access does not reach.
unsigned unused_bits(std::uint64_t esr) {
  return 64 - (8u << DataAbort::SAS::get(esr));
}

// Of 32 bits, and its sign does not matter: nearly all loads.
bool is_word_load(std::uint64_t esr) {
  constexpr std::uint64_t kMask =
      DataAbort::SAS::kMask | DataAbort::SSE::kMask | DataAbort::WnR::kMask;
  return (esr & kMask) == DataAbort::SAS::make(2);
}

void finish_plain_load(CpuFrame& frame, std::uint64_t loaded) {
  const std::uint64_t esr = frame.esr;
  const unsigned unused = unused_bits(esr);
  const std::uint64_t at_top = loaded << unused;
  std::uint64_t value = at_top >> unused;
  if (DataAbort::SSE::get(esr) != 0) {
    value = static_cast<std::uint64_t>(static_cast<std::int64_t>(at_top) >> unused);
  }
  if (DataAbort::SF::get(esr) == 0) value &= 0xffff'ffff;
  guest::write_general(frame, DataAbort::SRT::get(esr), value);
}

// A plain access to a register of this region.
[[gnu::noinline]] void emulate_plain(Vcpu& vcpu, CpuFrame& frame, Ipa address,
                                     guest::MmioEmulator emulator) {
  const std::uint64_t esr = frame.esr;
  guest::MmioAccess access{.address = address,
                           .bytes = 1u << DataAbort::SAS::get(esr),
                           .is_write = DataAbort::WnR::get(esr) != 0,
                           .value = 0};
  if (access.is_write) {
    const unsigned unused = unused_bits(esr);
    access.value = guest::read_general(frame, DataAbort::SRT::get(esr)) << unused >> unused;
  }
  if (!emulator(vcpu, access)) {
    refuse(frame);
    return;
  }
  if (DataAbort::WnR::get(frame.esr) == 0) finish_plain_load(frame, access.value);
  guest::advance_aarch64(frame);
}

// The one abort that happens often, a plain access to an emulated register, in as few instructions
// as possible (after the call everything is taken from the frame again rather than kept). False:
// nothing was done.
bool emulate_quickly(Vcpu& vcpu, CpuFrame& frame) {
  if (!is_plain_access(frame)) return false;
  const std::uint64_t fipa = hw::HPFAR_EL2::FIPA::get(port::read_register<hw::HPFAR_EL2>());
  const std::uint64_t far = port::read_register<hw::FAR_EL2>();
  const Ipa address((fipa << kFrameShift) | (far & (kFrameSize - 1)));
  const guest::MmioRegions::Region* region = vcpu.domain.mmio.find(address);
  if (region == nullptr) return false;
  const std::uint64_t offset = address - region->range.begin();
  if (region->read == nullptr || !is_word_load(frame.esr) || offset % 4 != 0) {
    emulate_plain(vcpu, frame, address, region->emulate);
    return true;
  }
  const std::uint32_t value = region->read(vcpu, offset);
  guest::write_general(frame, DataAbort::SRT::get(frame.esr), value);
  guest::advance_aarch64(frame);
  return true;
}

// noinline: the usual way out of stage2_abort_entry() should not pay for its stack frame.
[[gnu::noinline]] void handle_abort(Vcpu& vcpu, CpuFrame& frame) {
  const Abort abort = describe(frame);
  if (!address_is_known(abort)) {
    without_address(vcpu, frame, abort);
    return;
  }
  const guest::MmioRegions::Region* region = vcpu.domain.mmio.find(abort.address);
  if (region != nullptr) {
    emulate(vcpu, frame, abort, region->emulate);
  } else {
    unmapped(vcpu, frame, abort);
  }
}

}  // namespace
}  // namespace socle::fault

namespace socle::guest {

extern "C" void stage2_abort_entry(Vcpu& vcpu, CpuFrame& frame) {
  if (fault::emulate_quickly(vcpu, frame)) return;
  fault::handle_abort(vcpu, frame);
}

}  // namespace socle::guest
