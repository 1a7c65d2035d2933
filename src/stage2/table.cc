// SPDX-License-Identifier: Apache-2.0
#include "stage2/table.h"

#include "base/check.h"

namespace socle::stage2 {

// Frames in reserve are chained through their first words; nobody else knows them yet.

Reserve::~Reserve() {
  while (count_ > 0)
    source_.give(pop());
}

Result<> Reserve::fill(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const Mfn frame = TRY(source_.take());
    *port::owned_frame_as<Mfn>(frame) = first_;
    first_ = frame;
    ++count_;
  }
  return {};
}

Mfn Reserve::pop() {
  CHECK(count_ > 0);
  --count_;
  const Mfn frame = first_;
  first_ = *port::owned_frame_as<Mfn>(frame);
  return frame;
}

}  // namespace socle::stage2
