// SPDX-License-Identifier: Apache-2.0
#pragma once

// Domain: one guest. Properties say what a domain may do; code asks for the property it needs
// (`is_hardware_domain`), never for the number.

#include <atomic>
#include <cstdint>
#include <span>

#include "base/lock.h"
#include "base/result.h"
#include "base/types.h"
#include "guest/event_channel.h"
#include "guest/grant_table.h"
#include "guest/hvm_params.h"
#include "guest/id_registers.h"
#include "guest/mmio_access.h"
#include "guest/permitted_mmio.h"
#include "guest/vdev/vgic_types.h"
#include "mem/table_pool.h"
#include "stage2/address_space.h"

namespace socle::guest {

struct Vcpu;
class MmioFaults;

enum class ShutdownReason : std::uint8_t {
  kPowerOff = 0,
  kReboot = 1,
  kSuspend = 2,
  kCrash = 3,
  kWatchdog = 4,
  kSoftReset = 5,
};

class Domain {
 public:
  struct Properties {
    bool is_hardware_domain = false;  // owns the machine's devices; its shutdown is the machine's
    bool is_direct_mapped = false;    // gfn == mfn for its RAM
    bool is_privileged = false;       // may make toolstack hypercalls
  };

  Domain(DomainId number, Properties given) : id(number), properties(given) {}
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;

  const DomainId id;
  const Properties properties;

  // Fixed when the domain is built.
  std::span<Vcpu*> vcpus;
  IntId event_channel_ppi;

  IdRegisters id_registers;      // what its CPUs say they can do
  MmioRegions mmio;              // which of its addresses are emulated registers
  PermittedMmio permitted_mmio;  // machine frames it may have mapped as MMIO
  // What is done about accesses where nothing is mapped, and the record of it. Null: an abort.
  MmioFaults* mmio_faults = nullptr;

  // Frames of the address space's tables, with this domain's quota.
  mem::TablePool table_pool;
  stage2::AddressSpace address_space;
  vgic::DomainState gic;
  EventChannels event_channels;
  GrantTable grant_table;
  HvmParams hvm_params;

  // Frames of RAM it owns now, and may own (XENMEM_current_reservation, maximum_reservation).
  std::atomic<std::uint64_t> ram_frames{0};
  std::uint64_t max_ram_frames = 0;

  // One frame of Socle's heap, mapped into the guest on request (XENMAPSPACE_shared_info).
  Mfn shared_info_frame;
  // The guest frame that showed it last (hypercall/ asks the map whether it still does).
  std::atomic<std::uint64_t> shared_info_at{~std::uint64_t{0}};
  // VMASST_TYPE_*, set by vm_assist.
  std::atomic<std::uint64_t> vm_assist{0};
  std::uint8_t handle[16] = {};

  std::atomic<bool> is_shut_down{false};
  std::atomic<std::uint8_t> shutdown_code{0};
};

// Ends a domain as it asked (SCHEDOP_shutdown, PSCI SYSTEM_OFF/RESET) or because it cannot go on.
// For the hardware domain this ends or restarts the machine and does not return.
void shut_down(Domain& domain, ShutdownReason reason);

}  // namespace socle::guest
