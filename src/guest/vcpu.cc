// SPDX-License-Identifier: Apache-2.0
#include "guest/vcpu.h"

#include "port/cpu.h"

namespace socle::guest {

void post_work(Vcpu& vcpu, Work work) {
  const auto bits = static_cast<std::uint32_t>(work);
  const std::uint32_t before = vcpu.pending_work.fetch_or(bits, std::memory_order_release);
  // Bits that were set already: whoever set them kicks, or has.
  if ((before & bits) == bits) return;
  if (vcpu.cpu != port::current_cpu()) port::kick_cpu(vcpu.cpu);
}

}  // namespace socle::guest
