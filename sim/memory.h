// SPDX-License-Identifier: Apache-2.0
#pragma once

// Memory: the RAM of the model machine. While one exists (at most one at a time),
// port/phys_window.h works on the host:
//   owned_frame(mfn)   only for frames that were given to Socle with own(), or by heap_block_map()
//   PhysWindow         for any frame of RAM; closing out of order, or more than a CPU has, is found
//   persistent_map     for any frame of RAM; can be told to fail
//
// RAM costs the host nothing until it is touched, so a test may declare a terabyte. It reads as
// zero. A broken rule ends the test with a message (sim/violation.h).

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "base/range.h"
#include "base/result.h"
#include "base/types.h"

namespace socle::sim {

class Memory {
 public:
  // 16 GiB at 1 GiB, as QEMU's virt machine has it.
  static constexpr MfnRange kDefaultRam{Mfn(0x40000), Mfn(0x440000)};

  static constexpr unsigned kWindowsPerCpu = 8;

  Memory(std::initializer_list<MfnRange> banks = {kDefaultRam});
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // The one that exists; a violation if none does.
  static Memory& current();

  // From now on (no longer) mapped for Socle: owned_frame() works (is a violation).
  void own(const MfnRange& frames);
  void disown(const MfnRange& frames);
  [[nodiscard]] bool is_owned(Mfn frame) const;

  // The bytes of a frame of RAM, for tests that play the guest or a device.
  [[nodiscard]] std::byte* frame(Mfn number) const {
    const Bank* const bank = bank_of(number);
    if (bank == nullptr) [[unlikely]]
      not_ram(number);
    return bank->bytes + (number - bank->frames.begin()).bytes();
  }
  [[nodiscard]] bool is_ram(Mfn frame) const;
  // The frame an address lies in, if it lies in RAM.
  [[nodiscard]] std::optional<Mfn> frame_of(const void* address) const {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    for (const Bank& bank : banks_) {
      const std::uint64_t offset = at - reinterpret_cast<std::uintptr_t>(bank.bytes);
      if (offset < bank.frames.size() << kFrameShift)
        return bank.frames.begin() + FrameCount(offset >> kFrameShift);
    }
    return std::nullopt;
  }

  // The next `count` calls of persistent_map() or heap_block_map() fail with kNoMemory.
  void fail_maps(unsigned count) { failing_maps_ = count; }
  [[nodiscard]] std::size_t persistent_maps() const { return persistent_maps_; }

  // What port/host calls.
  [[nodiscard]] std::byte* owned_frame(Mfn frame) const;
  std::byte* window_open(Mfn frame);
  void window_close(std::byte* window);
  Result<std::byte*> persistent_map(Mfn frame);
  void persistent_unmap(std::byte* address);
  Result<> heap_block_map(Mfn block);

 private:
  struct Bank {
    MfnRange frames;
    std::byte* bytes;
    std::vector<bool> owned;
  };
  [[nodiscard]] const Bank* bank_of(Mfn frame) const {
    for (const Bank& bank : banks_) {
      if (bank.frames.contains(frame)) return &bank;
    }
    return nullptr;
  }
  [[noreturn]] static void not_ram(Mfn frame);
  static void not_owned(Mfn frame);
  void set_owned(const MfnRange& frames, bool owned);

  std::vector<Bank> banks_;
  std::size_t persistent_maps_ = 0;
  unsigned failing_maps_ = 0;
};

}  // namespace socle::sim
