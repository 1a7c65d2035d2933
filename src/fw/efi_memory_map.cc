// SPDX-License-Identifier: Apache-2.0
#include "fw/efi_memory_map.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "fw/sort.h"

namespace socle::fw {

namespace {

// EFI_MEMORY_DESCRIPTOR: Type, PhysicalStart, VirtualStart, NumberOfPages, Attribute.
constexpr std::size_t kTypeAt = 0;
constexpr std::size_t kStartAt = 8;
constexpr std::size_t kPagesAt = 24;
constexpr std::size_t kAttributesAt = 32;
constexpr std::size_t kDescriptorBytes = 40;
// Firmware may have longer ones, not any length.
constexpr std::size_t kMaxDescriptorBytes = 4096;
constexpr std::uint32_t kVersion = 1;

template <typename T>
T load(std::span<const std::byte> bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

PaRange rounded(const PaRange& bytes, bool is_ram) {
  const MfnRange frames = is_ram ? frames_inside(bytes) : frames_touched(bytes);
  return PaRange(Pa(frames.begin()), Pa(frames.end()));
}

// One descriptor; nothing if it says nothing that can be used.
std::optional<EfiMemoryRange> read_descriptor(std::span<const std::byte> bytes,
                                              Diagnostics& notes) {
  EfiMemoryRange out{.range = {},
                     .type = load<EfiMemoryType>(bytes, kTypeAt),
                     .attributes = load<std::uint64_t>(bytes, kAttributesAt)};
  const auto start = load<std::uint64_t>(bytes, kStartAt);
  const auto pages = load<std::uint64_t>(bytes, kPagesAt);
  // The last frame of the 64-bit space would have an end that is no address.
  constexpr std::uint64_t kMaxPages = (~std::uint64_t{0} >> kFrameShift);
  const auto range =
      pages <= kMaxPages ? PaRange::from_size(Pa(start), pages << kFrameShift) : std::nullopt;
  if (!range || range->end().value() > kMaxPages << kFrameShift) {
    notes.warning("EFI memory map: {#x} + {#x} pages passes 64 bits, ignored", start, pages);
    return std::nullopt;
  }
  out.range = rounded(*range, out.use() == EfiMemoryRange::Use::kRam);
  if (out.range.empty()) return std::nullopt;
  return out;
}

void merge(ArenaVector<EfiMemoryRange>& ranges, Diagnostics& notes) {
  if (ranges.empty()) return;
  fw::sort_by(ranges.span(), [](const EfiMemoryRange& range) { return range.range.begin(); });
  bool overlap = false;
  std::size_t last = 0;
  Pa furthest = ranges[0].range.end();
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    const EfiMemoryRange next = ranges[i];
    EfiMemoryRange& before = ranges[last];
    if (next.range.begin() < furthest && !overlap) {
      overlap = true;
      notes.warning("EFI memory map: {} is described twice", next.range.begin());
    }
    furthest = std::max(furthest, next.range.end());
    if (next.type == before.type && next.attributes == before.attributes &&
        next.range.begin() <= before.range.end()) {
      before.range = PaRange(before.range.begin(), std::max(before.range.end(), next.range.end()));
    } else {
      ranges[++last] = next;
    }
  }
  ranges.truncate(last + 1);
}

}  // namespace

EfiMemoryRange::Use EfiMemoryRange::use() const {
  switch (type) {
    case EfiMemoryType::kLoaderCode:
    case EfiMemoryType::kLoaderData:
    case EfiMemoryType::kBootServicesCode:
    case EfiMemoryType::kBootServicesData:
    case EfiMemoryType::kConventional:
      // Memory that cannot be cached, or is set aside for one purpose, is not for everybody.
      return (attributes & kEfiMemoryWriteBack) != 0 &&
                     (attributes & kEfiMemorySpecificPurpose) == 0
                 ? Use::kRam
                 : Use::kFirmware;
    case EfiMemoryType::kMemoryMappedIo:
    case EfiMemoryType::kMemoryMappedIoPorts:
      return Use::kDevice;
    case EfiMemoryType::kReserved:
    case EfiMemoryType::kRuntimeServicesCode:
    case EfiMemoryType::kRuntimeServicesData:
    case EfiMemoryType::kUnusable:
    case EfiMemoryType::kAcpiReclaim:
    case EfiMemoryType::kAcpiNvs:
    case EfiMemoryType::kPalCode:
    case EfiMemoryType::kPersistent:
    case EfiMemoryType::kUnaccepted:
      return Use::kFirmware;
  }
  return Use::kFirmware;
}

bool EfiMemoryRange::is_of_boot_services() const {
  return type >= EfiMemoryType::kLoaderCode && type <= EfiMemoryType::kBootServicesData;
}

bool EfiMemoryRange::is_shared_by_firmware() const {
  return type == EfiMemoryType::kAcpiReclaim || type == EfiMemoryType::kAcpiNvs ||
         (type == EfiMemoryType::kReserved && (attributes & kEfiMemoryRuntime) == 0);
}

Result<std::span<const EfiMemoryRange>> read_efi_memory_map(const EfiMemoryMapBytes& map,
                                                            Arena& arena, Diagnostics& notes) {
  const std::uint64_t stride = map.descriptor_size;
  if (map.descriptor_version != kVersion || stride < kDescriptorBytes ||
      stride > kMaxDescriptorBytes)
    return notes.error(Error::kUnsupported,
                       "EFI memory map: descriptors of version {} and {} bytes",
                       map.descriptor_version, stride);
  if (map.bytes.size() > kMaxEfiMemoryMapBytes)
    return notes.error(Error::kTooLarge, "EFI memory map: {} bytes", map.bytes.size());
  if (map.bytes.empty() || map.bytes.size() % stride != 0)
    return notes.error(Error::kCorrupt,
                       "EFI memory map: {} bytes are not so many descriptors of {}",
                       map.bytes.size(), stride);
  ArenaVector<EfiMemoryRange> ranges(arena);
  for (std::size_t at = 0; at < map.bytes.size(); at += stride)
    if (const auto range = read_descriptor(map.bytes.subspan(at, stride), notes))
      TRY(ranges.push_back(*range));
  merge(ranges, notes);
  return ranges.finish();
}

}  // namespace socle::fw
