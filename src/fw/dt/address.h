// SPDX-License-Identifier: Apache-2.0
#pragma once

// Addresses in a device tree: `reg`, `ranges`, `dma-ranges`, translated through every parent to
// what a CPU puts on its bus. PCI host bridges (three address cells with a space code) included.
//
// Errors: kNotFound = no such property; kUnsupported = a parent gives no way to the CPU's addresses
// (no `ranges`: a device on I2C, a PCI configuration address); kCorrupt, kOutOfRange = malformed or
// beyond 64 bits, with a line that names node and property; kTooLarge = budget used up.
//
// Source: Devicetree Specification v0.4, 2.3.5 to 2.3.9; IEEE 1275 PCI binding 2.1, 2.2.1.

#include "fw/dt/tree.h"

namespace socle::fw::dt {

// One entry of a bus node's `ranges`, with the CPU's addresses.
struct BusWindow {
  PaRange cpu;
  std::uint64_t bus_address = 0;
  std::uint32_t pci_flags = 0;  // first cell of a PCI address; 0 on other buses
  [[nodiscard]] bool is_pci_io() const { return ((pci_flags >> 24) & 3) == 1; }
  [[nodiscard]] bool is_pci_prefetchable() const { return (pci_flags & 0x4000'0000) != 0; }
};

// One piece of what a device's DMA reaches: bus addresses [device, device + size) are
// [cpu, cpu + size).
struct DmaWindow {
  std::uint64_t device_address = 0;
  PaRange cpu;
};

// Entries of `reg`. kNotFound without `reg`; kCorrupt if its size is not a multiple of an entry.
Result<std::size_t> reg_count(const Node& node);
// Entry `index` (< reg_count) as CPU addresses. Sizes of 0 are given as such (empty range).
Result<PaRange> reg(const Node& node, std::size_t index);
// Entry `index` as it stands in the node's parent's address space: for CPUs, PCI functions.
struct RawReg {
  std::uint64_t address;
  std::uint64_t size;
};
Result<RawReg> raw_reg(const Node& node, std::size_t index);

// `ranges` of a bus node: number of entries (0 for an empty property: identity), and one of them.
Result<std::size_t> window_count(const Node& bus);
Result<BusWindow> window(const Node& bus, std::size_t index);

// What the DMA of `node` reaches: its parents' `dma-ranges`, intersected from the device outwards.
// An empty list means: no restriction is stated (identity). PCI host bridges: pass the bridge's
// child bus by asking for a PCI device node, or use dma_windows_below(bridge).
Result<std::span<const DmaWindow>> dma_windows(const Node& node, Arena& arena);
Result<std::span<const DmaWindow>> dma_windows_below(const Node& bus, Arena& arena);

}  // namespace socle::fw::dt
