// SPDX-License-Identifier: Apache-2.0

// The part of the ABI probe that maps devices: XENMAPSPACE_dev_mmio and XEN_DOMCTL_memory_mapping.
// The devices are those of QEMU's virt, where the machine's tree says that they are.

#include "abi_probe.h"
#include "guest.h"

namespace probe {

namespace {

alignas(4096) constinit std::uint8_t ram[4096] = {};
alignas(4096) constinit std::uint8_t other_ram[4096] = {};

// Where no machine of ours has anything, and frames that no address space has.
constexpr std::uint64_t kFree = 0x200'0000;
constexpr std::uint64_t kBeyond = 0xffff'ffff'ff;

constexpr std::uint64_t kAdd = 7;
constexpr std::uint64_t kRemove = 15;
constexpr std::uint64_t kAddBatch = 23;

std::int64_t map(std::uint16_t domid, std::uint64_t index, std::uint64_t frame) {
  const struct {
    std::uint16_t domid, size;
    std::uint32_t space;
    std::uint64_t index, frame;
  } request = {domid, 0, 5, index, frame};
  return guest::hypercall(12, kAdd, address_of(&request));
}
std::int64_t unmap(std::uint64_t frame) {
  const struct {
    std::uint16_t domid, padding[3];
    std::uint64_t frame;
  } request = {kSelf, {}, frame};
  return guest::hypercall(12, kRemove, address_of(&request));
}

constexpr unsigned kEntries = 3;
struct Lists {
  std::uint64_t indices[kEntries];
  std::uint64_t frames[kEntries];
  std::int32_t errors[kEntries];
};
std::int64_t map_batch(std::uint16_t domid, std::uint16_t extra, std::uint16_t size,
                       std::uint64_t indices, std::uint64_t frames, std::uint64_t errors) {
  const struct {
    std::uint16_t domid, space, size, extra;
    std::uint64_t indices, frames, errors;
  } request = {domid, 5, size, extra, indices, frames, errors};
  return guest::hypercall(12, kAddBatch, address_of(&request));
}
std::int64_t map_batch(Lists& lists, std::uint16_t extra = 0) {
  for (std::int32_t& error : lists.errors)
    error = 0x5a5a;
  return map_batch(kSelf, extra, kEntries, address_of(lists.indices), address_of(lists.frames),
                   address_of(lists.errors));
}

struct Mapping {
  std::uint64_t gfn, mfn, count = 1;
  std::uint32_t add = 1, padding = 0;
};
std::int64_t domctl(const Mapping& mapping, std::uint16_t domid = 0) {
  constinit static struct {
    std::uint32_t command, version;
    std::uint16_t domid, unused[3];
    Mapping mapping;
    std::uint64_t rest[12];
  } request = {};
  request = {39, 0x15, domid, {}, mapping, {}};
  return guest::hypercall(36, address_of(&request));
}
std::int64_t undo(std::uint64_t gfn, std::uint64_t mfn) {
  return domctl({.gfn = gfn, .mfn = mfn, .add = 0});
}

// The first number by which a PL031 says what it is (0x31), or -1: nothing can be read there.
std::int64_t seen_at(std::uint64_t frame) {
  std::uint32_t value = 0;
  const guest::Fault fault =
      guest::fault_of([&] { value = guest::read32((frame << 12) + 0xfe0) & 0xff; });
  return fault.taken ? -1 : static_cast<std::int64_t>(value);
}

struct Devices {
  std::uint64_t rtc;
  std::uint64_t gic;   // the distributor: right behind a device's last page
  std::uint64_t kept;  // a redistributor: no device's neighbour
  std::uint64_t many;  // 64 frames of a device and more
};

void single(const Devices& at) {
  show("dev_mmio in place", 0, map(kSelf, at.rtc, at.rtc));
  show("dev_mmio in place seen", 0, seen_at(at.rtc));
  show("dev_mmio by number", 0, map(0, at.rtc, at.rtc));
  show("dev_mmio of nobody", 0, map(kNobody, at.rtc, at.rtc));
  show("dev_mmio elsewhere", 0, map(kSelf, at.rtc, kFree));
  show("dev_mmio elsewhere seen", 0, seen_at(kFree));
  show("dev_mmio elsewhere again", 0, map(kSelf, at.rtc, kFree));
  show("dev_mmio remove", 0, unmap(kFree));
  show("dev_mmio remove seen", 0, seen_at(kFree));
  show("dev_mmio remove in place", 0, unmap(at.rtc));
  show("dev_mmio kept", 0, map(kSelf, at.kept, kFree + 1));
  show("dev_mmio kept seen", 0, seen_at(kFree + 1));
  show("dev_mmio own RAM", 0, map(kSelf, frame_of(ram), kFree + 1));
  show("dev_mmio own RAM seen", 0, seen_at(kFree + 1));
  show("dev_mmio nothing", 0, map(kSelf, kFree, kFree + 1));
  show("dev_mmio beyond", 0, map(kSelf, kBeyond, kFree + 1));
  show("dev_mmio huge", 0, map(kSelf, ~std::uint64_t{0}, kFree + 1));
  show("dev_mmio at frame beyond", 0, map(kSelf, at.rtc, kBeyond));
  show("dev_mmio kept at frame beyond", 0, map(kSelf, at.kept, kBeyond));
  show("dev_mmio over RAM", 0, map(kSelf, at.rtc, frame_of(ram)));
  show("dev_mmio over RAM seen", 0, seen_at(frame_of(ram)));
  show("dev_mmio over RAM remove", 0, unmap(frame_of(ram)));
}

void batches(const Devices& at) {
  Lists lists = {{at.rtc, at.rtc, at.rtc}, {kFree + 2, kFree + 3, kFree + 4}, {}};
  show("dev_mmio batch", 0, map_batch(lists));
  for (unsigned i = 0; i < kEntries; ++i) {
    show("dev_mmio batch error", i, lists.errors[i]);
    show("dev_mmio batch seen", i, seen_at(kFree + 2 + i));
  }
  lists = {{at.rtc, at.kept, at.rtc}, {kFree + 5, kFree + 6, kBeyond}, {}};
  show("dev_mmio mixed batch", 0, map_batch(lists));
  for (unsigned i = 0; i < kEntries; ++i) {
    show("dev_mmio mixed batch error", i, lists.errors[i]);
    if (i < 2) show("dev_mmio mixed batch seen", i, seen_at(kFree + 5 + i));
  }
  lists = {{at.rtc, at.rtc, at.rtc}, {kFree + 7, kFree + 8, kFree + 9}, {}};
  for (const std::uint16_t extra : {1, 2, 3, 4, 5, 6, 0x100, 0x7ff0, 0x8000, 0xffff}) {
    show("dev_mmio batch with", extra, map_batch(lists, extra));
    show("dev_mmio batch with, error", extra, lists.errors[0]);
  }
  const auto parts = [&](std::uint16_t domid, std::uint16_t size, std::uint64_t indices,
                         std::uint64_t frames, std::uint64_t errors) {
    return map_batch(domid, 0, size, indices, frames, errors);
  };
  const std::uint64_t indices = address_of(lists.indices);
  const std::uint64_t frames = address_of(lists.frames);
  const std::uint64_t errors = address_of(lists.errors);
  show("dev_mmio batch of nobody", 0, parts(kNobody, 1, indices, frames, errors));
  show("dev_mmio batch of none", 0, parts(kSelf, 0, indices, frames, errors));
  show("dev_mmio batch of none bad", 0, parts(kSelf, 0, kBadAddress, kBadAddress, kBadAddress));
  show("dev_mmio batch bad indices", 0, parts(kSelf, 1, kBadAddress, frames, errors));
  show("dev_mmio batch bad frames", 0, parts(kSelf, 1, indices, kBadAddress, errors));
  show("dev_mmio batch bad errors", 0, parts(kSelf, 1, indices, frames, kBadAddress));
}

void by_domctl(const Devices& at) {
  constexpr std::uint64_t kHere = kFree + 0x1000;
  show("memory_mapping", 0, domctl({kHere, at.rtc}));
  show("memory_mapping seen", 0, seen_at(kHere));
  show("memory_mapping again", 0, domctl({kHere, at.rtc}));
  show("memory_mapping physmap remove", 0, unmap(kHere));
  show("memory_mapping remove", 0, undo(kHere, at.rtc));
  show("memory_mapping remove seen", 0, seen_at(kHere));
  show("memory_mapping remove again", 0, undo(kHere, at.rtc));
  show("memory_mapping remove what dev_mmio made", 0, undo(kFree, at.rtc));
  show("memory_mapping remove what dev_mmio made, seen", 0, seen_at(kFree));
  for (const std::uint16_t domid : {std::uint64_t{1}, kNobody, kSelf, std::uint64_t{0x7ff4}})
    show("memory_mapping of domain", domid, domctl({kHere, at.rtc}, domid));
  for (const std::uint64_t count : {0, 1, 63, 64, 65, 1000})
    show("memory_mapping frames", count, domctl({kHere, at.many, count}));
  for (const std::uint64_t count : {0, 1, 63, 64, 65})
    show("memory_mapping remove frames", count, domctl({kHere, at.many, count, 0}));
  show("memory_mapping frames of all", 0, domctl({kHere, at.many, ~std::uint64_t{0}}));
  show("memory_mapping frames to the end", 0, domctl({kHere, ~std::uint64_t{0} - 1, 2}));
  show("memory_mapping frames around", 0, domctl({kHere, ~std::uint64_t{0}, 2}));
  show("memory_mapping at frames around", 0, domctl({~std::uint64_t{0}, at.rtc, 2}));
  show("memory_mapping beyond", 0, domctl({kHere, kBeyond}));
  show("memory_mapping at frame beyond", 0, domctl({kBeyond, at.rtc}));
  show("memory_mapping remove at frame beyond", 0, undo(kBeyond, at.rtc));
  show("memory_mapping kept", 0, domctl({kHere, at.kept}));
  show("memory_mapping remove kept", 0, undo(kHere, at.kept));
  show("memory_mapping half kept", 0, domctl({kHere, at.kept - 1, 2}));
  // Xen permits one frame too many behind each device.
  show("memory_mapping behind a device", 0, domctl({kHere, at.gic}));
  show("memory_mapping remove behind a device", 0, undo(kHere, at.gic));
  show("memory_mapping device and behind", 0, domctl({kHere, at.rtc, 2}));
  show("memory_mapping device and behind, seen", 0, seen_at(kHere));
  show("memory_mapping device and farther", 0, domctl({kHere, at.rtc, 3}));
  show("memory_mapping before a device", 0, domctl({kHere, at.rtc - 1, 2}));
  undo(kHere, at.rtc);
  show("memory_mapping own RAM", 0, domctl({kHere, frame_of(ram)}));
  show("memory_mapping nothing", 0, domctl({kHere, kFree}));
  for (const std::uint32_t add : {2u, 255u, 0xffff'ffffu}) {
    show("memory_mapping add", add, domctl({kHere, at.rtc, 1, add}));
    show("memory_mapping add seen", add, seen_at(kHere));
    undo(kHere, at.rtc);
  }
  for (const std::uint32_t padding : {1u, 2u, 3u, 4u, 5u, 6u, 0x100u, 0x1'0000u, 0xffff'ffffu,
                                      0x534f'4300u, 0x534f'4301u, 0x534f'4304u, 0x534f'4305u}) {
    show("memory_mapping padding", padding, domctl({kHere, at.rtc, 1, 1, padding}));
    show("memory_mapping remove padding", padding, domctl({kHere, at.rtc, 1, 0, padding}));
  }
}

void over_ram(const Devices& at) {
  const std::uint64_t frame = frame_of(other_ram);
  show("memory_mapping remove RAM", 0, undo(frame, at.rtc));
  guest::write32(address_of(other_ram) + 0xfe0, 0x77);
  show("memory_mapping remove RAM seen", 0, seen_at(frame));
  show("memory_mapping over RAM", 0, domctl({frame, at.rtc}));
  show("memory_mapping over RAM seen", 0, seen_at(frame));
  show("memory_mapping over RAM remove", 0, undo(frame, at.rtc));
  show("memory_mapping over RAM remove seen", 0, seen_at(frame));
  // In place, where the device was from the beginning, and back.
  show("memory_mapping in place", 0, domctl({at.rtc, at.rtc}));
  show("memory_mapping remove in place", 0, undo(at.rtc, at.rtc));
  show("memory_mapping remove in place seen", 0, seen_at(at.rtc));
  show("dev_mmio in place after remove", 0, map(kSelf, at.rtc, at.rtc));
  show("dev_mmio in place after remove seen", 0, seen_at(at.rtc));
}

}  // namespace

void devices(const guest::Tree& tree) {
  const auto frame = [&](std::string_view compatible) {
    const auto device = tree.find(compatible);
    if (!device.found) guest::fail(compatible);
    return device.reg[0] >> 12;
  };
  const Devices at{frame("arm,pl031"), frame("arm,gic-v3"), tree.find("arm,gic-v3").reg[2] >> 12,
                   frame("pci-host-ecam-generic")};
  single(at);
  batches(at);
  by_domctl(at);
  over_ram(at);
}

}  // namespace probe
