// SPDX-License-Identifier: Apache-2.0
#include "sim/memory.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/mman.h>

#include "sim/violation.h"

namespace socle::sim {

namespace {

Memory* current_memory = nullptr;

// The windows that this CPU (thread) has open, innermost last.
struct OpenWindows {
  std::array<std::byte*, Memory::kWindowsPerCpu> windows{};
  unsigned count = 0;
};
thread_local OpenWindows open_windows;

std::string name_of(Mfn frame) {
  char text[32];
  std::snprintf(text, sizeof text, "frame 0x%llx", static_cast<unsigned long long>(frame.value()));
  return text;
}

}  // namespace

Memory::Memory(std::initializer_list<MfnRange> banks) {
  for (const MfnRange& frames : banks) {
    void* const bytes = mmap(nullptr, frames.size() * kFrameSize, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED) {
      std::perror("sim: the host cannot reserve the machine's RAM");
      std::abort();
    }
    banks_.push_back({frames, static_cast<std::byte*>(bytes), std::vector<bool>(frames.size())});
  }
  if (current_memory != nullptr) violate(Rule::kNotOwned, "a second sim::Memory at the same time");
  current_memory = this;
}

Memory::~Memory() {
  current_memory = nullptr;
  for (const Bank& bank : banks_)
    munmap(bank.bytes, bank.frames.size() * kFrameSize);
}

Memory& Memory::current() {
  if (current_memory == nullptr) {
    std::fprintf(stderr, "sim: this test needs a sim::Memory\n");
    std::abort();
  }
  return *current_memory;
}

void Memory::not_ram(Mfn frame) {
  std::fprintf(stderr, "sim: %s is not RAM\n", name_of(frame).c_str());
  std::abort();
}

void Memory::not_owned(Mfn frame) {
  violate(Rule::kNotOwned, name_of(frame));
}

void Memory::set_owned(const MfnRange& frames, bool owned) {
  for (Mfn frame = frames.begin(); frame < frames.end(); ++frame) {
    const Bank* const bank = bank_of(frame);
    if (bank == nullptr) {
      violate(Rule::kNotOwned, name_of(frame) + " is not RAM and cannot be owned");
      return;
    }
    const_cast<Bank*>(bank)->owned[(frame - bank->frames.begin()).value()] = owned;
  }
}

void Memory::own(const MfnRange& frames) {
  set_owned(frames, true);
}
void Memory::disown(const MfnRange& frames) {
  set_owned(frames, false);
}

bool Memory::is_owned(Mfn frame) const {
  const Bank* const bank = bank_of(frame);
  return bank != nullptr && bank->owned[(frame - bank->frames.begin()).value()];
}

bool Memory::is_ram(Mfn frame) const {
  return bank_of(frame) != nullptr;
}

std::byte* Memory::owned_frame(Mfn number) const {
  const Bank* const bank = bank_of(number);
  if (bank == nullptr || !bank->owned[(number - bank->frames.begin()).value()]) [[unlikely]] {
    not_owned(number);
  }
  return frame(number);
}

std::byte* Memory::window_open(Mfn number) {
  if (open_windows.count == open_windows.windows.size()) {
    violate(Rule::kWindow, "more windows open than a CPU has");
    std::abort();
  }
  std::byte* const window = frame(number);
  open_windows.windows[open_windows.count++] = window;
  return window;
}

void Memory::window_close(std::byte* window) {
  if (open_windows.count == 0 || open_windows.windows[open_windows.count - 1] != window) {
    violate(Rule::kWindow, "windows closed in another order than the reverse of opening");
    return;
  }
  --open_windows.count;
}

Result<std::byte*> Memory::persistent_map(Mfn number) {
  if (failing_maps_ > 0) {
    --failing_maps_;
    return fail(Error::kNoMemory);
  }
  ++persistent_maps_;
  return frame(number);
}

void Memory::persistent_unmap(std::byte* address) {
  if (!frame_of(address) || persistent_maps_ == 0) {
    violate(Rule::kNotOwned, "persistent_unmap of what was not mapped");
    return;
  }
  --persistent_maps_;
}

Result<> Memory::heap_block_map(Mfn block) {
  if (failing_maps_ > 0) {
    --failing_maps_;
    return fail(Error::kNoMemory);
  }
  if (!block.is_aligned(kOrder2M)) violate(Rule::kNotOwned, name_of(block) + " begins no block");
  own(MfnRange(block, block + kOrder2M.count()));
  return {};
}

}  // namespace socle::sim
