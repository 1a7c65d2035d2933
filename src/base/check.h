// SPDX-License-Identifier: Apache-2.0
#pragma once

// CHECK(condition): stops the machine (at EL2: crash dump; on the host: abort) when one of *our
// own* invariants is broken. Never for anything a guest, a firmware table or a memory shortage can
// cause: those return Result (base/result.h). Callable anywhere, with any lock held; does not
// return on failure.

namespace socle {

// Not std::source_location: its function names, arguments of templates and all, were 10 KB of the
// image, and the backtrace has them anyway.
struct SourcePlace {
  const char* file;
  unsigned line;
};

// Defined by whoever owns the program: el2/ (crash dump), or the host tests (abort).
[[noreturn]] void check_failed(const char* expression, SourcePlace where);

}  // namespace socle

#define SOCLE_HERE (::socle::SourcePlace{.file = __FILE__, .line = __LINE__})
#define CHECK(condition)                             \
  do {                                               \
    if (!(condition)) [[unlikely]]                   \
      ::socle::check_failed(#condition, SOCLE_HERE); \
  } while (false)
