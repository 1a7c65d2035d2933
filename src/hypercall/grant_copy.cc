// SPDX-License-Identifier: Apache-2.0

// Copying between pages that are granted or one's own.

#include "base/outcome.h"
#include "guest/domain.h"
#include "guest/grant_table.h"
#include "guest/guest_page.h"
#include "guest/vcpu.h"
#include "hypercall/grant_table_op.h"
#include "mem/memory.h"

namespace socle::hypercall {

namespace {

using abi::GrantStatus;
using guest::Domain;

// One end of a copy: holds its frame until it goes.
class End {
 public:
  using Pointer = ::gnttab_copy::gnttab_copy_ptr;

  static Outcome<End, GrantStatus> hold(Vcpu& caller, const Pointer& pointer, bool is_ref,
                                        bool for_writing) {
    Domain* domain = find_domain(caller, pointer.domid);
    if (domain == nullptr) return refuse(GrantStatus::kBadDomain);
    if (is_ref) {
      const auto pinned = domain->grant_table.pin(pointer.u.ref, caller.domain.id, for_writing);
      if (!pinned.has_value()) return refuse(pinned.error());
      return End(*pinned, domain, pointer.u.ref, for_writing);
    }
    // Frames of others are named by reference only, one's own as one's own.
    if (pointer.domid != DOMID_SELF) return refuse(GrantStatus::kPermissionDenied);
    const auto taken = guest::take_ram_frame(*domain, Gfn(pointer.u.gmfn), for_writing);
    if (!taken.has_value()) return refuse(GrantStatus::kBadPage);
    return End(*taken, nullptr, 0, for_writing);
  }
  ~End() {
    if (!holds_) return;
    if (granter_ != nullptr) {
      granter_->grant_table.unpin(ref_, for_writing_);
    } else {
      mem::put_ref(frame_);
    }
  }
  End(End&& other) noexcept
      : frame_(other.frame_),
        granter_(other.granter_),
        ref_(other.ref_),
        for_writing_(other.for_writing_) {
    other.holds_ = false;
  }
  End& operator=(End&&) = delete;
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  [[nodiscard]] Mfn frame() const { return frame_; }

 private:
  End(Mfn frame, Domain* granter, abi::GrantRef ref, bool for_writing)
      : frame_(frame), granter_(granter), ref_(ref), for_writing_(for_writing) {}

  Mfn frame_;
  Domain* granter_;
  abi::GrantRef ref_;
  bool for_writing_;
  bool holds_ = true;
};

GrantStatus copy(Vcpu& caller, const abi::GrantCopy& request) {
  const auto source =
      End::hold(caller, request.source, (request.flags & GNTCOPY_source_gref) != 0, false);
  if (!source.has_value()) return source.error();
  const auto target =
      End::hold(caller, request.dest, (request.flags & GNTCOPY_dest_gref) != 0, true);
  if (!target.has_value()) return target.error();
  const bool crosses = request.source.offset + request.len > kFrameSize ||
                       request.dest.offset + request.len > kFrameSize;
  if (crosses) return GrantStatus::kBadCopyArg;
  guest::copy_between_frames(target->frame(), request.dest.offset, source->frame(),
                             request.source.offset, request.len);
  return GrantStatus::kOkay;
}

}  // namespace

void copy_grant(Vcpu& caller, abi::GrantCopy& request) {
  request.status = status_word(copy(caller, request));
}

}  // namespace socle::hypercall
