// SPDX-License-Identifier: Apache-2.0
#include "guest/guest_page.h"

#include "guest/domain.h"
#include "mem/memory.h"
#include "port/phys_window.h"
#include "stage2/address_space.h"

namespace socle::guest {

GuestPage& GuestPage::operator=(GuestPage&& other) noexcept {
  if (this == &other) return *this;
  release();
  data_ = other.data_;
  frame_ = other.frame_;
  other.data_ = nullptr;
  return *this;
}

Result<Mfn> take_ram_frame(Domain& domain, Gfn frame, bool for_writing) {
  // The reference is taken before the lock is given back: until then the frame cannot leave.
  const stage2::AddressSpace::Reader reader(domain.address_space);
  const auto translation = reader.lookup(frame);
  if (!translation.has_value() || translation->attributes.reason != Reason::kDomainRam ||
      (for_writing && !translation->attributes.permissions.write)) {
    return fail(Error::kInvalid);
  }
  const auto reference = mem::get_ref(translation->mfn, domain.id);
  if (reference.has_value()) return translation->mfn;
  return fail(reference.error() == Error::kDenied ? Error::kInvalid : Error::kNoMemory);
}

Result<GuestPage> GuestPage::take(Domain& domain, Gfn frame) {
  const Mfn mfn = TRY(take_ram_frame(domain, frame, true));
  const auto mapped = port::persistent_map(mfn);
  if (!mapped.has_value()) {
    mem::put_ref(mfn);
    return fail(mapped.error());
  }
  return GuestPage(*mapped, mfn);
}

void GuestPage::release() {
  if (data_ == nullptr) return;
  port::persistent_unmap(data_);
  data_ = nullptr;
  mem::put_ref(frame_);
}

}  // namespace socle::guest
