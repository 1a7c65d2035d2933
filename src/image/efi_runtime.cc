// SPDX-License-Identifier: Apache-2.0
#include "image/efi_runtime.h"

#include <array>

#include "base/log.h"
#include "drivers/gic.h"
#include "el2/address_map.h"
#include "el2/firmware_call.h"
#include "guest/efi_runtime.h"
#include "hwdom/crc32.h"
#include "image/acpi.h"
#include "mem/memory.h"
#include "port/clock.h"
#include "port/memory_features.h"
#include "port/phys_window.h"

#include "efi/runtime.h"

namespace socle::image {
namespace {

using guest::EfiArguments;
using guest::EfiService;

// The place in EFI_RUNTIME_SERVICES.
constexpr std::array<std::uint8_t, guest::kEfiServices> kPlaceOf = {0, 1, 2, 3, 6, 7, 8, 9, 13};

// In this order in the heap; the guard is not mapped for firmware.
constexpr FrameCount kGuard{1};
constexpr FrameCount kStack{8};
constexpr FrameCount kBuffer{17};

// Writing a variable may erase several blocks of flash, each of which may take seconds.
constexpr std::uint64_t kLimitSeconds = 30;

constinit efi::RuntimeServices found{};
constinit IntId timer_interrupt{0};
constinit std::span<std::byte> buffer{};  // the stack ends below

el2::Mapping mapping_of(efi::RuntimeRange::Kind kind) {
  using Kind = efi::RuntimeRange::Kind;
  switch (kind) {
    case Kind::kCode:
      return el2::Mapping::kForeignText;
    case Kind::kReadOnly:
      return el2::Mapping::kReadOnly;
    case Kind::kData:
      return el2::Mapping::kReadWrite;
    case Kind::kDevice:
      return el2::Mapping::kDevice;
  }
  return el2::Mapping::kReadOnly;
}

Result<std::span<std::byte>> map_all() {
  TRY(el2::prepare_firmware_calls());
  for (const efi::RuntimeRange& range : found.ranges)
    TRY(el2::map_for_firmware(range.range, mapping_of(range.kind)));
  const Mfn room = TRY(mem::allocate_frames(kGuard + kStack + kBuffer));
  const Mfn stack = room + kGuard;
  TRY(el2::map_for_firmware(PaRange(Pa(stack), Pa(stack + kStack + kBuffer)),
                            el2::Mapping::kReadWrite));
  return std::span(port::owned_frame(stack + kStack), kBuffer.bytes());
}

}  // namespace

void read_efi_runtime(Pa system_table, std::span<const fw::EfiMemoryRange> memory, fw::Arena& arena,
                      fw::Diagnostics& notes) {
  const std::uint64_t space = std::uint64_t{1} << port::memory_features().pa_bits;
  const auto read = [space](Pa from, std::span<std::byte> to) {
    if (from.value() >= space || to.size() > space - from.value()) return false;
    copy_from(from, to);
    return true;
  };
  const auto services = efi::read_runtime_services(
      system_table, memory, {.read = read, .crc32 = &hwdom::crc32_of}, arena, notes);
  if (services.has_value()) found = *services;
}

void map_efi_runtime(IntId timer, fw::Diagnostics& notes) {
  if (found.ranges.empty()) return;
  timer_interrupt = timer;
  const auto mapped = map_all();
  if (!mapped.has_value()) {
    notes.warning("EFI runtime services: cannot be mapped ({}): none for dom0", mapped.error());
    return;
  }
  buffer = *mapped;
  log_info("EFI runtime services: for dom0, {} ranges mapped", found.ranges.size());
}

}  // namespace socle::image

namespace socle::guest {

std::span<std::byte> efi_runtime_buffer() {
  return image::buffer;
}

std::uint64_t efi_runtime_call(EfiService service, const EfiArguments& arguments) {
  const std::size_t place = image::kPlaceOf[static_cast<std::size_t>(service)];
  const std::uint64_t function = image::found.functions[place];
  if (function == 0) return kEfiUnsupported;
  gic::mask_all_but(image::timer_interrupt);
  const el2::FirmwareAnswer answer = el2::call_firmware(
      {.function = function,
       .arguments = arguments,
       .stack_top = image::buffer.data(),
       .deadline = port::counter() + image::kLimitSeconds * port::counter_frequency()});
  gic::unmask_all();
  if (answer.has_returned) return answer.status;
  image::buffer = {};
  if (answer.is_late) {
    log_error("EFI runtime services: service {} took longer than {} s, ELR {#x}: they are over",
              place, image::kLimitSeconds, answer.elr);
  } else {
    log_error(
        "EFI runtime services: service {} took an exception: vector {}, ESR {#x}, FAR {#x}, "
        "ELR {#x}: they are over",
        place, answer.vector, answer.esr, answer.far, answer.elr);
  }
  return kEfiAborted;
}

}  // namespace socle::guest
