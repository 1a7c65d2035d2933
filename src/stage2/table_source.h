// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where table frames come from: a reference to any pool that has the functions of mem::TablePool.
//   take()              one frame owned by Socle (port::owned_frame reaches it)
//   take_contiguous(n)  2^n frames, aligned to their size: a concatenated root
//   give(), give_contiguous()   back; nobody can reach the frame any more
// Contents are arbitrary in both directions. A test's pool that fails at the n-th request is
// another such pool.
//
// Called with the owner's lock held (LockRank::kAddressSpace): a pool ranks after it.

#include <concepts>

#include "base/result.h"
#include "base/types.h"

namespace socle::stage2 {

template <typename Pool>
concept TablePool = requires(Pool& pool, Mfn frame, Order order) {
  { pool.take() } -> std::same_as<Result<Mfn>>;
  { pool.take_contiguous(order) } -> std::same_as<Result<Mfn>>;
  pool.give(frame);
  pool.give_contiguous(frame, order);
};

// A pool whose concrete type was forgotten: copyable, and no larger than it needs to be. The pool
// outlives the tables.
class TableSource {
 public:
  constexpr TableSource() = default;
  // (A TableSource has a pool's functions, too: copies must stay copies.)
  template <TablePool Pool>
    requires(!std::same_as<Pool, TableSource>)
  constexpr explicit TableSource(Pool& pool) : pool_(&pool), functions_(&kFunctionsOf<Pool>) {}

  [[nodiscard]] Result<Mfn> take() const { return functions_->take(pool_); }
  [[nodiscard]] Result<Mfn> take_contiguous(Order order) const {
    return functions_->take_contiguous(pool_, order);
  }
  void give(Mfn frame) const { functions_->give(pool_, frame); }
  void give_contiguous(Mfn first, Order order) const {
    functions_->give_contiguous(pool_, first, order);
  }
  [[nodiscard]] constexpr bool is_empty() const { return pool_ == nullptr; }

 private:
  struct Functions {
    Result<Mfn> (*take)(void*);
    Result<Mfn> (*take_contiguous)(void*, Order);
    void (*give)(void*, Mfn);
    void (*give_contiguous)(void*, Mfn, Order);
  };
  template <typename Pool>
  static constexpr Functions kFunctionsOf{
      [](void* pool) { return static_cast<Pool*>(pool)->take(); },
      [](void* pool, Order order) { return static_cast<Pool*>(pool)->take_contiguous(order); },
      [](void* pool, Mfn frame) { static_cast<Pool*>(pool)->give(frame); },
      [](void* pool, Mfn first, Order order) {
        static_cast<Pool*>(pool)->give_contiguous(first, order);
      },
  };

  void* pool_ = nullptr;
  const Functions* functions_ = nullptr;
};

}  // namespace socle::stage2
