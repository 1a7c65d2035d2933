// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the linker script and start.S say about the image. The addresses are machine addresses and
// virtual addresses at once.

namespace socle::el2 {

extern "C" {
extern const char socle_text_start[];          // the first byte of the image
extern const char socle_foreign_text_start[];  // libraries that know no branch targets
extern const char socle_text_end[];
extern const char socle_data_start[];
extern const char socle_data_end[];  // of .bss
extern const char socle_boot_stack[];
extern const char socle_boot_stack_top[];
extern const char socle_boot_cpu_block[];
extern const char socle_boot_cpu_block_end[];
extern const char socle_image_end[];
extern const char socle_tls_start[];  // the template of a CPU's thread-local data
extern const char socle_tls_data_end[];
extern const char socle_tls_end[];
void socle_secondary_entry();
}

}  // namespace socle::el2
