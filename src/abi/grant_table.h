// SPDX-License-Identifier: Apache-2.0
#pragma once

// Grant tables, version 1. Source: xen/grant_table.h.

#include <cstddef>
#include <cstdint>
#include <expected>

#include "abi/xen_public.h"

namespace socle::abi {

using GrantRef = ::grant_ref_t;
using GrantHandle = ::grant_handle_t;
using GrantEntry = ::grant_entry_v1;
static_assert(sizeof(GrantEntry) == 8 && offsetof(GrantEntry, domid) == 2 &&
              offsetof(GrantEntry, frame) == 4);
inline constexpr unsigned kGrantEntriesPerFrame = 4096 / sizeof(GrantEntry);

using GrantMap = ::gnttab_map_grant_ref;
using GrantUnmap = ::gnttab_unmap_grant_ref;
using GrantSetupTable = ::gnttab_setup_table;
using GrantQuerySize = ::gnttab_query_size;
using GrantCopy = ::gnttab_copy;
using GrantSetVersion = ::gnttab_set_version;
using GrantGetVersion = ::gnttab_get_version;
using GrantGetStatusFrames = ::gnttab_get_status_frames;
using GrantSwap = ::gnttab_swap_grant_ref;
using GrantCacheFlush = ::gnttab_cache_flush;
using GrantTransfer = ::gnttab_transfer;
static_assert(sizeof(GrantMap) == 32 && offsetof(GrantMap, status) == 18 &&
              offsetof(GrantMap, handle) == 20);
static_assert(sizeof(GrantUnmap) == 24 && offsetof(GrantUnmap, status) == 20);
static_assert(sizeof(GrantSetupTable) == 24 && offsetof(GrantSetupTable, frame_list) == 16);
static_assert(sizeof(GrantQuerySize) == 16 && offsetof(GrantQuerySize, status) == 12);
static_assert(sizeof(GrantCopy) == 40 && offsetof(GrantCopy, status) == 36);
static_assert(sizeof(GrantSetVersion) == 4 && sizeof(GrantGetVersion) == 8);
static_assert(sizeof(GrantCacheFlush) == 16 && offsetof(GrantCacheFlush, op) == 12);

// GNTST_*
enum class GrantStatus : std::int16_t {
  kOkay = GNTST_okay,
  kGeneralError = GNTST_general_error,
  kBadDomain = GNTST_bad_domain,
  kBadRef = GNTST_bad_gntref,
  kBadHandle = GNTST_bad_handle,
  kBadVirtAddr = GNTST_bad_virt_addr,
  kNoDeviceSpace = GNTST_no_device_space,
  kPermissionDenied = GNTST_permission_denied,
  kBadPage = GNTST_bad_page,
  kBadCopyArg = GNTST_bad_copy_arg,
  kTryAgain = GNTST_eagain,
  kNoSpace = GNTST_no_space,
};

constexpr std::unexpected<GrantStatus> refuse(GrantStatus status) {
  return std::unexpected<GrantStatus>(status);
}

}  // namespace socle::abi
