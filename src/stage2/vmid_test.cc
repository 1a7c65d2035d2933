// SPDX-License-Identifier: Apache-2.0
#include "stage2/vmid.h"

#include "base/test.h"

#if __STDC_HOSTED__
#include <vector>

#include "hw/vmsa.h"
#include "port/barrier.h"
#include "port/translation_entry.h"
#include "sim/mmu.h"
#endif

namespace socle::stage2 {
namespace {

constexpr CpuIndex kCpu0{0};
constexpr CpuIndex kCpu1{1};

TEST(Vmid, NobodyGetsVmidZero) {
  VmidAllocator vmids;
  vmids.init(8);
  VmidTag tag;
  EXPECT_EQ(tag.vmid(), 0u);
  EXPECT_NE(vmids.activate(tag, kCpu0), 0u);
  EXPECT_NE(tag.vmid(), 0u);
}

TEST(Vmid, StaysTheSameOnEveryCpuWithinAGeneration) {
  VmidAllocator vmids;
  vmids.init(8);
  VmidTag tag;
  VmidTag other;
  const std::uint16_t vmid = vmids.activate(tag, kCpu0);
  EXPECT_NE(vmids.activate(other, kCpu1), vmid);
  EXPECT_EQ(vmids.activate(tag, kCpu1), vmid);
  EXPECT_EQ(vmids.activate(tag, kCpu0), vmid);
}

TEST(Vmid, AGenerationLastsForAllVmids) {
  VmidAllocator vmids;
  vmids.init(8);
  std::uint64_t seen[4] = {};
  for (unsigned i = 0; i < 255; ++i) {
    VmidTag tag;
    const std::uint16_t vmid = vmids.activate(tag, kCpu0);
    EXPECT_EQ(seen[vmid / 64] >> (vmid % 64) & 1, 0u);
    seen[vmid / 64] |= std::uint64_t{1} << (vmid % 64);
  }
  EXPECT_EQ(vmids.generation(), 1u);
  VmidTag next;
  vmids.activate(next, kCpu0);
  EXPECT_EQ(vmids.generation(), 2u);
}

TEST(Vmid, SixteenBitsLastLonger) {
  VmidAllocator vmids;
  vmids.init(16);
  for (unsigned i = 0; i < 65535; ++i) {
    VmidTag tag;
    vmids.activate(tag, kCpu0);
  }
  EXPECT_EQ(vmids.generation(), 1u);
}

TEST(Vmid, WhatRunsAtTheRollOverKeepsItsVmid) {
  VmidAllocator vmids;
  vmids.init(8);
  VmidTag runs;
  const std::uint16_t vmid = vmids.activate(runs, kCpu1);
  for (unsigned i = 0; i < 1000; ++i) {
    VmidTag tag;
    EXPECT_NE(vmids.activate(tag, kCpu0), vmid);
  }
  EXPECT_GT(vmids.generation(), 3u);
  // On the CPU that never let go, and on another.
  EXPECT_EQ(vmids.activate(runs, kCpu0), vmid);
  EXPECT_EQ(vmids.activate(runs, kCpu1), vmid);
}

TEST(Vmid, WhatDoesNotRunAtTheRollOverGetsAnother) {
  VmidAllocator vmids;
  vmids.init(8);
  VmidTag sleeps;
  const std::uint16_t vmid = vmids.activate(sleeps, kCpu1);
  vmids.deactivate(kCpu1);
  bool is_reused = false;
  for (unsigned i = 0; i < 256; ++i) {
    VmidTag tag;
    is_reused = is_reused || vmids.activate(tag, kCpu0) == vmid;
  }
  EXPECT_TRUE(is_reused);
}

#if __STDC_HOSTED__

// Domains come, run on some CPUs and go, through many generations of 8-bit VMIDs. The model MMU
// reports a VMID that is loaded for one root while TLBs may hold translations of another under it.
TEST(Vmid, NeverTagsTwoAddressSpacesAtOnce) {
  constexpr std::size_t kDomains = 600;
  constexpr unsigned kCpus = 8;
  const MfnRange roots(Mfn(0x40000), Mfn(0x40000 + kDomains));
  sim::Memory memory{roots};
  sim::Mmu mmu(memory);
  VmidAllocator vmids;
  vmids.init(8);
  const hw::MemoryFeatures features = sim::memory_features();
  const std::uint64_t vtcr = hw::Vtcr::make(*hw::stage2_geometry(39, features), features);
  std::vector<VmidTag> tags(kDomains);
  std::uint64_t random = 1;
  for (unsigned i = 0; i < 20'000; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const CpuIndex cpu{static_cast<std::uint16_t>((random >> 33) % kCpus)};
    if ((random >> 40) % 16 == 0) {
      mmu.load_stage2(cpu, 0, 0);
      vmids.deactivate(cpu);
      continue;
    }
    // Some domains run all the time, most now and then.
    const std::size_t domain = (random >> 45) % ((random >> 44) % 2 == 0 ? kDomains : 10);
    const std::uint16_t vmid = vmids.activate(tags[domain], cpu);
    mmu.load_stage2(cpu, hw::Vttbr::make(Mfn(0x40000 + domain), vmid, features), vtcr);
  }
  EXPECT_GT(vmids.generation(), 10u);
}

#endif

}  // namespace
}  // namespace socle::stage2
