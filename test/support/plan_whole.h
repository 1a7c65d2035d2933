// SPDX-License-Identifier: Apache-2.0
#pragma once

// The whole way from a tree's bytes to the domain's tree, as boot goes it, for programs that do it
// to many trees: the board test and the fuzzer.

#include <string>

#include "plan/board.h"

namespace socle::test {

struct Whole : plan::Board {
  enum class Verdict { kPlanned, kRefused, kWrong };
  using plan::Board::Board;
  [[nodiscard]] std::string text() const;  // the notes, a line each
};

struct WholeOptions {
  std::string_view command_line;
  unsigned ipa_bits = 48;
};

// kRefused: some step said no, with an error line. kWrong: an invariant of the plan or of the
// domain's tree is broken, or a refusal has no reason: see text().
Whole::Verdict plan_whole(Whole& whole, std::span<const std::byte> blob,
                          const WholeOptions& options);

}  // namespace socle::test
