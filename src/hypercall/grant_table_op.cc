// SPDX-License-Identifier: Apache-2.0

#include "hypercall/grant_table_op.h"

#include <array>
#include <cstddef>
#include <span>

#include "guest/domain.h"
#include "guest/grant_table.h"
#include "guest/preemption.h"
#include "guest/vcpu.h"
#include "mem/memory.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using abi::GrantStatus;
using abi::refuse;
using abi::Status;
using guest::Domain;
using guest::GuestVa;

// Serves an array of requests, up to kMost of them at a time, and writes them back with their
// status. Between two times it may stop: the arguments then name the rest. A bad address ends the
// call; what was read before it is served and, as far as possible, answered.
template <typename T, std::size_t kMost, typename Serve>
std::int64_t for_each_slice(Vcpu& caller, Arguments args, Serve serve) {
  GuestVa address{args[1]};
  auto left = static_cast<std::uint32_t>(args[2]);
  for (bool is_first = true; left > 0; is_first = false) {
    if (!is_first && guest::should_yield(caller)) {
      args[1] = address.value;
      args[2] = left;
      return kContinue;
    }
    std::array<T, kMost> slice;
    std::uint32_t count = 0;
    Result<> status;
    while (count < left && count < kMost) {
      status =
          guest::copy_from_guest(caller, &slice[count], address + count * sizeof(T), sizeof(T));
      if (!status) break;
      ++count;
    }
    serve(caller, std::span(slice).first(count));
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto written = guest::write_guest(caller, address + i * sizeof(T), slice[i]);
      if (!written) status = written;
    }
    if (!status) return refused(status.error());
    address = address + count * sizeof(T);
    left -= count;
  }
  return 0;
}

template <typename T, typename Serve>
std::int64_t for_each_request(Vcpu& caller, Arguments args, Serve serve) {
  return for_each_slice<T, 1>(caller, args, [serve](Vcpu& who, std::span<T> requests) {
    for (T& request : requests)
      serve(who, request);
  });
}

// Operations that exist for one request only.
template <typename T, typename Serve>
std::int64_t exactly_one(Vcpu& caller, Arguments args, Serve serve) {
  if (static_cast<std::uint32_t>(args[2]) != 1) return refused(Errno::kEINVAL);
  return in_out<T>(caller, args[1], [&](T& request) -> Status<> {
    request.status = status_word(serve(request));
    return {};
  });
}

GrantStatus query_size(Vcpu& caller, abi::GrantQuerySize& request) {
  Domain* domain = find_domain(caller, request.dom);
  if (domain == nullptr) return GrantStatus::kBadDomain;
  const auto size = domain->grant_table.size();
  request.nr_frames = size.frames;
  request.max_nr_frames = size.max_frames;
  return GrantStatus::kOkay;
}

// Tells where the frames are; a translated guest has put them there itself.
GrantStatus setup_table(Vcpu& caller, const abi::GrantSetupTable& request) {
  if (request.nr_frames > guest::kMaxGrantFrames) return GrantStatus::kGeneralError;
  Domain* domain = find_domain(caller, request.dom);
  if (domain == nullptr) return GrantStatus::kBadDomain;
  if (!domain->grant_table.grow(request.nr_frames)) return GrantStatus::kGeneralError;
  for (std::uint32_t i = 0; i < request.nr_frames; ++i) {
    const std::uint64_t where = domain->grant_table.mapped_at(i).value();
    const GuestVa slot = GuestVa{request.frame_list.q} + i * sizeof where;
    if (!guest::write_guest(caller, slot, where)) return GrantStatus::kBadVirtAddr;
  }
  return GrantStatus::kOkay;
}

// Version 1 is what there is; 2 exists on other architectures.
Status<> set_version(abi::GrantSetVersion& request) {
  if (request.version == 2) return refuse(Errno::kENOSYS);
  if (request.version != 1) return refuse(Errno::kEINVAL);
  return {};
}

Status<> get_version(Vcpu& caller, abi::GrantGetVersion& request) {
  if (find_domain(caller, request.dom) == nullptr) return refuse(Errno::kESRCH);
  request.version = 1;
  return {};
}

