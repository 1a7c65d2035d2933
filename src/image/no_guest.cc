// SPDX-License-Identifier: Apache-2.0
// For an image in which no guest ever runs: the exits cannot happen.
#include "base/check.h"
#include "guest/exits.h"

// Tests are not started by UEFI.
extern "C" std::uint64_t socle_efi_main() {
  return std::uint64_t{1} << 63 | 3;  // EFI_UNSUPPORTED
}

namespace socle::guest {

extern "C" {

void socle_guest_sync_exit(CpuFrame*) {
  CHECK(false);
}
void socle_guest_irq_exit(CpuFrame*) {
  CHECK(false);
}
void socle_guest_serror_exit(CpuFrame*) {
  CHECK(false);
}
void socle_guest_entry_work(CpuFrame*) {
  CHECK(false);
}
}

}  // namespace socle::guest
