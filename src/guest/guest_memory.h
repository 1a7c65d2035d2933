// SPDX-License-Identifier: Apache-2.0
#pragma once

// Copies between Socle and a guest's memory.
//
// By guest virtual address: hypercall arguments point into the virtual memory of the caller's EL1
// context. The CPU itself translates by stage 1 (port/at.h), so only the vCPU that runs on this CPU
// can be asked, with its EL1 context loaded; stage 2 is looked up. Each page is translated and
// copied under the lock of the domain's address space, so the frame cannot leave meanwhile; only
// frames of RAM (the domain's own, or Socle's pages that it shares with the domain) are touched,
// never a device. A copy that fails half way leaves the first part copied: handlers write results
// last, and a guest that passes a bad pointer harms itself only.
//
// By guest frame: for structures named by frame number.
//
// Callers hold no lock of rank kAddressSpace or above. Errors: kFault (not mapped, no permission,
// not RAM, address range wraps). Cost: one translation and one window per page.

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/result.h"
#include "base/types.h"
#include "hw/attributes.h"

namespace socle::guest {

class Domain;
struct Vcpu;

// An address in the virtual memory of the running vCPU's EL1 context.
struct GuestVa {
  std::uint64_t value = 0;
  constexpr GuestVa operator+(std::uint64_t bytes) const { return GuestVa{value + bytes}; }
};

// Whether a mapping shows a page that a guest can give away or lose: its RAM, or one that Socle or
// another domain shares with it. Not devices.
constexpr bool is_guest_page(Reason reason) {
  return reason == Reason::kDomainRam || reason == Reason::kSharedInfo ||
         reason == Reason::kGrantTable || reason == Reason::kGrantMapping ||
         reason == Reason::kForeignMapping;
}

[[nodiscard]] Result<> copy_from_guest(Vcpu& current, void* to, GuestVa from, std::size_t bytes);
[[nodiscard]] Result<> copy_to_guest(Vcpu& current, GuestVa to, const void* from,
                                     std::size_t bytes);

template <typename T>
  requires std::is_trivially_copyable_v<T>
[[nodiscard]] Result<T> read_guest(Vcpu& current, GuestVa from) {
  T value;
  TRY(copy_from_guest(current, &value, from, sizeof value));
  return value;
}
template <typename T>
  requires std::is_trivially_copyable_v<T>
[[nodiscard]] Result<> write_guest(Vcpu& current, GuestVa to, const T& value) {
  return copy_to_guest(current, to, &value, sizeof value);
}

// What an address means to `current`'s EL1 after both stages: PAR_EL1 (port/at.h), faults included.
[[nodiscard]] std::uint64_t translate_guest(Vcpu& current, GuestVa address, bool is_write);

// Within one guest frame: offset + bytes <= 4096 (else kInvalid).
[[nodiscard]] Result<> copy_from_guest_frame(Domain& domain, void* to, Gfn frame,
                                             std::size_t offset, std::size_t bytes);
[[nodiscard]] Result<> copy_to_guest_frame(Domain& domain, Gfn frame, std::size_t offset,
                                           const void* from, std::size_t bytes);

// --- Frames that the caller holds a reference on ------------------------------------------------

// Within a frame each; the pieces may overlap. offset + bytes <= 4096 (our own invariant).
void copy_between_frames(Mfn to, std::size_t to_offset, Mfn from, std::size_t from_offset,
                         std::size_t bytes);
// Writes dirty cache lines back to memory and, if `invalidate`, drops them.
void clean_frame(Mfn frame, std::size_t offset, std::size_t bytes, bool invalidate);

}  // namespace socle::guest
