// SPDX-License-Identifier: Apache-2.0
#pragma once

// The whole way from a tree's bytes to the domain's tree, as boot goes it, for programs that do it
// to many trees: the board test and the fuzzer.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "hwdom/plan.h"

namespace socle::test {

// Everything that one run made, and keeps alive.
struct Whole {
  enum class Verdict { kPlanned, kRefused, kWrong };

  // `memory` is the arena's; it may be used again when the Whole is gone.
  explicit Whole(std::span<std::byte> memory) : arena(memory), notes(arena) {}

  fw::Arena arena;
  fw::Diagnostics notes;
  const fw::dt::Tree* tree = nullptr;
  const platform::Platform* platform = nullptr;
  fw::BootInfo boot;
  fw::Options options;
  hwdom::PlanInput input;
  hwdom::KeptMemory kept[2];
  const hwdom::DomainPlan* plan = nullptr;
  std::size_t arena_used = 0;          // by tree, platform and plan
  std::vector<std::uint64_t> written;  // the domain's tree, aligned
  std::size_t written_size = 0;

  [[nodiscard]] std::span<const std::byte> domain_tree() const {
    return std::as_bytes(std::span(written)).first(written_size);
  }
  [[nodiscard]] std::string text() const;  // the notes, a line each
};

struct WholeOptions {
  std::string_view command_line;
  unsigned ipa_bits = 44;
};

// kRefused: some step said no, with an error line. kWrong: an invariant of the plan or of the
// domain's tree is broken, or a refusal has no reason: see text().
Whole::Verdict plan_whole(Whole& whole, std::span<const std::byte> blob,
                          const WholeOptions& options);

}  // namespace socle::test
