// SPDX-License-Identifier: Apache-2.0

// Where event channels meet the virtual interrupt controller.

#include "guest/domain.h"
#include "guest/event_channel.h"
#include "guest/vcpu.h"
#include "guest/vdev/vgic.h"

namespace socle::guest {

void event_entry_work(Vcpu& vcpu) {
  vgic::set_line(vcpu, vcpu.domain.event_channel_ppi, event_line_is_high(vcpu));
}

}  // namespace socle::guest
