// SPDX-License-Identifier: Apache-2.0
#pragma once

// xen_version. Source: xen/version.h, xen/features.h.

#include <cstddef>
#include <cstdint>

#include "abi/xen_public.h"

namespace socle::abi {

using CompileInfo = ::xen_compile_info;
using FeatureInfo = ::xen_feature_info;
using PlatformParameters = ::xen_platform_parameters;
static_assert(sizeof(CompileInfo) == 144 && sizeof(FeatureInfo) == 8);
static_assert(sizeof(PlatformParameters) == 8);
inline constexpr std::size_t kExtraVersionBytes = XEN_EXTRAVERSION_LEN;
inline constexpr std::size_t kCapabilitiesBytes = XEN_CAPABILITIES_INFO_LEN;
inline constexpr std::size_t kChangesetBytes = XEN_CHANGESET_INFO_LEN;
inline constexpr std::size_t kCommandLineBytes = sizeof(::xen_commandline_t);
static_assert(kExtraVersionBytes == 16 && kCapabilitiesBytes == 1024 && kChangesetBytes == 64 &&
              kCommandLineBytes == 1024);

constexpr std::uint32_t feature(unsigned number) {
  return 1u << number;
}

}  // namespace socle::abi
