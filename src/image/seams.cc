// SPDX-License-Identifier: Apache-2.0
// Where lower rooms meet what they may not include: the definitions of their seams.
#include "drivers/console.h"
#include "drivers/gic.h"
#include "guest/console.h"
#include "guest/exits.h"

namespace socle::guest {

extern "C" void socle_dispatch_interrupts() {
  gic::dispatch_physical();
}

void console_write(Domain&, std::string_view bytes) {
  console::write_guest(std::span(bytes.data(), bytes.size()));
}

std::size_t console_read(Domain&, std::span<char> out) {
  return console::read_guest(out);
}

}  // namespace socle::guest
