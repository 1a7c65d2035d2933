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
template <Direction kDirection>
bool is_copyable(const DecodedAttributes& attributes) {
  const bool is_memory = attributes.reason == Reason::kDomainRam ||
                         attributes.reason == Reason::kSharedInfo ||
                         attributes.reason == Reason::kGrantTable;
  const Permissions& allowed = attributes.permissions;
  return is_memory && allowed.read && (kDirection == Direction::kFromGuest || allowed.write);
}

// Most arguments are a few aligned words. (A freestanding compiler makes a call of std::memcpy.)
void copy_bytes(std::byte* to, const std::byte* from, std::size_t bytes) {
  const std::uintptr_t all =
      reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from) | bytes;
  if (all % 4 != 0 || bytes > 64) {
    std::memcpy(to, from, bytes);
    return;
  }
  for (std::size_t i = 0; i < bytes; i += 4) {
    std::uint32_t word;
    __builtin_memcpy(&word, __builtin_assume_aligned(from + i, 4), 4);
    __builtin_memcpy(__builtin_assume_aligned(to + i, 4), &word, 4);
  }
}

// A piece within one frame, under the reader's lock.
template <Direction kDirection>
Result<> copy_piece(const AddressSpace::Reader& reader, Ipa address, std::byte* ours,
                    std::size_t bytes) {
  const auto translation = reader.lookup(address.frame());
  if (!translation.has_value() || !is_copyable<kDirection>(translation->attributes)) {
    return fail(Error::kFault);
  }
  const port::PhysWindow window(translation->mfn);
  std::byte* theirs = window.data() + address.offset_in_frame();
  if constexpr (kDirection == Direction::kFromGuest) {
    copy_bytes(ours, theirs, bytes);
  } else {
    copy_bytes(theirs, ours, bytes);
  }
  return {};
}

template <Direction kDirection>
Result<> copy_in_page(Vcpu& current, std::uint64_t address, std::byte* ours, std::size_t bytes) {
  const AddressSpace::Reader reader(current.domain.address_space);
  const Ipa where = TRY(kDirection == Direction::kFromGuest ? port::translate_guest_read(address)
                                                            : port::translate_guest_write(address));
  return copy_piece<kDirection>(reader, where, ours, bytes);
}

// One lock per page: others may change the map between two pages of a long copy.
template <Direction kDirection>
Result<> copy_by_address(Vcpu& current, std::uint64_t address, std::byte* ours, std::size_t bytes) {
  std::uint64_t in_page = kFrameSize - (address & (kFrameSize - 1));
  if (bytes != 0 && bytes <= in_page) [[likely]] {
    return copy_in_page<kDirection>(current, address, ours, bytes);
  }
  std::uint64_t end = 0;
  if (__builtin_add_overflow(address, bytes, &end)) return fail(Error::kFault);
  while (bytes > 0) {
    const std::size_t piece = std::min<std::size_t>(bytes, in_page);
    TRY(copy_in_page<kDirection>(current, address, ours, piece));
    address += piece;
    ours += piece;
    bytes -= piece;
    in_page = kFrameSize;
  }
  return {};
}

template <Direction kDirection>
Result<> copy_by_frame(Domain& domain, Gfn frame, std::size_t offset, std::byte* ours,
                       std::size_t bytes) {
  if (offset > kFrameSize || bytes > kFrameSize - offset) return fail(Error::kInvalid);
  const AddressSpace::Reader reader(domain.address_space);
  return copy_piece<kDirection>(reader, Ipa(frame) + offset, ours, bytes);
}

}  // namespace

Result<> copy_from_guest(Vcpu& current, void* to, GuestVa from, std::size_t bytes) {
  return copy_by_address<Direction::kFromGuest>(current, from.value, static_cast<std::byte*>(to),
                                                bytes);
}

Result<> copy_to_guest(Vcpu& current, GuestVa to, const void* from, std::size_t bytes) {
  return copy_by_address<Direction::kToGuest>(
      current, to.value, const_cast<std::byte*>(static_cast<const std::byte*>(from)), bytes);
}

std::uint64_t translate_guest(Vcpu& current, GuestVa address, bool is_write) {
  const AddressSpace::Reader reader(current.domain.address_space);
  return port::translate_guest_fully(address.value, is_write);
}

Result<> copy_from_guest_frame(Domain& domain, void* to, Gfn frame, std::size_t offset,
                               std::size_t bytes) {
  return copy_by_frame<Direction::kFromGuest>(domain, frame, offset, static_cast<std::byte*>(to),
                                              bytes);
}

Result<> copy_to_guest_frame(Domain& domain, Gfn frame, std::size_t offset, const void* from,
                             std::size_t bytes) {
  return copy_by_frame<Direction::kToGuest>(
      domain, frame, offset, const_cast<std::byte*>(static_cast<const std::byte*>(from)), bytes);
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
