// SPDX-License-Identifier: Apache-2.0
#pragma once

// Writes a flattened device tree from its beginning to its end. Properties copied from the host's
// tree keep their place in its strings block, which becomes the beginning of the new one: no name
// is looked up, however many there are. Pure. Source: Devicetree Specification 0.4, chapter 5.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/range.h"
#include "base/result.h"
#include "fw/dt/tree.h"

namespace socle::hwdom {

class BlobWriter {
 public:
  // The buffer is aligned to 8 and is the blob. When it is full nothing more is written, and
  // finish() says so.
  BlobWriter(std::span<std::byte> buffer, const fw::dt::Tree& host);

  // In this order: reservations, end_reservations(), one root node with all that is in it.
  void reservation(const PaRange& range);
  void end_reservations();
  void begin(const char* name);
  void end();
  // One of our own; there are few different names.
  void property(std::string_view name, std::span<const std::byte> value);
  void copy(const fw::dt::Property& host_property);
  // The blob's size, or kTooLarge.
  Result<std::size_t> finish();

 private:
  void bytes(const void* from, std::size_t size);  // padded to a multiple of 4
  void cell(std::uint32_t value);
  void property_at(std::size_t name, std::span<const std::byte> value);

  std::span<std::byte> buffer_;
  std::span<const std::byte> host_names_;
  std::array<char, 512> own_names_{};  // each ends in NUL
  std::size_t own_names_size_ = 0;
  std::size_t size_;
  std::size_t structure_ = 0;
  bool is_full_ = false;
};

}  // namespace socle::hwdom
