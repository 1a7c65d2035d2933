// SPDX-License-Identifier: Apache-2.0
// What libstdc++'s headers call when they are used wrongly; its library is not linked.
#include "base/check.h"

namespace std {

[[noreturn]] void __throw_out_of_range_fmt(const char* format, ...);
[[noreturn]] void __throw_out_of_range_fmt(const char* format, ...) {
  socle::check_failed(format, SOCLE_HERE);
}

}  // namespace std
