// SPDX-License-Identifier: Apache-2.0
#include "image/efi_runtime.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/inplace_vector.h"
#include "base/log.h"
#include "el2/address_map.h"
#include "el2/probe.h"
#include "guest/efi_runtime.h"
#include "guest/fp_context.h"
#include "mem/memory.h"
#include "port/phys_window.h"

namespace socle::image {
namespace {

using fw::EfiMemoryRange;
using guest::EfiArguments;
using guest::EfiService;

// UEFI Specification 2.10: 4.3 (system table), 4.5 (runtime services), 4.6 (attributes table).
constexpr std::uint64_t kSystemSignature = 0x5453'5953'2049'4249;   // "IBI SYST"
constexpr std::uint64_t kRuntimeSignature = 0x5652'4553'544e'5552;  // "RUNTSERV"
constexpr std::size_t kRuntimeServicesAt = 88;
constexpr std::size_t kTableCountAt = 104;
constexpr std::size_t kTablesAt = 112;
constexpr std::size_t kRuntimeTableBytes = 136;
constexpr std::size_t kConfigurationEntryBytes = 24;
constexpr std::uint64_t kMaxConfigurationEntries = 1024;
// dcfa911d-26eb-469f-a220-38b7dc461220
constexpr std::uint64_t kAttributesGuidLow = 0x469f'26eb'dcfa'911d;
constexpr std::uint64_t kAttributesGuidHigh = 0x2012'46dc'b738'20a2;
constexpr std::uint64_t kExecuteProtect = 0x4000;
constexpr std::uint64_t kReadOnly = 0x2'0000;
constexpr std::size_t kDescriptorBytes = 40;
constexpr std::size_t kMaxDescriptorBytes = 256;

// Where in the runtime services table each service stands.
constexpr std::array<std::uint8_t, guest::kEfiServices> kServiceAt = {24, 32, 40, 48, 72,
                                                                      80, 88, 96, 128};

constexpr FrameCount kBuffer{17};

struct Mapped {
  PaRange range;
  el2::Mapping mapping = el2::Mapping::kReadOnly;
};

constexpr std::size_t kMaxMapped = 128;
constinit InplaceVector<Mapped, kMaxMapped> to_map{};
constinit std::array<std::uint64_t, guest::kEfiServices> services{};
constinit std::span<std::byte> buffer{};
constinit guest::FpContext kept_fp{};

// The call in progress: probes take no argument.
struct Pending {
  std::uint64_t function = 0;
  EfiArguments arguments{};
  std::uint64_t status = 0;
};
constinit Pending pending{};

class Reader {
 public:
  explicit Reader(std::span<const EfiMemoryRange> memory) : memory_(memory) {}

  // Bytes of memory, wherever they are; kFault for what is no memory by UEFI's map.
  Result<> copy(void* to, Pa from, std::size_t bytes) const {
    const auto range = PaRange::from_size(from, bytes);
    if (!range || !std::ranges::any_of(memory_, [&](const EfiMemoryRange& known) {
          return known.use() != EfiMemoryRange::Use::kDevice && known.range.contains(*range) &&
                 (known.attributes & fw::kEfiMemoryWriteBack) != 0;
        }))
      return fail(Error::kFault);
    auto* out = static_cast<std::byte*>(to);
    while (bytes != 0) {
      const std::size_t part = std::min<std::size_t>(kFrameSize - from.offset_in_frame(), bytes);
      const port::PhysWindow window(from.frame());
      std::memcpy(out, window.data() + from.offset_in_frame(), part);
      out += part;
      from = from + part;
      bytes -= part;
    }
    return {};
  }
  [[nodiscard]] Result<std::uint64_t> number(Pa at) const {
    std::uint64_t value = 0;
    TRY(copy(&value, at, sizeof value));
    return value;
  }
  [[nodiscard]] bool is_runtime(Pa address, fw::EfiMemoryType type) const {
    return std::ranges::any_of(memory_, [&](const EfiMemoryRange& known) {
      return known.type == type && known.range.contains(address);
    });
  }
  [[nodiscard]] std::span<const EfiMemoryRange> memory() const { return memory_; }