void swap(Vcpu& caller, abi::GrantSwap& request) {
  const auto swapped = caller.domain.grant_table.swap(request.ref_a, request.ref_b);
  request.status = status_word(swapped.has_value() ? GrantStatus::kOkay : swapped.error());
}

// --- Cache maintenance for devices that do not see the caches -----------------------------------

Status<> flush(Vcpu& caller, const abi::GrantCacheFlush& request) {
  constexpr std::uint32_t kKnown = GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL;
  const bool is_inside = request.offset < kFrameSize && request.length <= kFrameSize &&
                         request.offset + request.length <= kFrameSize;
  if (!is_inside) return refuse(Errno::kEINVAL);
  if (request.length == 0 || request.op == 0) return {};
  // By grant reference it would be a frame of another domain; this names machine addresses.
  if ((request.op & ~kKnown) != 0) return refuse(Errno::kEINVAL);
  const Mfn frame = Pa(request.a.dev_bus_addr).frame();
  if (!mem::get_ref(frame, caller.domain.id)) return refuse(Errno::kEINVAL);
  // A line that is not dirty is dropped, one that is dirty is not lost.
  guest::clean_frame(frame, request.offset, request.length, (request.op & GNTTAB_CACHE_INVAL) != 0);
  mem::put_ref(frame);
  return {};
}

std::int64_t cache_flush(Vcpu& caller, Arguments args) {
  GuestVa address{args[1]};
  auto left = static_cast<std::uint32_t>(args[2]);
  for (bool is_first = true; left > 0; --left) {
    if (!is_first && guest::should_yield(caller)) {
      args[1] = address.value;
      args[2] = left;
      return kContinue;
    }
    is_first = false;
    const auto request = guest::read_guest<abi::GrantCacheFlush>(caller, address);
    if (!request.has_value()) return refused(request.error());
    const Status<> flushed = flush(caller, *request);
    if (!flushed.has_value()) return refused(flushed.error());
    address = address + sizeof(abi::GrantCacheFlush);
  }
  return 0;
}

}  // namespace

std::int64_t grant_table_op(Vcpu& caller, Arguments args) {
  if (static_cast<std::int32_t>(args[2]) < 0) return refused(Errno::kEINVAL);
  switch (static_cast<std::uint32_t>(args[0])) {
    case GNTTABOP_map_grant_ref:
      return for_each_slice<abi::GrantMap, kSlice>(caller, args, map_grants);
    case GNTTABOP_unmap_grant_ref:
      return for_each_slice<abi::GrantUnmap, kSlice>(caller, args, unmap_grants);
    case GNTTABOP_unmap_and_replace:
      return for_each_request<::gnttab_unmap_and_replace>(caller, args, unmap_and_replace);
    case GNTTABOP_setup_table:
      return exactly_one<abi::GrantSetupTable>(
          caller, args, [&](auto& request) { return setup_table(caller, request); });
    case GNTTABOP_query_size:
      return exactly_one<abi::GrantQuerySize>(
          caller, args, [&](auto& request) { return query_size(caller, request); });
    case GNTTABOP_copy:
      return for_each_request<abi::GrantCopy>(caller, args, copy_grant);
    case GNTTABOP_transfer:
      return refused(Errno::kEOPNOTSUPP);
    case GNTTABOP_set_version:
      return in_out<abi::GrantSetVersion>(caller, args[1],
                                          [](auto& request) { return set_version(request); });
    case GNTTABOP_get_version:
      return in_out<abi::GrantGetVersion>(
          caller, args[1], [&](auto& request) { return get_version(caller, request); });
    case GNTTABOP_get_status_frames:
      // Frames of version 2.
      return exactly_one<abi::GrantGetStatusFrames>(
          caller, args, [](auto&) { return GrantStatus::kGeneralError; });
    case GNTTABOP_swap_grant_ref:
      return for_each_request<abi::GrantSwap>(caller, args, swap);
    case GNTTABOP_cache_flush:
      return cache_flush(caller, args);
    default:
      return unimplemented(__HYPERVISOR_grant_table_op, args[0]);
  }
}

}  // namespace socle::hypercall
