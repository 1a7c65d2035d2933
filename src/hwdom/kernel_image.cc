// SPDX-License-Identifier: Apache-2.0
#include "hwdom/kernel_image.h"

#include <cstring>

#include "base/field.h"

namespace socle::hwdom {
namespace {

constexpr std::size_t kTextOffsetAt = 8;
constexpr std::size_t kImageSizeAt = 16;
constexpr std::size_t kFlagsAt = 24;
constexpr std::size_t kMagicAt = 56;
constexpr std::uint32_t kImageMagic = 0x644d'5241;  // "ARM\x64"
constexpr std::uint32_t kZbootMagic = 0x676d'697a;  // "zimg", at 4
constexpr std::size_t kZbootCompressionAt = 24;

using BigEndian = Flag<0>;
using PageSize = Field<2, 1>;
using PlacedAnywhere = Flag<3>;

// No kernel needs more than this between the start of a 2 MiB block and itself.
constexpr std::uint64_t kMaxTextOffset = 2 * kMiB;
constexpr std::uint64_t kMaxImageSize = kGiB;

template <typename T>
T load(std::span<const std::byte> bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

Result<KernelIdentity> read_image(std::span<const std::byte> header, std::uint64_t module_size,
                                  fw::Diagnostics& notes) {
  KernelIdentity identity;
  KernelImage& image = identity.image;
  const auto flags = load<std::uint64_t>(header, kFlagsAt);
  image.text_offset = load<std::uint64_t>(header, kTextOffsetAt);
  image.memory_size = load<std::uint64_t>(header, kImageSizeAt);
  image.file_size = module_size;
  image.runs_anywhere = PlacedAnywhere::get(flags) != 0;
  if (BigEndian::get(flags) != 0) {
    return notes.error(Error::kUnsupported, "kernel: a big-endian Image; dom0 is little-endian");
  }
  if (image.memory_size == 0) {
    // Before Linux 3.17: no size, text_offset not reliable. Nobody runs those as dom0.
    return notes.error(Error::kUnsupported, "kernel: its Image header has no image_size");
  }
  if (image.text_offset >= kMaxTextOffset || !is_aligned(image.text_offset, kFrameSize)) {
    return notes.error(Error::kInvalid, "kernel: text_offset {#x} of its Image header is invalid",
                       image.text_offset);
  }
  if (image.memory_size > kMaxImageSize) {
    return notes.error(Error::kInvalid, "kernel: image_size {#x} of its Image header is invalid",
                       image.memory_size);
  }
  // A file may be longer than its image (padding, a signature); what matters is where it runs.
  if (image.memory_size < module_size) image.memory_size = module_size;
  return identity;
}

Result<KernelIdentity> read_zboot(std::span<const std::byte> header, std::uint64_t module_size,
                                  fw::Diagnostics& notes) {
  KernelIdentity identity;
  identity.format = KernelFormat::kZboot;
  identity.payload_offset = load<std::uint32_t>(header, 8);
  identity.payload_size = load<std::uint32_t>(header, 12);
  char compression[9] = {};
  std::memcpy(compression, header.data() + kZbootCompressionAt, 8);
  if (std::strcmp(compression, "gzip") != 0) {
    return notes.error(Error::kUnsupported,
                       "kernel: an EFI zboot image compressed by other means than gzip");
  }
  if (identity.payload_offset > module_size ||
      identity.payload_size > module_size - identity.payload_offset) {
    return notes.error(Error::kInvalid, "kernel: the payload of its EFI zboot header is not in it");
  }
  return identity;
}

}  // namespace

Result<KernelIdentity> identify_kernel(std::span<const std::byte> header, std::uint64_t module_size,
                                       fw::Diagnostics& notes) {
  if (header.size() >= 18 && header[0] == std::byte{0x1f} && header[1] == std::byte{0x8b}) {
    return KernelIdentity{.format = KernelFormat::kGzip,
                          .image = {},
                          .payload_offset = 0,
                          .payload_size = module_size};
  }
  if (header.size() < kKernelHeaderBytes) {
    return notes.error(Error::kInvalid, "kernel: {} bytes are too few for a kernel", module_size);
  }
  if (load<std::uint32_t>(header, kMagicAt) == kImageMagic) {
    return read_image(header, module_size, notes);
  }
  if (load<std::uint32_t>(header, 4) == kZbootMagic) return read_zboot(header, module_size, notes);
  return notes.error(Error::kInvalid,
                     "kernel: neither an arm64 Image nor gzip (first word {#x}, magic {#x})",
                     load<std::uint32_t>(header, 0), load<std::uint32_t>(header, kMagicAt));
}

}  // namespace socle::hwdom
