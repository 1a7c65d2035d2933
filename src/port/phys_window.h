// SPDX-License-Identifier: Apache-2.0
#pragma once

// How Socle touches memory.
//
// owned_frame(mfn): the address of a frame that belongs to Socle's heap (tables, vCPU state,
// shared_info, grant frames): always mapped, no cost. Calling it for any other frame is a broken
// invariant.
//
// PhysWindow: a short view of one frame that is *not* mapped for Socle (guest RAM, boot modules). A
// CPU has a few windows, used like a stack (destroy in reverse order of creation: they are scoped
// objects). The mapping is Normal write-back, read-write, never executable. Creating one cannot
// fail; the caller makes sure that the frame is RAM and stays with its owner while the window is
// open.
//
// PersistentMap: a mapping for as long as the object is kept (FIFO event pages, vcpu_info). May
// fail.

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "base/types.h"

namespace socle::port {

std::byte* owned_frame(Mfn frame);
template <typename T>
T* owned_frame_as(Mfn frame) {
  return reinterpret_cast<T*>(owned_frame(frame));
}
// The frame of an address inside Socle's heap or image.
Mfn owned_frame_of(const void* address);

inline constexpr unsigned kPhysWindowsPerCpu = 8;

// The seam under PhysWindow; use the class.
std::byte* phys_window_open(Mfn frame);
void phys_window_close(std::byte* window);

class PhysWindow {
 public:
  explicit PhysWindow(Mfn frame) : data_(phys_window_open(frame)) {}
  ~PhysWindow() { phys_window_close(data_); }
  PhysWindow(const PhysWindow&) = delete;
  PhysWindow& operator=(const PhysWindow&) = delete;
  [[nodiscard]] std::byte* data() const { return data_; }
  template <typename T>
  [[nodiscard]] T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* data_;
};

// Maps one frame (read-write, write-back, not executable) until unmapped. kNoMemory when no slot or
// table is left. The caller holds a reference on the frame (mem/) for that long.
Result<std::byte*> persistent_map(Mfn frame);
void persistent_unmap(std::byte* address);

}  // namespace socle::port

#include "port_impl/phys_window.h"
