// SPDX-License-Identifier: Apache-2.0
#pragma once

// FunctionRef<R(Args...)>: a callable passed down the stack, by reference and without allocation.
// Valid only while the callable it was made from lives: take it as a parameter, never keep it.
// Plain functions are passed by pointer (&function).

#include <memory>
#include <type_traits>
#include <utility>

namespace socle {

template <typename Signature>
class FunctionRef;

template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
 public:
  template <typename F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> &&
             std::is_object_v<std::remove_reference_t<F>> && std::is_invocable_r_v<R, F&, Args...>)
  // NOLINTNEXTLINE(google-explicit-constructor): that is its use.
  // A reference to whatever is passed, lvalue or temporary: converts silently, forwards nothing.
  // NOLINTNEXTLINE(google-explicit-constructor,cppcoreguidelines-missing-std-forward)
  constexpr FunctionRef(F&& function)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(function)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...);
        }) {}

  constexpr R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

}  // namespace socle
