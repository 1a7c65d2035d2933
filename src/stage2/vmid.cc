// SPDX-License-Identifier: Apache-2.0
#include "stage2/vmid.h"

#include "base/check.h"
#include "port/barrier.h"
#include "port/tlb.h"

namespace socle::stage2 {

constinit VmidAllocator machine_vmids;

void VmidAllocator::init(unsigned bits) {
  CHECK(bits == 8 || bits == 16);
  const LockGuard guard(lock_);
  const std::uint64_t last = (std::uint64_t{1} << bits) - 1;
  CHECK(last_vmid_ == 0 || last_vmid_ == last);
  last_vmid_ = last;
}

std::uint64_t VmidAllocator::in_this_generation(std::uint64_t vmid) const {
  return generation_.load(std::memory_order_relaxed) << kGenerationShift | vmid;
}

bool VmidAllocator::is_current(std::uint64_t tag) const {
  return (tag >> kGenerationShift) == generation_.load(std::memory_order_acquire);
}

std::uint16_t VmidAllocator::activate(VmidTag& tag, CpuIndex cpu) {
  std::atomic<std::uint64_t>& active = active_[index_of(cpu)];
  // Without the lock, if no roll-over intervenes: one sets every active tag to 0 first, so either
  // the exchange fails, or the roll-over sees this tag and carries it on.
  std::uint64_t loaded = active.load(std::memory_order_relaxed);
  std::uint64_t value = tag.value_.load(std::memory_order_relaxed);
  if (loaded != 0 && is_current(value) && active.compare_exchange_strong(loaded, value)) {
    return static_cast<std::uint16_t>(value);
  }
  return activate_slowly(tag, cpu);
}

std::uint16_t VmidAllocator::activate_slowly(VmidTag& tag, CpuIndex cpu) {
  const LockGuard guard(lock_);
  CHECK(last_vmid_ != 0);
  std::uint64_t value = tag.value_.load(std::memory_order_relaxed);
  if (!is_current(value)) {
    value = renew(value);
    tag.value_.store(value, std::memory_order_relaxed);
    // Whoever breaks an entry from now on sees this tag, or this CPU's walks see the broken entry
    // (address_space.cc reads the tag after its own barrier).
    port::barrier_complete();
  }
  active_[index_of(cpu)].store(value);
  return static_cast<std::uint16_t>(value);
}

// The tag in this generation of who had `old_tag` in an earlier one, or never had one.
std::uint64_t VmidAllocator::renew(std::uint64_t old_tag) {
  // Twice at most: in a new generation there is a VMID for everybody, since there are fewer CPUs.
  for (;;) {
    const std::uint64_t kept = in_this_generation(old_tag & kVmidMask);
    if (old_tag != 0 && keep_if_reserved(old_tag, kept)) return kept;
    while (next_ <= last_vmid_ && is_reserved(next_))
      ++next_;
    if (next_ <= last_vmid_) return in_this_generation(next_++);
    begin_generation();
  }
}

// If `old_tag` was loaded on a CPU at the last roll-over, its owner keeps its number, everywhere.
bool VmidAllocator::keep_if_reserved(std::uint64_t old_tag, std::uint64_t new_tag) {
  bool found = false;
  for (std::uint64_t& reserved : reserved_) {
    if (reserved != old_tag) continue;
    reserved = new_tag;
    found = true;
  }
  return found;
}

bool VmidAllocator::is_reserved(std::uint64_t vmid) const {
  for (const std::uint64_t reserved : reserved_) {
    if (reserved != 0 && (reserved & kVmidMask) == vmid) return true;
  }
  return false;
}

void VmidAllocator::begin_generation() {
  generation_.fetch_add(1, std::memory_order_acq_rel);
  for (std::size_t cpu = 0; cpu < active_.size(); ++cpu) {
    const std::uint64_t loaded = active_[cpu].exchange(0);
    // 0: it has not activated anything since the last roll-over, so it still runs what it ran then.
    if (loaded != 0) reserved_[cpu] = loaded;
  }
  next_ = 1;
  port::tlb_all_guests();
  port::tlb_sync();
}

// What it had reserved stays reserved until the generation ends: TLBs may still hold translations
// that were made under that VMID after the roll-over.
void VmidAllocator::deactivate(CpuIndex cpu) {
  const LockGuard guard(lock_);
  constexpr std::uint64_t kNobody = 0;
  active_[index_of(cpu)].store(in_this_generation(kNobody));
}

}  // namespace socle::stage2
