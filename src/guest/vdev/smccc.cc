// SPDX-License-Identifier: Apache-2.0
#include "guest/vdev/smccc.h"

#include <cstdint>

#include "base/field.h"
#include "base/log.h"
#include "guest/vcpu.h"
#include "guest/vdev/vpsci.h"
#include "port/firmware.h"

namespace socle::guest::smccc {

namespace {

// W0 of a call.
using IsFast = Flag<31, std::uint32_t>;
using Owner = Field<29, 24, std::uint32_t>;
constexpr std::uint32_t kOwnerStandardSecure = 4;
constexpr std::uint32_t kOwnerStandardHypervisor = 5;

constexpr std::uint32_t kVersion = 0x8000'0000;
constexpr std::uint32_t kArchFeatures = 0x8000'0001;
constexpr std::uint32_t kWorkaround1 = 0x8000'8000;
constexpr std::uint32_t kWorkaround2 = 0x8000'7fff;
constexpr std::uint32_t kWorkaround3 = 0x8000'3fff;
constexpr std::uint32_t kPsciVersion = 0x8400'0000;
constexpr std::uint32_t kPsciFeatures = 0x8400'000a;
constexpr std::uint32_t kSecureCallCount = 0x8400'ff00;
constexpr std::uint32_t kSecureUid = 0x8400'ff01;
constexpr std::uint32_t kSecureRevision = 0x8400'ff03;
constexpr std::uint32_t kHypervisorCallCount = 0x8500'ff00;
constexpr std::uint32_t kHypervisorUid = 0x8500'ff01;
constexpr std::uint32_t kHypervisorRevision = 0x8500'ff03;

constexpr std::uint64_t kSmccc11 = 0x1'0001;
constexpr std::uint64_t kSuccess = 0;
constexpr std::uint64_t kNotSupported = ~std::uint64_t{0};

// Written once at boot.
constinit bool firmware_knows_features = false;

// A UUID in the order of its bytes, as four words of which the first byte is the lowest.
struct Uid {
  std::uint32_t words[4];
};
// a71812dc-c698-4369-9acf-79d18ddee667: XEN_SMCCC_UID
constexpr Uid kXenUid{{0xdc12'18a7, 0x6943'98c6, 0xd179'cf9a, 0x67e6'de8d}};
// f863386f-4b39-4cbd-9220-ce1641e59f6f: SSSC_SMCCC_UID, the standard service calls of Xen
constexpr Uid kSecureServiceUid{{0x6f38'63f8, 0xbd4c'394b, 0x16ce'2092, 0x6f9f'e541}};

void answer(CpuFrame& frame, const Uid& uid) {
  for (unsigned i = 0; i < 4; ++i)
    frame.x[i] = uid.words[i];
}
void answer_revision(CpuFrame& frame, std::uint64_t major, std::uint64_t minor) {
  frame.x[0] = major;
  frame.x[1] = minor;
}

constexpr bool is_workaround(std::uint32_t function) {
  return function == kWorkaround1 || function == kWorkaround2 || function == kWorkaround3;
}

std::uint64_t arch_features(std::uint32_t function) {
  if (function == kVersion || function == kArchFeatures) return kSuccess;
  if (!is_workaround(function) || !firmware_knows_features) return kNotSupported;
  // 32-bit results are signed.
  const auto result = static_cast<std::int32_t>(
      static_cast<std::uint32_t>(port::firmware_call(kArchFeatures, function).x0));
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(result));
}

void call_workaround(CpuFrame& frame) {
  if (!firmware_knows_features) {
    frame.x[0] = kNotSupported;
    return;
  }
  // They return nothing, and keep every register.
  (void)port::firmware_call(frame.x[0], frame.x[1]);
}

bool architecture_call(CpuFrame& frame, std::uint32_t function) {
  if (function == kVersion) {
    frame.x[0] = kSmccc11;
    return true;
  }
  if (function == kArchFeatures) {
    frame.x[0] = arch_features(static_cast<std::uint32_t>(frame.x[1]));
    return true;
  }
  return false;
}

bool identification_call(CpuFrame& frame, std::uint32_t function) {
  switch (function) {
    case kHypervisorCallCount:
      frame.x[0] = 3;
      return true;
    case kHypervisorUid:
      answer(frame, kXenUid);
      return true;
    case kHypervisorRevision:
      answer_revision(frame, 0, 1);
      return true;
    case kSecureCallCount:
      frame.x[0] = vpsci::kFunctionCount + 3;
      return true;
    case kSecureUid:
      answer(frame, kSecureServiceUid);
      return true;
    case kSecureRevision:
      answer_revision(frame, 0, 1);
      return true;
    default:
      return false;
  }
}

}  // namespace

void discover_firmware(bool firmware_has_smc) {
  firmware_knows_features = false;
  if (!firmware_has_smc) return;
  // As DEN0028 says to find out without harm: PSCI 1.0, its FEATURES, then SMCCC's version.
  const auto as_signed = [](const port::FirmwareResult& result) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(result.x0));
  };
  if (as_signed(port::firmware_call(kPsciVersion)) < 0x1'0000) return;
  if (as_signed(port::firmware_call(kPsciFeatures, kVersion)) < 0) return;
  const std::int32_t version = as_signed(port::firmware_call(kVersion));
  firmware_knows_features = version >= static_cast<std::int32_t>(kSmccc11);
  log_debug("firmware: SMCCC {}.{}", static_cast<unsigned>(version) >> 16,
            static_cast<unsigned>(version) & 0xffff);
}

void call(Vcpu& current, CpuFrame& frame) {
  const auto function = static_cast<std::uint32_t>(frame.x[0]);
  // First: where they are needed they are called at every entry into a kernel.
  if (is_workaround(function)) {
    call_workaround(frame);
    return;
  }
  if (vpsci::call(current, frame, function)) return;
  if (architecture_call(frame, function)) return;
  const std::uint32_t owner = Owner::get(function);
  if (IsFast::get(function) != 0 &&
      (owner == kOwnerStandardSecure || owner == kOwnerStandardHypervisor) &&
      identification_call(frame, function)) {
    return;
  }
  frame.x[0] = kNotSupported;
}

}  // namespace socle::guest::smccc
