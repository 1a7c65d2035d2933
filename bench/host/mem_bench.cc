// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <benchmark/benchmark.h>
#include <vector>

#include "mem/frame_table.h"
#include "mem/table_pool.h"
#include "mem/test_machine.h"

namespace socle::mem {
namespace {

constexpr DomainId kDomain{1};
constexpr FrameCount kTebibyte{0x10000000};

void heap_frame(benchmark::State& state) {
  const TestMachine machine;
  for (auto _ : state) {
    const Mfn frame = allocate(kOrder4K).value();
    free(frame, kOrder4K);
  }
}
BENCHMARK(heap_frame);

// The same when the heap is a swiss cheese: every second frame of 64 MiB is in use.
void heap_frame_fragmented(benchmark::State& state) {
  const TestMachine machine;
  std::vector<Mfn> frames(0x4000);
  std::ranges::generate(frames, [] { return allocate(kOrder4K).value(); });
  for (std::size_t i = 0; i < frames.size(); i += 2)
    free(frames[i], kOrder4K);
  for (auto _ : state) {
    const Mfn frame = allocate(Order(1)).value();
    free(frame, Order(1));
  }
}
BENCHMARK(heap_frame_fragmented);

void pool_frame(benchmark::State& state) {
  const TestMachine machine;
  TablePool pool;
  pool.set_quota(FrameCount(64));
  pool.reserve(FrameCount(16)).value();
  for (auto _ : state)
    pool.give(pool.take().value());
}
BENCHMARK(pool_frame);

void domain_frame(benchmark::State& state) {
  const TestMachine machine;
  for (auto _ : state) {
    const Mfn frame = allocate_for(kDomain, kOrder4K, Contents::kScrubbed).value();
    release(MfnRange(frame, frame + FrameCount(1)), kDomain).value();
  }
}
BENCHMARK(domain_frame);

void reference(benchmark::State& state) {
  const TestMachine machine;
  const Mfn frame = allocate_for(kDomain, kOrder4K, Contents::kScrubbed).value();
  for (auto _ : state) {
    get_ref(frame, kDomain).value();
    put_ref(frame);
  }
}
BENCHMARK(reference);

void owner_in_a_gibibyte_run(benchmark::State& state) {
  const TestMachine machine(kTebibyte);
  for (auto _ : state)
    benchmark::DoNotOptimize(owner_of(Mfn(0x8000000 + 0x12345)));
}
BENCHMARK(owner_in_a_gibibyte_run);

void init_a_tebibyte(benchmark::State& state) {
  const TestMachine machine(kTebibyte);
  const MfnRange ram(TestMachine::kRamBase, TestMachine::kRamBase + kTebibyte);
  MemoryLayout layout{
      .ram = {&ram, 1}, .reserved = {}, .boot_modules = {}, .image = {}, .bootstrap = {}};
  layout.bootstrap = machine.bootstrap();
  for (auto _ : state)
    init(layout).value();
}
BENCHMARK(init_a_tebibyte);

void claim_a_tebibyte(benchmark::State& state) {
  const TestMachine machine(kTebibyte);
  const Mfn begin = TestMachine::kRamBase + kOrder1G.count();
  const MfnRange most(begin, begin + kTebibyte - kOrder1G.count());
  for (auto _ : state) {
    assign(most, kDomain, Contents::kAsFound).value();
    state.PauseTiming();
    release(most, kDomain).value();
    // Clean again, or the next claim would have to scrub.
    const MfnRange ram(TestMachine::kRamBase, TestMachine::kRamBase + kTebibyte);
    init({.ram = {&ram, 1},
          .reserved = {},
          .boot_modules = {},
          .image = {},
          .bootstrap = machine.bootstrap()})
        .value();
    state.ResumeTiming();
  }
}
BENCHMARK(claim_a_tebibyte);

}  // namespace
}  // namespace socle::mem
