// SPDX-License-Identifier: Apache-2.0
// An error cannot be overlooked.
#include "base/result.h"

namespace socle {

Result<> work();
Result<int> number();

int without_result() {
  return TRY(number());  // refused: no viable conversion
  return 0;
}

Result<int> results() {
  work();                                  // refused: ignoring return value
  number();                                // refused: ignoring return value
  const int value = number();              // refused: no viable conversion
  const bool succeeded = work();           // refused: no viable conversion
  const Result<int> error = Error::kBusy;  // refused: no viable conversion
  TRY(work());
  return TRY(number());
}

}  // namespace socle
