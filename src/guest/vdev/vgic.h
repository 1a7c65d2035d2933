// SPDX-License-Identifier: Apache-2.0
#pragma once

// The virtual interrupt controller of a domain, of the machine's version. GICv3: one security state
// (GICD_CTLR.DS), affinity routing always on, both groups, SGIs, PPIs and SPIs up to 1019; no LPIs,
// no extended ranges. GICv2: no Security Extensions, both groups, up to eight vCPUs, SPIs up to
// 895. The guest's CPU interface is the hardware's virtual one; this code fills its list registers
// and emulates the distributor and the redistributors.
//
// "Own CPU" below: on the CPU that runs (or last ran: vCPUs are pinned) the vCPU, at EL2.
// Nothing here blocks on another CPU, except register accesses that need the state of another
// vCPU's list registers: a wait of at most a few milliseconds that answers the same question of
// others meanwhile. Callers hold no lock unless it says otherwise.
//
// Source: Arm IHI 0069 (GICv3 architecture), IHI 0048 (GICv2). Design: docs/design/vgic.md.

#include <cstdint>
#include <span>

#include "base/range.h"
#include "base/result.h"
#include "base/types.h"
#include "guest/mmio_access.h"

namespace socle::guest {

class Domain;
struct Vcpu;

namespace vgic {

inline constexpr std::uint64_t kDistributorSize = 0x1'0000;
inline constexpr std::uint64_t kGicv2DistributorSize = 0x1000;
// Of a GICv2; numbers above stand for SGIs by sender inside.
inline constexpr unsigned kGicv2MaxLines = 896;
// One vCPU's redistributor: RD_base and SGI_base frames.
inline constexpr std::uint64_t kRedistributorSize = 0x2'0000;

enum class Version : std::uint8_t { kV2, kV3 };

struct Config {
  Version version = Version::kV3;
  Ipa distributor;  // 64 KiB; 4 KiB of a GICv2
  // Each holds as many redistributors as fit, 128 KiB apart, for vCPUs 0, 1, ... in this order.
  std::span<const Range<Ipa>> redistributors;
  // Interrupt numbers below this exist: 32 * (GICD_TYPER.ITLinesNumber + 1), 32 to 1024 (GICv2: to
  // kGicv2MaxLines).
  unsigned lines = 32;
};

// ----- Building, before the domain runs. -----

// kInvalid: a region or the number of lines is not as above; kTooLarge: more regions than 32, or
// fewer redistributors than domain.vcpus, or more than eight vCPUs for a GICv2.
[[nodiscard]] Result<> init_domain(Domain& domain, const Config& config);
// After init_domain(). Reset state: everything disabled. A domain.event_channel_ppi becomes a line
// that the guest lowers silently.
void init_vcpu(Vcpu& vcpu);
// The physical SPI becomes the domain's SPI of the same number. kOutOfRange: not a line of both;
// kBusy: somebody else's (Socle's or another domain's).
[[nodiscard]] Result<> route_to_guest(Domain& domain, IntId spi);
// The private interrupt of the same number of this vCPU's CPU is the guest's (virtual timer, 27):
// it then reaches it like an SPI, without a handler. kOutOfRange, kBusy: as above.
[[nodiscard]] Result<> own_hardware_ppi(Vcpu& vcpu, IntId ppi);

// ----- Running. -----

// Own CPU. Puts the vCPU's state into this CPU's virtual CPU interface, or takes it out.
void load(Vcpu& vcpu);
void save(Vcpu& vcpu);

// Own CPU. A level-sensitive PPI of software origin (event channel, emulated timer). Idempotent.
void set_line(Vcpu& vcpu, IntId ppi, bool high);
// Any CPU. An edge on a private interrupt of software origin.
void pulse(Vcpu& vcpu, IntId interrupt);
// Any CPU. An SPI of software origin.
void set_spi_line(Domain& domain, IntId spi, bool high);
void pulse_spi(Domain& domain, IntId spi);
// Any CPU. The physical SPI has been acknowledged (it is active); the guest's end of interrupt will
// deactivate it.
void inject_hardware(Domain& domain, IntId spi);
// Own CPU. The same for a PPI of this CPU.
void inject_hardware_ppi(Vcpu& vcpu, IntId ppi);

// Own CPU. ICC_SGI1R_EL1; and ICC_SGI0R_EL1 or ICC_ASGI1R_EL1, which reach Group 0 only.
void send_sgi(Vcpu& vcpu, std::uint64_t icc_sgi1r);
void send_group0_sgi(Vcpu& vcpu, std::uint64_t icc_sgi0r);
// Own CPU. ICC_DIR_EL1, which traps only while an active interrupt has no list register.
void deactivate(Vcpu& vcpu, std::uint64_t icc_dir);

// Own CPU. Whether an interrupt is pending that would wake the vCPU from WFI.
[[nodiscard]] bool has_deliverable(const Vcpu& vcpu);
// Own CPU. A silently lowered line is believed to be high: ask its owner before blocking
// (Work::kEvent).
[[nodiscard]] bool needs_line_check(const Vcpu& vcpu);
// Own CPU, before the guest is entered or while it is blocked: `work` holds bits of Work that
// are the virtual GIC's (others are ignored).
void entry_work(Vcpu& vcpu, std::uint32_t work);
// Own CPU: the maintenance interrupt of the virtual CPU interface.
void maintenance(Vcpu& vcpu);

// Own CPU. An access to the distributor or a redistributor; false if the address is neither. Every
// size, alignment and value is answered: what has no register reads as zero and ignores writes.
bool emulate_mmio(Vcpu& vcpu, MmioAccess& access);
// The same for a read of the distributor: of 32 bits, at a multiple of 4 below kDistributorSize.
std::uint32_t read_distributor(Vcpu& vcpu, std::uint64_t offset);
// The same two of a GICv2.
bool emulate_gicv2_mmio(Vcpu& vcpu, MmioAccess& access);
std::uint32_t read_gicv2_distributor(Vcpu& vcpu, std::uint64_t offset);

}  // namespace vgic
}  // namespace socle::guest
