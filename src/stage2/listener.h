// SPDX-License-Identifier: Apache-2.0
#pragma once

// Listener: how a domain's map reaches others that translate for it (IOMMUs), without stage2
// knowing them. Two kinds of listeners, one interface:
//   - a view that walks *these* tables overrides invalidate() and complete() only;
//   - a view with tables of its own overrides prepare(), cancel() and commit() and replays each
//     change there, in the largest blocks; its debts are paid in complete().
//
// Every call comes with the address space's lock held (LockRank::kAddressSpace), on the CPU that
// makes the change. Order of calls for one change:
//   prepare -> (a later listener failed: cancel)
//           -> entries are broken, invalidate, complete, entries are made -> commit
// and once per batch, before anything that was unmapped may be given back: complete.

#include <cstdint>

#include "base/range.h"
#include "base/result.h"
#include "base/types.h"
#include "hw/attributes.h"

namespace socle::stage2 {

struct Change {
  enum class Kind : std::uint8_t {
    kMap,         // the frames of `range` will translate to `output`, `output` + 1, ...
    kUnmap,       // to nothing
    kAttributes,  // as they do now, with other attributes
  };
  Kind kind;
  GfnRange range;
  Mfn output;                    // kMap
  DecodedAttributes attributes;  // kMap, kAttributes
};

class Listener {
 public:
  // What is about to happen. May allocate, may fail: then nothing changes anywhere.
  virtual Result<> prepare(const Change&) { return {}; }
  // The change that was prepared last will not happen after all.
  virtual void cancel(const Change&) {}
  // It happened. Cannot fail.
  virtual void commit(const Change&) {}
  // Translations of these frames that were read from the shared tables must be forgotten: issue
  // it, do not wait.
  virtual void invalidate(const GfnRange&) {}
  // Wait until everything issued so far has taken effect.
  virtual void complete() {}

 protected:
  constexpr Listener() = default;
  ~Listener() = default;

 private:
  friend class AddressSpace;
  Listener* next_ = nullptr;
};

}  // namespace socle::stage2
