// SPDX-License-Identifier: Apache-2.0
#pragma once

// GuestPage: a page of a domain's RAM that Socle itself keeps mapped for a long time (vcpu_info,
// FIFO control blocks and event arrays). While it exists the frame cannot leave the domain's
// ownership, whatever the guest does to its own map: the page holds a reference on the frame.
// The guest may write to it at any moment: read each word once, through std::atomic_ref.
//
// take() may be called on any CPU, with locks of a lower rank than LockRank::kAddressSpace held.
// Errors: kInvalid (no page of the domain's RAM at that frame, or not writable), kNoMemory.

#include <cstddef>

#include "base/result.h"
#include "base/types.h"

namespace socle::guest {

class Domain;

// A reference on the frame of RAM that `frame` shows, for work that does not need it mapped for
// long (grants). Same caller and errors as GuestPage::take(); given back by mem::put_ref().
[[nodiscard]] Result<Mfn> take_ram_frame(Domain& domain, Gfn frame, bool for_writing);

class GuestPage {
 public:
  constexpr GuestPage() = default;
  GuestPage(GuestPage&& other) noexcept : data_(other.data_), frame_(other.frame_) {
    other.data_ = nullptr;
  }
  GuestPage& operator=(GuestPage&& other) noexcept;
  GuestPage(const GuestPage&) = delete;
  GuestPage& operator=(const GuestPage&) = delete;
  ~GuestPage() { release(); }

  [[nodiscard]] static Result<GuestPage> take(Domain& domain, Gfn frame);
  void release();

  [[nodiscard]] explicit operator bool() const { return data_ != nullptr; }
  // The page's first byte; null if nothing was taken.
  [[nodiscard]] std::byte* data() const { return data_; }

 private:
  GuestPage(std::byte* data, Mfn frame) : data_(data), frame_(frame) {}

  std::byte* data_ = nullptr;
  Mfn frame_;
};

}  // namespace socle::guest
