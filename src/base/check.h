// SPDX-License-Identifier: Apache-2.0
#pragma once

// CHECK(condition): stops the machine (at EL2: crash dump; on the host: abort) when one of *our
// own* invariants is broken. Never for anything a guest, a firmware table or a memory shortage can
// cause: those return Result (base/result.h). Callable anywhere, with any lock held; does not
// return on failure.

#include <source_location>

namespace socle {

// Defined by whoever owns the program: el2/ (crash dump), or the host tests (abort).
[[noreturn]] void check_failed(const char* expression, std::source_location where);

}  // namespace socle

#define CHECK(condition)                                                  \
  do {                                                                    \
    if (!(condition)) [[unlikely]]                                        \
      ::socle::check_failed(#condition, std::source_location::current()); \
  } while (false)
