// SPDX-License-Identifier: Apache-2.0
#pragma once

// For tests of AddressSpace in both worlds: a machine, a pool, VMIDs, and one address space that
// CPU 0 has loaded. On the host model MMUs check every step; at EL2 the instructions are executed.

#include "base/test.h"
#include "hw/attributes_for_tests.h"
#include "mem/table_pool.h"
#include "mem/test_machine.h"
#include "stage2/address_space.h"

#if __STDC_HOSTED__
#include "sim/mmu.h"
#endif

namespace socle::stage2 {

class TestSpace {
 public:
  explicit TestSpace(unsigned ipa_bits = 40, bool forced_write_back = false) {
    pool_.set_quota(FrameCount(4096));
    const AddressSpace::Config config{.tables = TableSource(pool_),
                                      .vmids = &vmids_,
                                      .ipa_bits = ipa_bits,
                                      .forced_write_back = forced_write_back};
    is_ready_ = space.init(config).has_value();
    load();
  }
  ~TestSpace() {
    unload();
    while (!space.teardown(1000)) {
    }
  }
  TestSpace(const TestSpace&) = delete;
  TestSpace& operator=(const TestSpace&) = delete;

  AddressSpace space;

  [[nodiscard]] bool is_ready() const { return is_ready_; }
  [[nodiscard]] mem::TablePool& pool() { return pool_; }

#if __STDC_HOSTED__
  void load() {
    if (is_ready_) mmu_.load_stage2(CpuIndex{0}, space.activate(CpuIndex{0}).vttbr, space.vtcr());
  }
  void unload() { mmu_.load_stage2(CpuIndex{0}, 0, 0); }
  // Whether hardware translates as lookup() says, and nothing is stale or in flight.
  [[nodiscard]] bool is_settled() {
    mmu_.expect_settled();
    return true;
  }
  [[nodiscard]] sim::Mmu& mmu() { return mmu_; }
#else
  void load() {
    if (is_ready_) (void)space.activate(CpuIndex{0});
  }
  void unload() {}
  [[nodiscard]] bool is_settled() { return true; }
#endif

 private:
  mem::TestMachine machine_;
#if __STDC_HOSTED__
  sim::Mmu mmu_{machine_.memory()};
#endif
  mem::TablePool pool_;
  VmidAllocator vmids_;
  bool is_ready_ = false;
};

constexpr GfnRange frames(std::uint64_t first, std::uint64_t count) {
  return GfnRange(Gfn(first), Gfn(first + count));
}

}  // namespace socle::stage2
