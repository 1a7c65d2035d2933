// SPDX-License-Identifier: Apache-2.0

// xen_version: what this hypervisor says it is. The numbers name the ABI that is provided
// (Xen 4.17); the texts tell whose implementation it is.

#include <algorithm>
#include <array>
#include <cstring>

#include "abi/version.h"
#include "guest/domain.h"
#include "guest/vcpu.h"
#include "hypercall/call.h"
#include "hypercall/hypercall.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using abi::feature;
using guest::Domain;
using guest::GuestVa;

constexpr std::int64_t kVersion = (4 << 16) | 17;
constexpr std::string_view kExtraVersion = ".7-socle";
constexpr std::string_view kCapabilities = "xen-3.0-aarch64 ";
constexpr std::uint64_t kVirtStart = 0x200000;

constinit std::string_view command_line{};
constinit std::span<const std::byte> build_id{};

// A text in a field of fixed size, filled up with zeroes and always terminated.
template <std::size_t N>
constexpr std::array<char, N> padded(std::string_view text) {
  std::array<char, N> field{};
  std::copy_n(text.begin(), std::min(text.size(), N - 1), field.begin());
  return field;
}

template <typename T>
std::int64_t answer(Vcpu& caller, std::uint64_t address, const T& value) {
  return result_of(guest::write_guest(caller, GuestVa{address}, value));
}

std::int64_t compile_info(Vcpu& caller, std::uint64_t address) {
  abi::CompileInfo info{};
  const auto compiler = padded<sizeof info.compiler>(__VERSION__);
  const auto by = padded<sizeof info.compile_by>("socle");
  std::copy(compiler.begin(), compiler.end(), info.compiler);
  std::copy(by.begin(), by.end(), info.compile_by);
  return answer(caller, address, info);
}

constexpr std::uint32_t features_of(bool is_hardware_domain, bool is_direct_mapped) {
  std::uint32_t features =
      feature(XENFEAT_writable_page_tables) | feature(XENFEAT_auto_translated_physmap) |
      feature(XENFEAT_memory_op_vnode_supported) | feature(XENFEAT_ARM_SMCCC_supported);
  if (is_hardware_domain) features |= feature(XENFEAT_dom0);
  return features | feature(is_direct_mapped ? XENFEAT_direct_mapped : XENFEAT_not_direct_mapped);
}
static_assert(features_of(true, true) == 0x00026805);
static_assert(features_of(false, false) == 0x00016005);

std::int64_t get_features(Vcpu& caller, std::uint64_t address) {
  return in_out<abi::FeatureInfo>(caller, address, [&](abi::FeatureInfo& info) -> abi::Status<> {
    if (info.submap_idx != 0) return abi::refuse(Errno::kEINVAL);
    const Domain::Properties& domain = caller.domain.properties;
    info.submap = features_of(domain.is_hardware_domain, domain.is_direct_mapped);
    return {};
  });
}

std::int64_t guest_handle(Vcpu& caller, std::uint64_t address) {
  return result_of(guest::copy_to_guest(caller, GuestVa{address}, caller.domain.handle,
                                        sizeof caller.domain.handle));
}

std::int64_t get_command_line(Vcpu& caller, std::uint64_t address) {
  const bool may_see = caller.domain.properties.is_privileged;
  return answer(caller, address,
                padded<abi::kCommandLineBytes>(may_see ? command_line : "<denied>"));
}

// A null pointer asks for the length.
std::int64_t get_build_id(Vcpu& caller, std::uint64_t address) {
  if (!caller.domain.properties.is_privileged) return refused(Errno::kEPERM);
  if (build_id.empty()) return refused(Errno::kENODATA);
  const auto length = static_cast<std::int64_t>(build_id.size());
  if (address == 0) return length;
  const auto room = guest::read_guest<std::uint32_t>(caller, GuestVa{address});
  if (!room.has_value()) return refused(room.error());
  if (*room == 0) return refused(Errno::kEINVAL);
  if (*room < build_id.size()) return refused(Errno::kENOBUFS);
  const auto copied = guest::copy_to_guest(caller, GuestVa{address} + offsetof(::xen_build_id, buf),
                                           build_id.data(), build_id.size());
  return copied.has_value() ? length : refused(copied.error());
}

}  // namespace

void set_command_line(std::string_view line) {
  command_line = line;
}

void set_build_id(std::span<const std::byte> id) {
  build_id = id;
}

namespace {

// Apart from xen_version(), whose short way would otherwise pay for the buffers.
[[gnu::noinline]] std::int64_t serve(Vcpu& caller, std::uint64_t address, std::uint32_t operation) {
  switch (operation) {
    case XENVER_extraversion:
      return answer(caller, address, padded<abi::kExtraVersionBytes>(kExtraVersion));
    case XENVER_compile_info:
      return compile_info(caller, address);
    case XENVER_capabilities:
      return answer(caller, address, padded<abi::kCapabilitiesBytes>(kCapabilities));
    case XENVER_changeset:
      return answer(caller, address, padded<abi::kChangesetBytes>(""));
    case XENVER_platform_parameters:
      return answer(caller, address, abi::PlatformParameters{.virt_start = kVirtStart});
    case XENVER_get_features:
      return get_features(caller, address);
    case XENVER_pagesize:
      return address == 0 ? static_cast<std::int64_t>(kFrameSize) : refused(Errno::kEINVAL);
    case XENVER_guest_handle:
      return guest_handle(caller, address);
    case XENVER_commandline:
      return get_command_line(caller, address);
    case XENVER_build_id:
      return get_build_id(caller, address);
    default:
      return unimplemented(__HYPERVISOR_xen_version, operation);
  }
}

}  // namespace

std::int64_t xen_version(Vcpu& caller, Arguments args) {
  // The hypercall that guests make to be interrupted (Linux: xen_force_evtchn_callback()).
  const auto operation = static_cast<std::uint32_t>(args[0]);
  if (operation == XENVER_version) return kVersion;
  return serve(caller, args[1], operation);
}

}  // namespace socle::hypercall