 private:
  std::span<const EfiMemoryRange> memory_;
};

Result<Pa> find_attributes_table(const Reader& reader, Pa system_table) {
  const std::uint64_t count = TRY(reader.number(system_table + kTableCountAt));
  const Pa tables(TRY(reader.number(system_table + kTablesAt)));
  for (std::uint64_t i = 0; i < std::min(count, kMaxConfigurationEntries); ++i) {
    const Pa entry = tables + i * kConfigurationEntryBytes;
    if (TRY(reader.number(entry)) == kAttributesGuidLow &&
        TRY(reader.number(entry + 8)) == kAttributesGuidHigh)
      return Pa(TRY(reader.number(entry + 16)));
  }
  return fail(Error::kNotFound);
}

// What a runtime range may do; nothing for what could be both written and executed.
std::optional<el2::Mapping> mapping_of(std::uint64_t attributes) {
  const bool writes = (attributes & kReadOnly) == 0;
  const bool executes = (attributes & kExecuteProtect) == 0;
  if (writes && executes) return std::nullopt;
  if (writes) return el2::Mapping::kReadWrite;
  return executes ? el2::Mapping::kForeignText : el2::Mapping::kReadOnly;
}

Result<> read_attributes(const Reader& reader, Pa table) {
  std::array<std::uint32_t, 4> header{};  // version, entries, bytes of each, reserved
  TRY(reader.copy(header.data(), table, sizeof header));
  if (header[2] < kDescriptorBytes || header[2] > kMaxDescriptorBytes || header[1] > kMaxMapped)
    return fail(Error::kUnsupported);
  for (std::uint64_t i = 0; i < header[1]; ++i) {
    std::array<std::uint64_t, 5> descriptor{};  // type, start, virtual start, pages, attributes
    TRY(reader.copy(descriptor.data(), table + sizeof header + i * header[2], sizeof descriptor));
    const auto type = static_cast<fw::EfiMemoryType>(descriptor[0]);
    const auto range = descriptor[3] < kGiB
                           ? PaRange::from_size(Pa(descriptor[1]), descriptor[3] << kFrameShift)
                           : std::nullopt;
    const auto mapping = mapping_of(descriptor[4]);
    if (!range || range->empty() || !mapping || !reader.is_runtime(range->begin(), type) ||
        !reader.is_runtime(range->end() - 1, type))
      return fail(Error::kCorrupt);
    TRY(to_map.push_back({.range = *range, .mapping = *mapping}));
  }
  return {};
}

Result<> read_services(const Reader& reader, Pa system_table) {
  std::array<std::byte, kRuntimeTableBytes> table{};
  if (TRY(reader.number(system_table)) != kSystemSignature) return fail(Error::kCorrupt);
  const Pa runtime(TRY(reader.number(system_table + kRuntimeServicesAt)));
  TRY(reader.copy(table.data(), runtime, table.size()));
  std::uint64_t signature = 0;
  std::memcpy(&signature, table.data(), sizeof signature);
  if (signature != kRuntimeSignature) return fail(Error::kCorrupt);
  for (std::size_t i = 0; i < services.size(); ++i) {
    std::memcpy(&services[i], table.data() + kServiceAt[i], sizeof services[i]);
    if (!reader.is_runtime(Pa(services[i]), fw::EfiMemoryType::kRuntimeServicesCode))
      return fail(Error::kCorrupt);
  }
  return {};
}

Result<> read_all(const Reader& reader, Pa system_table) {
  TRY(read_services(reader, system_table));
  TRY(read_attributes(reader, TRY(find_attributes_table(reader, system_table))));
  for (const EfiMemoryRange& range : reader.memory())
    if (range.type == fw::EfiMemoryType::kMemoryMappedIo &&
        (range.attributes & fw::kEfiMemoryRuntime) != 0)
      TRY(to_map.push_back({.range = range.range, .mapping = el2::Mapping::kDevice}));
  return {};
}

void call_pending() {
  using Function =
      std::uint64_t (*)(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t);
  const EfiArguments& a = pending.arguments;
  pending.status = reinterpret_cast<Function>(pending.function)(a[0], a[1], a[2], a[3], a[4]);
}

}  // namespace

void read_efi_runtime(Pa system_table, std::span<const EfiMemoryRange> memory,
                      fw::Diagnostics& notes) {
  const Result<> read = read_all(Reader(memory), system_table);
  if (read.has_value()) return;
  to_map.clear();
  notes.warning("EFI runtime services: firmware's tables are not usable ({}): none for dom0",
                read.error());
}

void map_efi_runtime(fw::Diagnostics& notes) {
  if (to_map.empty()) return;
  for (const Mapped& part : to_map) {
    const Result<> mapped = el2::map_identity(part.range, part.mapping);
    if (mapped.has_value()) continue;
    notes.warning("EFI runtime services: {} cannot be mapped ({}): none for dom0", part.range,
                  mapped.error());
    return;
  }
  const Result<Mfn> frames = mem::allocate_frames(kBuffer);
  if (!frames.has_value()) return;
  buffer = std::span(port::owned_frame(*frames), kBuffer.bytes());
  log_info("EFI runtime services: for dom0, {} ranges mapped", to_map.size());
}

}  // namespace socle::image

namespace socle::guest {

std::span<std::byte> efi_runtime_buffer() {
  return image::buffer;
}

// dom0 runs on this CPU, so FP and SIMD are open, with its values in them; firmware uses them.
std::optional<std::uint64_t> efi_runtime_call(EfiService service, const EfiArguments& arguments) {
  image::pending = {.function = image::services[static_cast<std::size_t>(service)],
                    .arguments = arguments};
  save_fp_context(image::kept_fp);
  const std::optional<el2::ProbeFault> fault = el2::fault_of(image::call_pending);
  asm volatile("msr daifset, #0xf" ::: "memory");
  load_fp_context(image::kept_fp);
  if (!fault) return image::pending.status;
  image::buffer = {};
  log_error(
      "EFI runtime services: firmware took an exception at {#x} (ESR {#x}, FAR {#x}): they are "
      "over",
      fault->pc, fault->esr, fault->far);
  return std::nullopt;
}

}  // namespace socle::guest
