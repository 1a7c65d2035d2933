// SPDX-License-Identifier: Apache-2.0
#pragma once

// Result<T> and TRY: the error world of everything that a guest, a firmware table or a shortage of
// memory can cause. (The other world is base/check.h.) Errors say *what kind* of thing went wrong;
// the place that knows names (a node, a table, an argument) logs them before returning.

#include <cstdint>
#include <expected>
#include <utility>

namespace socle {

enum class Error : std::uint8_t {
  kNoMemory,     // an allocation failed; nothing was changed
  kInvalid,      // an argument or a field has a value that its definition forbids
  kOutOfRange,   // a number is beyond the end of what it indexes, or arithmetic would overflow
  kNotFound,     // the named thing does not exist (never used for "no memory")
  kExists,       // the named thing exists already
  kBusy,         // in use by somebody else; may succeed later
  kDenied,       // the caller may not do this
  kFault,        // a guest address is not mapped, or not with the needed permission
  kUnsupported,  // a legal request that this hardware or this version cannot serve
  kCorrupt,      // a structure contradicts itself (firmware table, device tree)
  kTooLarge,     // more than the receiver can hold
  kAgain,        // interrupted by something more urgent; call again to continue
};

constexpr const char* to_string(Error error) {
  switch (error) {
    case Error::kNoMemory:
      return "out of memory";
    case Error::kInvalid:
      return "invalid value";
    case Error::kOutOfRange:
      return "out of range";
    case Error::kNotFound:
      return "not found";
    case Error::kExists:
      return "exists already";
    case Error::kBusy:
      return "busy";
    case Error::kDenied:
      return "denied";
    case Error::kFault:
      return "bad address";
    case Error::kUnsupported:
      return "not supported";
    case Error::kCorrupt:
      return "corrupt";
    case Error::kTooLarge:
      return "too large";
    case Error::kAgain:
      return "try again";
  }
  return "unknown error";
}

// A value or an Error: std::expected, but dropping one unseen is an error of compilation
// (libstdc++'s own is not marked so).
template <typename T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
  using Base = std::expected<T, Error>;

 public:
  using Base::Base;
  constexpr Result() = default;
  // NOLINTBEGIN(google-explicit-constructor): it is the same thing.
  constexpr Result(const Base& other) : Base(other) {}
  constexpr Result(Base&& other) : Base(std::move(other)) {}
  // NOLINTEND(google-explicit-constructor)
};

// What a function returns to say no: `return fail(Error::kInvalid);`
constexpr std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(error);
}

}  // namespace socle

// TRY(expression): the value of a Result, or an early return of its error.
// (A statement expression: clang and gcc; the build forbids neither.)
#define SOCLE_CONCAT_(a, b) a##b
#define SOCLE_CONCAT(a, b) SOCLE_CONCAT_(a, b)
#define SOCLE_TRY_(name, ...)                                 \
  ({                                                          \
    auto&& name = (__VA_ARGS__);                              \
    if (!name.has_value()) [[unlikely]]                       \
      return ::std::unexpected<::socle::Error>(name.error()); \
    *::std::move(name);                                       \
  })
#define TRY(...) SOCLE_TRY_(SOCLE_CONCAT(try_result_, __COUNTER__), __VA_ARGS__)
