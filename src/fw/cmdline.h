// SPDX-License-Identifier: Apache-2.0
#pragma once

// Socle's command line, in Xen's syntax. Words are separated by blanks; the last one of a name
// wins (unless its option says otherwise); '-' and '_' in names are the same. An unknown word, and
// a known one with a bad value, adds a warning and is ignored (boot loaders add words such as
// "placeholder").
//
// Source: xen-command-line.pandoc (the meaning of types); Options' comments give each syntax.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/inplace_vector.h"
#include "base/log.h"
#include "fw/diagnostics.h"

namespace socle::fw {

// dom0_mem=<size> | min:<size> | max:<size>, separated by commas. A size without a unit is in KiB;
// units B K M G T.
struct Dom0Memory {
  std::optional<std::uint64_t> size;     // bytes
  std::optional<std::uint64_t> minimum;  // bytes
  std::optional<std::uint64_t> maximum;  // bytes
};

// mmio-fault=deny|log|map: what dom0 gets when it touches an address that nothing is mapped at: an
// abort; an abort that is also recorded; the device that may be there, mapped on demand.
enum class MmioFault : std::uint8_t { kDeny, kLog, kMap };
const char* to_string(MmioFault policy);

// acpi=off|on|force: which description of the machine counts where firmware has two. kDefault and
// kOn: the device tree, unless it has nothing but /chosen.
enum class Acpi : std::uint8_t { kDefault, kOff, kOn, kForce };

struct Options {
  std::string_view console;  // console=dtuart[,...]: as given, empty if not
  std::string_view dtuart;   // dtuart=<path or alias>[:options]
  Dom0Memory dom0_mem;
  std::optional<unsigned> dom0_max_vcpus;  // at least 1
  std::optional<unsigned> maxcpus;         // at least 1
  // loglvl=<level>[/<rate-limited level>], level none|error|warning|info|debug|all. Nothing: the
  // build's default. `none` is no value of LogLevel: `quiet`.
  std::optional<LogLevel> loglvl;
  bool loglvl_none = false;
  std::optional<LogLevel> guest_loglvl;
  bool guest_loglvl_none = false;
  std::optional<MmioFault> mmio_fault;  // nothing: as the kind of boot asks for
  // mmio-fault=map,pages: only the page that is touched, so that the record says which those are.
  bool mmio_fault_by_pages = false;
  // iommu-passthrough=<path>|<compatible>|all, each given for itself (both have commas): IOMMUs
  // that dom0 is to drive, because Socle does not.
  static constexpr std::size_t kMaxIommus = 8;
  InplaceVector<std::string_view, kMaxIommus> iommu_passthrough;
  Acpi acpi = Acpi::kDefault;
  bool efi_runtime = true;  // efi=no-rs: dom0 has no runtime services
  bool noreboot = false;
  bool sync_console = false;
};

// The strings of the result point into `line`.
Options parse_options(std::string_view line, Diagnostics& notes);

// The speed that a port's options begin with ("115200n8"); 0 if there is none, or none that can be.
std::uint32_t read_speed(std::string_view port_options);

}  // namespace socle::fw
