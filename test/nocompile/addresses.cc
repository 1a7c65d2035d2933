// SPDX-License-Identifier: Apache-2.0
// Guest, machine and device places do not mix, and numbers become places only by saying so.
#include "base/range.h"
#include "base/types.h"

namespace socle {

void take_mfn(Mfn);
void take_gfn_range(const GfnRange&);

void places(Mfn mfn, Gfn gfn, Dfn dfn, Pa pa, Ipa ipa, const MfnRange& mfns) {
  const Mfn same = mfn;
  take_mfn(same);
  const Mfn from_gfn = gfn;          // refused: no viable conversion
  const Mfn from_gfn_value{gfn};     // refused: no matching constructor
  const Gfn from_dfn = dfn;          // refused: no viable conversion
  const Pa from_ipa = ipa;           // refused: no viable conversion
  const Pa from_foreign_frame(gfn);  // refused: no matching constructor
  const Mfn from_number = 0x40200;   // refused: no viable conversion
  const Pa from_frame = mfn;         // refused: no viable conversion
  const std::uint64_t number = mfn;  // refused: no viable conversion
  take_mfn(gfn);                     // refused: no matching function
  take_gfn_range(mfns);              // refused: no matching function
  (void)(mfn == gfn);                // refused: invalid operands
  (void)(pa < ipa);                  // refused: invalid operands
  (void)(mfn - gfn);                 // refused: invalid operands
  (void)(mfn + mfn);                 // refused: invalid operands
  (void)(mfn + 1);                   // refused: invalid operands
  (void)(pa + pa);                   // refused: invalid operands
  (void)mfns.contains(gfn);          // refused: no matching member function
  (void)(mfn + FrameCount(1));
  (void)(pa + 8);
  (void)dfn;
  (void)ipa;
}

}  // namespace socle
