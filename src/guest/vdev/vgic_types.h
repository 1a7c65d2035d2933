// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the virtual GIC keeps for a vCPU and for a domain. Only guest/vdev/vgic* looks inside.
//
// The rule that everything follows from: *list registers and the sets beside them belong to the
// CPU that runs the vCPU*. It changes them without a lock. Others leave a bit in `incoming` ("look
// at this interrupt") or a Request ("do this to yours and answer") and kick. What several CPUs may
// change (enables, priorities, routes) is atomic, and written under DomainState::lock where two
// writers could leave the model and the hardware different. See docs/design/vgic.md.

#include <array>
#include <atomic>
#include <cstdint>

#include "base/lock.h"
#include "base/types.h"

namespace socle::guest {
struct Vcpu;
}

namespace socle::guest::vgic {

inline constexpr unsigned kMaxListRegisters = 16;
inline constexpr unsigned kFirstSpi = 32;
inline constexpr unsigned kEndOfSpis = 1020;
inline constexpr unsigned kWords = 32;  // of 32 interrupts each; word 0 is private to a vCPU
inline constexpr std::uint16_t kNoVcpu = 0xffff;
// A GICv2 tells an SGI's senders apart: the same SGI of two of them is two interrupts. Each has a
// number of its own here, above the lines: kFirstSourcedSgi + 16 * sender + SGI.
inline constexpr unsigned kFirstSourcedSgi = 896;  // kGicv2MaxLines
inline constexpr unsigned kNoSourcedSgis = 32 * kWords;

// A set of interrupts of one vCPU, touched by its own CPU only. Bit w of `words_used` says that
// words[w] is not 0, so that looking through an almost empty set costs next to nothing.
struct InterruptSet {
  std::uint32_t words_used = 0;
  std::array<std::uint32_t, kWords> words{};

  void add(std::uint32_t interrupt) {
    words[interrupt / 32] |= 1u << (interrupt % 32);
    words_used |= 1u << (interrupt / 32);
  }
  void remove(std::uint32_t interrupt) {
    std::uint32_t& word = words[interrupt / 32];
    word &= ~(1u << (interrupt % 32));
    if (word == 0) words_used &= ~(1u << (interrupt / 32));
  }
  [[nodiscard]] bool contains(std::uint32_t interrupt) const {
    return (words[interrupt / 32] >> (interrupt % 32) & 1) != 0;
  }
  [[nodiscard]] bool empty() const { return words_used == 0; }
};

// The same as a mailbox: anybody adds, the owner takes.
struct SharedInterruptSet {
  std::atomic<std::uint32_t> words_used{0};
  std::array<std::atomic<std::uint32_t>, kWords> words{};
};

// What one vCPU asks of the CPU that holds another's list registers, about interrupts of one word.
enum class Operation : std::uint8_t {
  kRead,          // which are pending and active here
  kPark,          // disabled, or about to be routed elsewhere: what is pending goes to rest
  kRecheck,       // groups were disabled: present only what is deliverable (all words)
  kClearPending,  // GICD_ICPENDR
  kSetActive,     // GICD_ISACTIVER
  kClearActive,   // GICD_ICACTIVER
};

struct Request {
  enum class State : std::uint8_t { kIdle, kPosted, kDone };
  std::atomic<State> state{State::kIdle};
  Operation operation = Operation::kRead;
  std::uint8_t word = 0;   // interrupts 32 * word ..
  std::uint32_t mask = 0;  // .. of which these
  std::uint32_t pending = 0;
  std::uint32_t active = 0;
};

// Of the 32 private interrupts of a vCPU, what its redistributor registers say. Anybody may change
// it (redistributors are memory); a change is followed by Work::kVgic.
struct PrivateConfig {
  std::atomic<std::uint32_t> enabled{0};
  std::atomic<std::uint32_t> group1{0};
  std::atomic<std::uint32_t> edge{0x0000ffff};  // SGIs are edges
  // Enabled, and their group is enabled in the distributor.
  std::atomic<std::uint32_t> deliverable{0};
  std::array<std::atomic<std::uint8_t>, 32> priority{};
};

struct VcpuState {
  // --- This vCPU's CPU only ---
  // The interrupt in each list register that the hardware calls not empty.
  std::array<std::uint16_t, kMaxListRegisters> in_slot{};
  // The list registers it may use: none while it is not loaded.
  std::uint32_t usable = 0;
  // Pending or active here and not (for that state) in a list register.
  InterruptSet pending;
  InterruptSet active;
  // Of the pending ones, wherever they are: level-sensitive, and pending because software said so
  // (GICD_ISPENDR), not because of their line.
  InterruptSet latched;
  // Level-sensitive private lines that software drives, as they are now.
  std::uint32_t lines = 0;
  // Those whose guest lowers them by writing memory, without an exit (event channels).
  std::uint32_t silent_lines = 0;
  // Private interrupts that are the hardware's: linked to the physical one of the same number.
  std::uint32_t hardware_private = 0;
  // ICH_HCR_EL2 as written last: bits besides En only while something waits.
  std::uint32_t control = 0;
  // Valid while the vCPU is not loaded.
  std::uint64_t machine_control = 0;
  std::array<std::array<std::uint32_t, 4>, 2> active_priorities{};
  // --- Shared ---
  PrivateConfig config;
  std::atomic<bool> asleep{true};  // GICR_WAKER.ProcessorSleep; means nothing more
  SharedInterruptSet incoming;
  // vCPUs (by number) whose `request` waits for this one.
  std::array<std::atomic<std::uint64_t>, kMaxCpus / 64> requesters{};
  Request request;  // what this vCPU asks of another; one at a time
  // Held to do a Request on behalf of a vCPU that is not loaded, and to change `loaded`.
  SpinLock lock{LockRank::kVgicCpu};
  bool loaded SOCLE_GUARDED_BY(lock) = false;
};

// One shared peripheral interrupt. Read without a lock on delivery.
struct Spi {
  // Where IROUTER points, as a vCPU number; kNoVcpu: at no vCPU of this domain.
  std::atomic<std::uint16_t> target{0};
  // The vCPU it was sent to last: the only one whose sets and list registers may know it.
  std::atomic<std::uint16_t> holder{kNoVcpu};
  std::atomic<std::uint8_t> priority{0};
  // IROUTER: Aff3.Aff2.Aff1.Aff0; GICv2: ITARGETSR. Under DomainState::lock.
  std::uint32_t affinity = 0;
};

struct DomainState {
  SpinLock lock{LockRank::kVgicDistributor};

