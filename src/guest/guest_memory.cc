// SPDX-License-Identifier: Apache-2.0
#include "guest/guest_memory.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "guest/domain.h"
#include "guest/vcpu.h"
#include "port/at.h"
#include "port/cache.h"
#include "port/phys_window.h"
#include "stage2/address_space.h"

namespace socle::guest {

namespace {

using stage2::AddressSpace;

enum class Direction { kFromGuest, kToGuest };

// Memory that the domain owns, or that Socle shares with it: never a device, and never a page of
// another domain, whose owner could take it away.
bool is_copyable(const DecodedAttributes& attributes, Direction direction) {
  const bool is_memory = attributes.reason == Reason::kDomainRam ||
                         attributes.reason == Reason::kSharedInfo ||
                         attributes.reason == Reason::kGrantTable;
  return is_memory && attributes.permissions.read &&
         (direction == Direction::kFromGuest || attributes.permissions.write);
}

// A piece within one frame, under the reader's lock.
Result<> copy_piece(const AddressSpace::Reader& reader, Ipa address, std::byte* ours,
                    std::size_t bytes, Direction direction) {
  const auto translation = reader.lookup(address.frame());
  if (!translation.has_value() || !is_copyable(translation->attributes, direction)) {
    return fail(Error::kFault);
  }
  const port::PhysWindow window(translation->mfn);
  std::byte* theirs = window.data() + address.offset_in_frame();
  if (direction == Direction::kFromGuest) {
    std::memcpy(ours, theirs, bytes);
  } else {
    std::memcpy(theirs, ours, bytes);
  }
  return {};
}

Result<> copy_by_address(Vcpu& current, std::uint64_t address, std::byte* ours, std::size_t bytes,
                         Direction direction) {
  std::uint64_t end = 0;
  if (__builtin_add_overflow(address, bytes, &end)) return fail(Error::kFault);
  while (bytes > 0) {
    const std::size_t in_page = kFrameSize - (address & (kFrameSize - 1));
    const std::size_t piece = std::min<std::size_t>(bytes, in_page);
    // One lock per page: others may change the map between two pages of a long copy.
    const AddressSpace::Reader reader(current.domain.address_space);
    const Ipa where =
        TRY(direction == Direction::kFromGuest ? port::translate_guest_read(address)
                                               : port::translate_guest_write(address));
    TRY(copy_piece(reader, where, ours, piece, direction));
    address += piece;
    ours += piece;
    bytes -= piece;
  }
  return {};
}

Result<> copy_by_frame(Domain& domain, Gfn frame, std::size_t offset, std::byte* ours,
                       std::size_t bytes, Direction direction) {
  if (offset > kFrameSize || bytes > kFrameSize - offset) return fail(Error::kInvalid);
  const AddressSpace::Reader reader(domain.address_space);
  return copy_piece(reader, Ipa(frame) + offset, ours, bytes, direction);
}

}  // namespace

Result<> copy_from_guest(Vcpu& current, void* to, GuestVa from, std::size_t bytes) {
  return copy_by_address(current, from.value, static_cast<std::byte*>(to), bytes,
                         Direction::kFromGuest);
}

Result<> copy_to_guest(Vcpu& current, GuestVa to, const void* from, std::size_t bytes) {
  return copy_by_address(current, to.value,
                         const_cast<std::byte*>(static_cast<const std::byte*>(from)), bytes,
                         Direction::kToGuest);
}

Result<> copy_from_guest_frame(Domain& domain, void* to, Gfn frame, std::size_t offset,
                               std::size_t bytes) {
  return copy_by_frame(domain, frame, offset, static_cast<std::byte*>(to), bytes,
                       Direction::kFromGuest);
}

Result<> copy_to_guest_frame(Domain& domain, Gfn frame, std::size_t offset, const void* from,
                             std::size_t bytes) {
  return copy_by_frame(domain, frame, offset,
                       const_cast<std::byte*>(static_cast<const std::byte*>(from)), bytes,
                       Direction::kToGuest);
}

void copy_between_frames(Mfn to, std::size_t to_offset, Mfn from, std::size_t from_offset,
                         std::size_t bytes) {
  CHECK(to_offset + bytes <= kFrameSize && from_offset + bytes <= kFrameSize);
  const port::PhysWindow source(from);
  const port::PhysWindow target(to);
  // If it is one frame, the two windows are two addresses of it: memmove() cannot see an overlap.
  std::byte* start = to == from ? source.data() : target.data();
  std::memmove(start + to_offset, source.data() + from_offset, bytes);
}

void clean_frame(Mfn frame, std::size_t offset, std::size_t bytes, bool invalidate) {
  CHECK(offset + bytes <= kFrameSize);
  const port::PhysWindow window(frame);
  if (invalidate) {
    port::cache_clean_invalidate(window.data() + offset, bytes);
  } else {
    port::cache_clean(window.data() + offset, bytes);
  }
}

}  // namespace socle::guest
