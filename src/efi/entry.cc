// SPDX-License-Identifier: Apache-2.0
// What start.S calls under firmware. Relocated, but .bss is the loader's zeroes and no thread-local
// data exists.

#include "port/cache.h"

#include "efi/loader.h"

namespace socle::efi {

extern "C" {

struct EfiMainResult {
  Status status;
  std::uint64_t tree;
};

EfiMainResult socle_efi_main(Handle image, const SystemTable* system);
EfiMainResult socle_efi_main(Handle image, const SystemTable* system) {
  std::uint64_t current_el = 0;
  asm volatile("mrs %0, CurrentEL" : "=r"(current_el));
  const LoaderSeams seams{.exception_level = static_cast<unsigned>(current_el >> 2),
                          .clean = [](const PaRange& range) {
                            port::cache_clean_invalidate(
                                reinterpret_cast<const void*>(range.begin().value()), range.size());
                          }};
  const Loaded loaded = load(image, *system, seams);
  return {.status = loaded.status, .tree = loaded.tree};
}

}  // extern "C"

}  // namespace socle::efi
