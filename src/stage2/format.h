// SPDX-License-Identifier: Apache-2.0
#pragma once

// The formats that Table (table.h) can be built in. All are trees of 512-entry tables of 64-bit
// descriptors in the VMSAv8-64 layout (hw/vmsa.h: kinds, addresses, contiguous hint); what differs
// between a CPU's stage 2, EL2's stage 1 and an IOMMU's tables is what a leaf says about memory,
// and which of it may change while it is live. That is the format: a value with
//   can_encode(a)       whether the attributes exist in this format
//   encode(a)           the bits of a leaf besides its place and size
//   decode(leaf)        what they mean; decode(encode(a)) == a
//   kChangeableLive     mask of bits that need no break-before-make
//   kTableBits          what a pointer to a table has besides place and count
//
// A table's input side is counted in frames, in whatever space its owner works: guest frames for
// stage 2, virtual addresses for EL2, device frames for an IOMMU.

#include <concepts>
#include <cstdint>

#include "base/range.h"
#include "base/types.h"
#include "hw/iommu_formats.h"
#include "hw/vmsa.h"

namespace socle::stage2 {

struct InputTag;
using InputFrame = FrameNumber<InputTag>;
using InputRange = Range<InputFrame>;

constexpr InputFrame input(Gfn frame) {
  return InputFrame(frame.value());
}
constexpr InputRange input(const GfnRange& range) {
  return InputRange(input(range.begin()), input(range.end()));
}
constexpr Gfn guest_frame(InputFrame frame) {
  return Gfn(frame.value());
}
constexpr GfnRange guest_range(const InputRange& range) {
  return GfnRange(guest_frame(range.begin()), guest_frame(range.end()));
}

template <typename F>
concept EntryFormat =
    requires(const F& format, const DecodedAttributes& attributes, std::uint64_t word) {
      { format.can_encode(attributes) } -> std::same_as<bool>;
      { format.encode(attributes) } -> std::same_as<std::uint64_t>;
      { format.decode(word) } -> std::same_as<DecodedAttributes>;
      { F::kChangeableLive + std::uint64_t{0} } -> std::same_as<std::uint64_t>;
      { F::kTableBits + std::uint64_t{0} } -> std::same_as<std::uint64_t>;
    };
static_assert(EntryFormat<hw::Stage2Attributes>);
static_assert(EntryFormat<hw::El2Attributes>);
static_assert(EntryFormat<hw::SmmuStage1Attributes>);
static_assert(EntryFormat<hw::IpmmuAttributes>);

}  // namespace socle::stage2
