// SPDX-License-Identifier: Apache-2.0
#pragma once

// VMIDs: the tags that keep domains apart in the TLBs. There are 255 or 65535 usable ones (0 is
// nobody's), and more domains than that over the life of a machine, so a VMID is owned for one
// *generation* only:
//   - within a generation no two address spaces get the same VMID, and none is reused, not even
//     after its domain died;
//   - when they run out, a new generation begins: every TLB entry of every guest is invalidated,
//     and address spaces get new VMIDs as they are activated. A VMID that is loaded on some CPU at
//     that moment stays its owner's in the new generation.
// So two address spaces never share a tag while a TLB may hold entries of either.

#include <array>
#include <atomic>
#include <cstdint>

#include "base/lock.h"
#include "base/types.h"

namespace socle::stage2 {

// generation << 16 | VMID; generation 0 means "never had one". In the address space that owns it.
class VmidTag {
 public:
  constexpr VmidTag() = default;
  // The VMID of the last activation; 0 before the first.
  [[nodiscard]] std::uint16_t vmid() const {
    return static_cast<std::uint16_t>(value_.load(std::memory_order_relaxed));
  }

 private:
  friend class VmidAllocator;
  std::atomic<std::uint64_t> value_{0};
};

class VmidAllocator {
 public:
  constexpr VmidAllocator() = default;
  VmidAllocator(const VmidAllocator&) = delete;
  VmidAllocator& operator=(const VmidAllocator&) = delete;

  // Before the first activation; the same each time. `bits` is 8 or 16 (VTCR_EL2.VS must agree).
  void init(unsigned bits);

  // Called by `cpu` each time it is about to load this address space; returns the VMID to load.
  // What the CPU had loaded before is deactivated by this. May invalidate all guests' TLB entries.
  std::uint16_t activate(VmidTag& tag, CpuIndex cpu);
  // `cpu` has loaded VMID 0 (nobody): its last tag need not survive the next roll-over.
  void deactivate(CpuIndex cpu);

  [[nodiscard]] std::uint64_t generation() const {
    return generation_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint64_t kVmidMask = 0xffff;
  static constexpr unsigned kGenerationShift = 16;

  [[nodiscard]] std::uint64_t in_this_generation(std::uint64_t vmid) const;
  [[nodiscard]] bool is_current(std::uint64_t tag) const;
  std::uint16_t activate_slowly(VmidTag& tag, CpuIndex cpu) SOCLE_EXCLUDES(lock_);
  std::uint64_t renew(std::uint64_t old_tag) SOCLE_REQUIRES(lock_);
  bool keep_if_reserved(std::uint64_t old_tag, std::uint64_t new_tag) SOCLE_REQUIRES(lock_);
  bool is_reserved(std::uint64_t vmid) const SOCLE_REQUIRES(lock_);
  void begin_generation() SOCLE_REQUIRES(lock_);

  SpinLock lock_{LockRank::kVmids};
  std::atomic<std::uint64_t> generation_{1};
  std::uint64_t last_vmid_ SOCLE_GUARDED_BY(lock_) = 0;
  std::uint64_t next_ SOCLE_GUARDED_BY(lock_) = 1;  // smaller ones are taken or reserved
  // The tag each CPU has loaded in this generation; 0: none, or a roll-over came since.
  std::array<std::atomic<std::uint64_t>, kMaxCpus> active_{};
  // The tag each CPU had loaded at the last roll-over: nobody else gets its VMID in this
  // generation.
  std::array<std::uint64_t, kMaxCpus> reserved_ SOCLE_GUARDED_BY(lock_) = {};
};

// The one of this machine.
extern constinit VmidAllocator machine_vmids;

}  // namespace socle::stage2
