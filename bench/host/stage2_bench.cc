// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "hw/attributes_for_tests.h"
#include "mem/table_pool.h"
#include "mem/test_machine.h"
#include "stage2/address_space.h"

namespace socle::stage2 {
namespace {

constexpr std::uint64_t kBlock = kOrder2M.count().value();
constexpr std::uint64_t kGib = kOrder1G.count().value();

constexpr GfnRange frames(std::uint64_t first, std::uint64_t count) {
  return GfnRange(Gfn(first), Gfn(first + count));
}

// An address space that no CPU has loaded: the cost is that of the tables, without TLBs.
class Space {
 public:
  Space() {
    pool_.set_quota(FrameCount(4096));
    pool_.reserve(FrameCount(16)).value();
    space.init({.tables = TableSource(pool_), .vmids = &vmids_, .ipa_bits = 40}).value();
  }
  ~Space() {
    while (!space.teardown(1000)) {
    }
  }
  AddressSpace space;

 private:
  mem::TestMachine machine_;
  mem::TablePool pool_;
  VmidAllocator vmids_;
};

void page_in_an_existing_table(benchmark::State& state) {
  Space test;
  test.space.map(frames(3, 1), Mfn(0x80003), kTestRam).value();
  for (auto _ : state) {
    test.space.map(frames(100, 1), Mfn(0x80001), kTestRam).value();
    test.space.unmap(frames(100, 1)).value();
  }
}
BENCHMARK(page_in_an_existing_table);

void page_that_needs_tables(benchmark::State& state) {
  Space test;
  for (auto _ : state) {
    test.space.map(frames(100, 1), Mfn(0x80001), kTestRam).value();
    test.space.unmap(frames(100, 1)).value();
  }
}
BENCHMARK(page_that_needs_tables);

void hole_in_a_block(benchmark::State& state) {
  Space test;
  test.space.map(frames(0, kBlock), Mfn(0x80000), kTestRam).value();
  for (auto _ : state) {
    test.space.unmap(frames(100, 1)).value();
    test.space.map(frames(100, 1), Mfn(0x80000 + 100), kTestRam).value();
  }
}
BENCHMARK(hole_in_a_block);

void lookup(benchmark::State& state) {
  Space test;
  test.space.map(frames(0, kGib + 1), Mfn(kGib), kTestRam).value();
  const Gfn gfn(kGib - 1 + static_cast<std::uint64_t>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(test.space.lookup(gfn));
}
BENCHMARK(lookup)->ArgName("page")->Arg(0)->Arg(1);

void map_a_tebibyte(benchmark::State& state) {
  Space test;
  for (auto _ : state) {
    test.space.map(frames(0, 1024 * kGib), Mfn(0), kTestRam).value();
    test.space.unmap(frames(0, 1024 * kGib)).value();
  }
}
BENCHMARK(map_a_tebibyte);

}  // namespace
}  // namespace socle::stage2
