// SPDX-License-Identifier: Apache-2.0
#include "port/memory_features.h"

namespace socle::port {

hw::MemoryFeatures memory_features() {
  hw::MemoryIdRegisters id;
  asm("mrs %0, id_aa64mmfr0_el1" : "=r"(id.mmfr0));
  asm("mrs %0, id_aa64mmfr1_el1" : "=r"(id.mmfr1));
  asm("mrs %0, id_aa64mmfr2_el1" : "=r"(id.mmfr2));
  asm("mrs %0, id_aa64isar0_el1" : "=r"(id.isar0));
  return hw::MemoryFeatures::decode(id);
}

}  // namespace socle::port
