// SPDX-License-Identifier: Apache-2.0
// An error cannot be overlooked.
#include "abi/errno.h"
#include "base/result.h"
#include "guest/grant_table.h"

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

// What a guest is told can be overlooked as little.
abi::Status<> answer();
abi::Status<int> answered_number();

abi::Status<int> answers(guest::GrantTable& table) {
  answer();                                      // refused: ignoring return value
  answered_number();                             // refused: ignoring return value
  table.pin(8, DomainId{1}, true);               // refused: ignoring return value
  const int value = answered_number();           // refused: no viable conversion
  const abi::Status<int> error = Error::kBusy;   // refused: no viable conversion
  const abi::Status<int> worse = number();       // refused: no viable conversion
  const Result<int> better = answered_number();  // refused: no viable conversion
  return TRY(answered_number());                 // refused: no matching
  ABI_TRY(answer());
  ABI_TRY(work());
  return ABI_TRY(answered_number());
}

}  // namespace socle
