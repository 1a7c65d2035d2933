// SPDX-License-Identifier: Apache-2.0

// libFuzzer target: any bytes as a device tree, all the way to the domain's tree. Nothing may
// crash, stall, read outside the blob (it lies in memory of exactly its size) or break an invariant
// of the plan; a refusal must have a reason.
// Seeds are real trees; tree_mutator.cc changes them.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "test/support/plan_whole.h"

namespace {

using socle::test::Whole;

constexpr std::array<std::string_view, 5> kCommandLines = {
    "", "dom0_mem=96M", "iommu-passthrough=all iommu-passthrough=/smmuv3@9050000",
    "dom0_mem=min:1M,max:1G dtuart=serial1 maxcpus=2",
    "console=dtuart dom0_mem=700M dom0_max_vcpus=3 placeholder"};

}  // namespace

// NOLINTBEGIN(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::vector<std::byte> memory(4 * socle::kMiB);
  // Exactly as long as the input, and aligned: one byte too far is an error of the sanitizer.
  const std::unique_ptr<std::byte, decltype(&std::free)> blob(
      static_cast<std::byte*>(std::aligned_alloc(8, (size + 7) & ~std::size_t{7})), &std::free);
  std::memcpy(blob.get(), data, size);
  // The blob's own bytes choose, so that the same input always means the same.
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < size; i += 61)
    sum = sum * 31 + data[i];

  Whole whole(memory);
  const auto verdict =
      plan_whole(whole, {blob.get(), size},
                 {.command_line = kCommandLines[sum % kCommandLines.size()], .ipa_bits = 40});
  if (verdict == Whole::Verdict::kWrong) {
    std::fprintf(stderr, "%s", whole.text().c_str());
    std::abort();
  }
  return 0;
}
// NOLINTEND(readability-identifier-naming)
