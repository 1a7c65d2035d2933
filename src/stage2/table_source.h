// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where table frames come from: a reference to any pool that has
//   Result<Mfn> take(Order)     2^order frames, contiguous, aligned to their size, owned by Socle
//                               (port::owned_frame reaches them); contents arbitrary
//   void give(Mfn, Order)       back; the tables of nobody refer to them any more
// Everything but a concatenated root is Order 0. mem/'s per-domain pool is one; a test's pool that
// fails at the n-th request is another.
//
// Called with the owner's lock held (LockRank::kAddressSpace): a pool ranks after it.

#include "base/result.h"
#include "base/types.h"

namespace socle::stage2 {

template <typename Pool>
concept TablePool = requires(Pool& pool, Mfn frame, Order order) {
  { pool.take(order) } -> std::same_as<Result<Mfn>>;
  pool.give(frame, order);
};

// A pool whose concrete type was forgotten: two words, copyable. The pool outlives the tables.
class TableSource {
 public:
  constexpr TableSource() = default;
  template <TablePool Pool>
  constexpr explicit TableSource(Pool& pool)
      : pool_(&pool),
        take_([](void* self, Order order) { return static_cast<Pool*>(self)->take(order); }),
        give_([](void* self, Mfn frame, Order order) {
          static_cast<Pool*>(self)->give(frame, order);
        }) {}

  [[nodiscard]] Result<Mfn> take(Order order = kOrder4K) const { return take_(pool_, order); }
  void give(Mfn frame, Order order = kOrder4K) const { give_(pool_, frame, order); }
  [[nodiscard]] constexpr bool is_empty() const { return pool_ == nullptr; }

 private:
  void* pool_ = nullptr;
  Result<Mfn> (*take_)(void*, Order) = nullptr;
  void (*give_)(void*, Mfn, Order) = nullptr;
};

}  // namespace socle::stage2
