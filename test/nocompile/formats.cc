// SPDX-License-Identifier: Apache-2.0
// Placeholders and arguments are counted when the program is compiled.
#include "base/format.h"
#include "base/log.h"

namespace socle {

struct Unprintable {};

void formats(const char* not_a_literal, Unprintable thing) {
  log_info("cpu {} of {}", 1, 2);
  log_info("cpu {} of {}", 1);  // refused: not a constant expression
  log_info("cpu {}", 1, 2);     // refused: not a constant expression
  log_info("{{}}", 1);          // refused: not a constant expression
  log_info(not_a_literal);      // refused: no matching function
  log_info("{}", thing);        // refused: no matching conversion
  log_info("{}", 1.5);          // refused: ambiguous
  (void)thing;
  (void)not_a_literal;
}

}  // namespace socle
