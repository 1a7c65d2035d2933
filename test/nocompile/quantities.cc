// SPDX-License-Identifier: Apache-2.0
// Levels, orders, counts and numbers of things are different kinds of number.
#include <cstdint>

#include "base/types.h"

namespace socle {

void take_order(Order);
void take_count(FrameCount);

void quantities(Level level, Order order, FrameCount count, std::uint64_t wide) {
  take_order(level.order());
  take_order(level);               // refused: no matching function
  take_order(9);                   // refused: no matching function
  take_count(order);               // refused: no matching function
  take_count(512);                 // refused: no matching function
  const Level two = 2;             // refused: no viable conversion
  const DomainId domain = 1;       // refused: cannot initialize
  const CpuIndex cpu = 0u;         // refused: cannot initialize
  const IntId interrupt = 30;      // refused: no viable conversion
  const Order narrowed{wide};      // refused: cannot be narrowed
  const std::uint32_t cut = wide;  // refused: implicit conversion loses integer precision
  const std::uint64_t negative = -1 + static_cast<int>(wide);  // refused: changes signedness
  (void)(count + order);                                       // refused: invalid operands
  (void)(level < order);                                       // refused: invalid operands
  (void)count;
}

}  // namespace socle