  // Fixed when the domain is built.
  unsigned lines = 0;  // interrupts, a multiple of 32 up to 1024
  // From this number on: SGIs by sender, which are private (GICv2: kFirstSourcedSgi).
  unsigned first_sourced_sgi = kNoSourcedSgis;
  std::uint32_t type = 0;  // GICD_TYPER
  std::uint64_t distributor = 0;
  struct Redistributors {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    unsigned first_vcpu = 0;
    unsigned count = 0;
  };
  static constexpr unsigned kMaxRedistributorRegions = 32;
  std::array<Redistributors, kMaxRedistributorRegions> redistributors{};
  unsigned redistributor_regions = 0;
  // The virtual CPU interface of this machine.
  std::uint32_t list_registers = 0;   // a mask of those that exist
  std::uint8_t priority_mask = 0xf8;  // the bits of a priority that exist
  unsigned active_priority_registers = 1;
  bool can_trap_deactivation = false;  // ICH_VTR_EL2.TDS

  // Written under `lock`, read anywhere.
  std::atomic<std::uint32_t> control{0};  // GICD_CTLR's group enables
  std::array<std::atomic<std::uint32_t>, kWords> enabled{};
  std::array<std::atomic<std::uint32_t>, kWords> group1{};
  std::array<std::atomic<std::uint32_t>, kWords> edge{};
  std::array<std::atomic<std::uint32_t>, kWords> deliverable{};
  // SPIs that are physical ones of the same number.
  std::array<std::atomic<std::uint32_t>, kWords> hardware{};
  // Of the others: pending and not taken by a vCPU yet, and the level of their line.
  std::array<std::atomic<std::uint32_t>, kWords> latched{};
  std::array<std::atomic<std::uint32_t>, kWords> line{};
  std::array<Spi, kEndOfSpis - kFirstSpi> spis{};
};

}  // namespace socle::guest::vgic
