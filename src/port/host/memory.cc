// SPDX-License-Identifier: Apache-2.0
// The memory part of the seam, on the host: the model machine's RAM.

#include "sim/memory.h"

#include "base/check.h"
#include "port/heap_map.h"
#include "port/phys_window.h"

namespace socle::port {

static_assert(kPhysWindowsPerCpu == sim::Memory::kWindowsPerCpu);

std::byte* owned_frame(Mfn frame) {
  return sim::Memory::current().owned_frame(frame);
}

Mfn owned_frame_of(const void* address) {
  const std::optional<Mfn> frame = sim::Memory::current().frame_of(address);
  CHECK(frame.has_value());
  return *frame;
}

std::byte* phys_window_open(Mfn frame) {
  return sim::Memory::current().window_open(frame);
}
void phys_window_close(std::byte* window) {
  sim::Memory::current().window_close(window);
}

Result<std::byte*> persistent_map(Mfn frame) {
  return sim::Memory::current().persistent_map(frame);
}
void persistent_unmap(std::byte* address) {
  sim::Memory::current().persistent_unmap(address);
}

Result<> heap_block_map(Mfn block) {
  return sim::Memory::current().heap_block_map(block);
}

}  // namespace socle::port
