// SPDX-License-Identifier: Apache-2.0
#pragma once

// What Socle offers beyond Xen's ABI.
//
// A call of our own: hypercall 55 (__HYPERVISOR_arch_7, which Xen on Arm answers with -ENOSYS),
// x0 = operation, x1 = the virtual address of its structure. For the hardware domain; others get
// -EPERM. An unknown operation answers -ENOSYS, a reserved field that is not 0 or an unknown flag
// -EINVAL. Numbers and structures are stable once they are released: what is added gets a new
// number.
//
// Reserved fields of two calls of Xen's, that name a memory type for a device's pages
// (kSocleType*):
// - u.res0 of XENMEM_add_to_physmap_batch with XENMAPSPACE_dev_mmio is the type. Xen refuses all
//   but 0; numbers that are no type are refused here, too (-EOPNOTSUPP).
// - padding of XEN_DOMCTL_memory_mapping, when it adds, is kSocleTypeTag + the type. The tag with
//   another number is refused (-EINVAL). Without it, it means nothing: Xen does not look there, and
//   its toolstacks leave it uninitialised.
//
// Stands alone, so that guests can include it.

#include <cstdint>

namespace socle::abi {

inline constexpr unsigned kSocleCall = 55;

// What a virtual address of the caller means: both stages of translation at EL1, and what memory
// type they make together. SocleTranslate.
inline constexpr std::uint64_t kSocleTranslate = 1;

struct SocleTranslate {
  std::uint64_t address;  // in: of the EL1&0 regime of the vCPU that calls
  std::uint32_t flags;    // in: kSocleTranslate*
  std::uint32_t reserved;
  std::uint64_t par;  // out: PAR_EL1 as the CPU filled it (AT S12E1R or S12E1W), faults included
};
static_assert(sizeof(SocleTranslate) == 24);
// As for a write; otherwise as for a read.
inline constexpr std::uint32_t kSocleTranslateWrite = 1;

// Accesses of the hardware domain to addresses that nothing was mapped at, as far as mmio-fault=
// has them put on record. SocleMmioFaults.
inline constexpr std::uint64_t kSocleMmioFaults = 2;

// A range of pages, widened by each fault that touched it.
struct SocleMmioFault {
  std::uint64_t begin;  // guest-physical addresses, [begin, end)
  std::uint64_t end;
  std::uint64_t pc;     // of the first fault
  std::uint64_t count;  // of faults
  std::uint32_t vcpu;   // of the first fault
  std::uint8_t block;   // log2 of the most 4 KiB pages that were mapped at once
  std::uint8_t type;    // kSocleType*: of the mapping; 0 if there is none
  std::uint16_t reserved;
};
static_assert(sizeof(SocleMmioFault) == 40);

struct SocleMmioFaults {
  std::uint32_t outcome;   // in: kSocleFaults*
  std::uint32_t capacity;  // in: records that there is room for
  std::uint64_t records;   // in: the virtual address of SocleMmioFault[capacity]
  std::uint64_t from;      // in: records that begin here or behind; out: where to go on
  std::uint32_t count;     // out: records written; ascending. 0: there are no more
  std::uint32_t policy;    // out: kSoclePolicy*
  std::uint64_t faults;    // out: of this outcome since the domain began; each was a trap
  std::uint64_t lost;      // out: of these, not on record for want of room
};
static_assert(sizeof(SocleMmioFaults) == 48);
inline constexpr std::uint32_t kSocleFaultsMapped = 0;
inline constexpr std::uint32_t kSocleFaultsDenied = 1;
inline constexpr std::uint32_t kSoclePolicyDeny = 0;  // nothing is recorded
inline constexpr std::uint32_t kSoclePolicyLog = 1;
inline constexpr std::uint32_t kSoclePolicyMap = 2;

// Memory types at stage 2. The first five may be asked for (policy::RequestedType); whatever the
// type, such a page is for reading and writing and never executable.
inline constexpr std::uint8_t kSocleTypeNone = 0;  // no mapping; asked for: what Xen gives, which
                                                   // is kSocleTypeNormalWriteBack by dev_mmio and
                                                   // kSocleTypeDeviceNGnRE by memory_mapping
inline constexpr std::uint8_t kSocleTypeDeviceNGnRE = 1;
inline constexpr std::uint8_t kSocleTypeDeviceGRE = 2;
inline constexpr std::uint8_t kSocleTypeNormalNonCacheable = 3;
inline constexpr std::uint8_t kSocleTypeNormalWriteBack = 4;  // stage 1 decides
inline constexpr std::uint8_t kSocleTypeDeviceNGnRnE = 5;
inline constexpr std::uint32_t kSocleTypeTag = 0x534f'4300;  // "SOC"
inline constexpr std::uint32_t kSocleTypeMask = 0xff;

}  // namespace socle::abi
