// SPDX-License-Identifier: Apache-2.0
#include "el2/psci.h"

#include "base/log.h"
#include "el2/crash.h"
#include "el2/probe.h"
#include "port/firmware.h"
#include "port/power.h"

namespace socle::el2 {
namespace {

constexpr std::uint64_t kVersion = 0x8400'0000;
constexpr std::uint64_t kCpuOn = 0xc400'0003;
constexpr std::uint64_t kSystemOff = 0x8400'0008;
constexpr std::uint64_t kSystemReset = 0x8400'0009;

struct Interface {
  bool is_present = false;
  std::uint32_t version = 0;
  std::uint64_t cpu_on = 0;
};
constinit Interface interface;
constinit void (*drain_console)() = nullptr;

void drain() {
  if (drain_console != nullptr) drain_console();
}

[[noreturn]] void end_of_machine(std::uint64_t function, const char* what) {
  drain();
  if (interface.is_present && interface.version != 0) port::firmware_call(function);
  log_error("firmware does not {} the machine; this CPU stops", what);
  port::power_halt();
}

}  // namespace

const char* to_string(PsciStatus status) {
  switch (status) {
    case PsciStatus::kSuccess:
      return "success";
    case PsciStatus::kNotSupported:
      return "not supported";
    case PsciStatus::kInvalidParameters:
      return "invalid parameters";
    case PsciStatus::kDenied:
      return "denied";
    case PsciStatus::kAlreadyOn:
      return "already on";
    case PsciStatus::kOnPending:
      return "on pending";
    case PsciStatus::kInternalFailure:
      return "internal failure";
    case PsciStatus::kNotPresent:
      return "not present";
    case PsciStatus::kDisabled:
      return "disabled";
    case PsciStatus::kInvalidAddress:
      return "invalid address";
  }
  return "unknown status";
}

void psci_init(const PsciDescription& description) {
  if (!description.is_present) {
    log_warning("firmware names no PSCI: one CPU, no power off, no restart");
    return;
  }
  if (description.by_hvc) {
    log_warning("PSCI by HVC cannot be called from EL2: one CPU, no power off, no restart");
    return;
  }
  if (!survives([] { port::firmware_call(kVersion); })) {
    log_warning("SMC is undefined on this machine: one CPU, no power off, no restart");
    return;
  }
  interface.is_present = true;
  interface.cpu_on = description.cpu_on != 0 ? description.cpu_on : kCpuOn;
  const auto version = static_cast<std::int32_t>(port::firmware_call(kVersion).x0);
  // PSCI 0.1 has no version call, and no standard number but those in its node.
  interface.version = version > 0 ? static_cast<std::uint32_t>(version) : 0;
  log_info("PSCI {}.{} by SMC", interface.version >> 16, interface.version & 0xffff);
}

bool psci_is_present() {
  return interface.is_present;
}

std::uint32_t psci_version() {
  return interface.version;
}

PsciStatus psci_cpu_on(std::uint64_t mpidr, Pa entry, std::uint64_t context) {
  if (!interface.is_present) return PsciStatus::kNotSupported;
  const port::FirmwareResult result =
      port::firmware_call(interface.cpu_on, mpidr, entry.value(), context);
  return static_cast<PsciStatus>(static_cast<std::int32_t>(result.x0));
}

void set_console_drain(void (*function)()) {
  drain_console = function;
}

}  // namespace socle::el2

namespace socle::port {

void power_off() {
  el2::end_of_machine(el2::kSystemOff, "power off");
}

void power_reset() {
  el2::end_of_machine(el2::kSystemReset, "restart");
}

void power_halt() {
  el2::stop_other_cpus();
  el2::drain();
  for (;;)
    asm volatile("wfi");
}

}  // namespace socle::port
