// SPDX-License-Identifier: Apache-2.0
#include "guest/grant_table.h"

#include "mem/memory.h"
#include "mem/object.h"

namespace socle::guest {

Result<> GrantTable::init(Domain& owner) {
  LockGuard guard(lock_);
  owner_ = &owner;
  return grow_locked(1);
}

void GrantTable::destroy() {
  LockGuard guard(lock_);
  for (std::uint32_t i = 0; i < frame_count_; ++i) {
    mem::destroy(frames_[i].active);
    mem::free(frames_[i].mfn, kOrder4K);
    frames_[i] = {};
  }
  frame_count_ = 0;
  mem::destroy(mappings_);
  mappings_ = nullptr;
}

GrantTable::Size GrantTable::size() {
  LockGuard guard(lock_);
  return {frame_count_, kMaxGrantFrames};
}

Result<> GrantTable::grow(std::uint32_t frames) {
  LockGuard guard(lock_);
  return grow_locked(frames);
}

Result<Mfn> GrantTable::frame(std::uint32_t index) {
  if (index >= kMaxGrantFrames) return fail(Error::kOutOfRange);
  LockGuard guard(lock_);
  TRY(grow_locked(index + 1));
  return frames_[index].mfn;
}

Gfn GrantTable::mapped_at(std::uint32_t index) {
  LockGuard guard(lock_);
  return frames_[index].mapped_at;
}

void GrantTable::set_mapped_at(std::uint32_t index, Gfn where) {
  LockGuard guard(lock_);
  frames_[index].mapped_at = where;
}

Result<> GrantTable::grow_locked(std::uint32_t frames) {
  if (frames > kMaxGrantFrames) return fail(Error::kOutOfRange);
  while (frame_count_ < frames) {
    frames_[frame_count_].mfn = TRY(mem::allocate(kOrder4K));
    ++frame_count_;
  }
  return {};
}

}  // namespace socle::guest
