// SPDX-License-Identifier: Apache-2.0
#include "hw/attributes.h"

namespace socle {

const char* to_string(MemoryType type) {
  switch (type) {
    case MemoryType::kDeviceNGnRnE:
      return "Device-nGnRnE";
    case MemoryType::kDeviceNGnRE:
      return "Device-nGnRE";
    case MemoryType::kDeviceGRE:
      return "Device-GRE";
    case MemoryType::kNormalNonCacheable:
      return "Normal-NC";
    case MemoryType::kNormalWriteBack:
      return "Normal-WB";
  }
  return "unknown memory type";
}

const char* to_string(Reason reason) {
  switch (reason) {
    case Reason::kNone:
      return "none";
    case Reason::kDomainRam:
      return "RAM";
    case Reason::kDeviceRegisters:
      return "device registers";
    case Reason::kPciWindow:
      return "PCI window";
    case Reason::kOnChipSram:
      return "on-chip SRAM";
    case Reason::kReservedMemory:
      return "reserved memory";
    case Reason::kInterruptController:
      return "interrupt controller";
    case Reason::kFrameBuffer:
      return "frame buffer";
    case Reason::kSharedInfo:
      return "shared info page";
    case Reason::kGrantTable:
      return "grant table";
    case Reason::kGrantMapping:
      return "granted page";
    case Reason::kForeignMapping:
      return "foreign page";
    case Reason::kOnDemand:
      return "mapped on demand";
    case Reason::kSocle:
      return "Socle's own";
  }
  return "unknown reason";
}

}  // namespace socle
