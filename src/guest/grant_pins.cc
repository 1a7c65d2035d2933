// SPDX-License-Identifier: Apache-2.0

// Using what a grant entry offers, and the list of mappings.

#include "guest/domain.h"
#include "guest/grant_table.h"
#include "guest/guest_page.h"
#include "guest/guest_word.h"
#include "mem/memory.h"
#include "mem/object.h"
#include "port/phys_window.h"

namespace socle::guest {

namespace {

using abi::GrantRef;
using abi::GrantStatus;

// An entry as one word, so that it can be read and changed in one step.
// Bits 15:0 flags, 31:16 domain, 63:32 frame.
constexpr std::uint64_t kTypeMask = GTF_type_mask;

// The flags say that `user` may use the entry like this.
bool permits(std::uint64_t entry, DomainId user, bool for_writing) {
  const bool is_offered = (entry & kTypeMask) == GTF_permit_access;
  const bool is_for_user = (entry >> 16 & 0xffff) == static_cast<std::uint64_t>(user);
  const bool is_read_only = (entry & GTF_readonly) != 0;
  return is_offered && is_for_user && !(for_writing && is_read_only);
}

constexpr std::uint64_t use_bits(bool for_writing) {
  return for_writing ? GTF_reading | GTF_writing : GTF_reading;
}

Result<Mfn> take_again(Mfn frame, DomainId owner) {
  TRY(mem::get_ref(frame, owner));
  return frame;
}

}  // namespace

std::uint64_t* GrantTable::entry_word(GrantRef ref) {
  const std::uint32_t index = ref / abi::kGrantEntriesPerFrame;
  if (index >= frame_count_) return nullptr;
  return port::owned_frame_as<std::uint64_t>(frames_[index].mfn) + ref % abi::kGrantEntriesPerFrame;
}

GrantTable::Answer<GrantTable::Active*> GrantTable::active_of(GrantRef ref) {
  Frame& frame = frames_[ref / abi::kGrantEntriesPerFrame];
  if (frame.active == nullptr) {
    const auto made = mem::create<ActiveFrame>();
    if (!made.has_value()) return refuse(GrantStatus::kNoSpace);
    frame.active = *made;
  }
  return &(*frame.active)[ref % abi::kGrantEntriesPerFrame];
}

GrantTable::Answer<Mfn> GrantTable::pin(GrantRef ref, DomainId user, bool for_writing) {
  LockGuard guard(lock_);
  std::uint64_t* word = entry_word(ref);
  if (word == nullptr) return refuse(GrantStatus::kBadRef);
  const auto active = active_of(ref);
  if (!active.has_value()) return refuse(active.error());
  Active& use = **active;

  // From the moment that a use bit stands, the owner knows that the entry is in use.
  const auto entry = update_guest_word(*word, [&](std::uint64_t old) {
    return permits(old, user, for_writing) ? old | use_bits(for_writing) : old;
  });
  if (!entry.has_value()) return refuse(GrantStatus::kTryAgain);
  if (!permits(*entry, user, for_writing)) return refuse(GrantStatus::kGeneralError);

  const bool is_first = use.readers == 0 && use.writers == 0;
  // While it is in use an entry means the frame that it meant at first.
  const Result<Mfn> taken = is_first ? take_ram_frame(*owner_, Gfn(*entry >> 32), for_writing)
                                     : take_again(use.mfn, owner_->id);
  if (!taken.has_value()) {
    if (is_first) (void)clear_guest_bits(*word, use_bits(true));
    return refuse(GrantStatus::kBadPage);
  }
  use.mfn = *taken;
  ++(for_writing ? use.writers : use.readers);
  return *taken;
}

void GrantTable::unpin(GrantRef ref, bool for_writing) {
  LockGuard guard(lock_);
  std::uint64_t* word = entry_word(ref);
  CHECK(word != nullptr && frames_[ref / abi::kGrantEntriesPerFrame].active != nullptr);
  Active& use =
      (*frames_[ref / abi::kGrantEntriesPerFrame].active)[ref % abi::kGrantEntriesPerFrame];
  std::uint32_t& count = for_writing ? use.writers : use.readers;
  CHECK(count > 0);
  --count;
  mem::put_ref(use.mfn);
  std::uint64_t ended = 0;
  if (use.writers == 0) ended |= GTF_writing;
  if (use.writers == 0 && use.readers == 0) ended |= GTF_reading;
  if (ended != 0) (void)clear_guest_bits(*word, ended);
}

bool GrantTable::is_used(GrantRef ref) {
  const ActiveFrame* active = frames_[ref / abi::kGrantEntriesPerFrame].active;
  if (active == nullptr) return false;
  const Active& use = (*active)[ref % abi::kGrantEntriesPerFrame];
  return use.readers != 0 || use.writers != 0;
}

GrantTable::Answer<> GrantTable::swap(GrantRef a, GrantRef b) {
  LockGuard guard(lock_);
  std::uint64_t* first = entry_word(a);
  std::uint64_t* second = entry_word(b);
  if (first == nullptr || second == nullptr) return refuse(GrantStatus::kBadRef);
  if (a == b) return {};
  if (is_used(a) || is_used(b)) return refuse(GrantStatus::kTryAgain);
  // Only the guest can write in between, and then it gets what it deserves.
  const std::uint64_t kept = read_guest_word(*first);
  write_guest_word(*first, read_guest_word(*second));
  write_guest_word(*second, kept);
  return {};
}

// --- Mappings -----------------------------------------------------------------------------------

GrantTable::Answer<abi::GrantHandle> GrantTable::add_mapping(const Mapping& mapping) {
  LockGuard guard(lock_);
  if (mappings_ == nullptr) {
    const auto made = mem::create<Mappings>();
    if (!made.has_value()) return refuse(GrantStatus::kNoSpace);
    mappings_ = *made;
  }
  for (std::uint32_t handle = 0; handle < mappings_->size(); ++handle) {
    Mapping& slot = (*mappings_)[handle];
    if (slot.in_use) continue;
    slot = mapping;
    slot.in_use = true;
    slot.is_held = true;
    return handle;
  }
  return refuse(GrantStatus::kNoSpace);
}

GrantTable::Answer<GrantTable::Mapping> GrantTable::hold_mapping(abi::GrantHandle handle) {
  LockGuard guard(lock_);
  if (mappings_ == nullptr || handle >= mappings_->size()) return refuse(GrantStatus::kBadHandle);
  Mapping& mapping = (*mappings_)[handle];
  if (!mapping.in_use || mapping.is_held) return refuse(GrantStatus::kBadHandle);
  mapping.is_held = true;
  return mapping;
}

GrantTable::Mapping& GrantTable::held_mapping(abi::GrantHandle handle) {
  CHECK(mappings_ != nullptr && handle < mappings_->size() && (*mappings_)[handle].is_held);
  return (*mappings_)[handle];
}

void GrantTable::keep_mapping(abi::GrantHandle handle) {
  LockGuard guard(lock_);
  held_mapping(handle).is_held = false;
}

void GrantTable::end_mapping(abi::GrantHandle handle) {
  LockGuard guard(lock_);
  held_mapping(handle) = {};
}

}  // namespace socle::guest
