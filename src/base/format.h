// SPDX-License-Identifier: Apache-2.0
#pragma once

// A small, allocation-free text formatter for log lines and tree properties. Placeholders:
//   {}        decimal for integers, text for strings, "true"/"false", hexadecimal with 0x for
//             addresses and frame numbers (Mfn, Gfn, Pa, Ipa, ...)
//   {x}       hexadecimal without prefix      {#x}   with 0x
//   {08x} {016x} {4}   minimum width, zero- or space-padded on the left; {-8} padded on the right,
//             as text always is
//   {{ and }} a brace
// The number of placeholders is checked against the arguments when the program is compiled.
// Output that does not fit is cut; the formatter says so by returning the length it wanted.

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/range.h"
#include "base/result.h"
#include "base/types.h"

namespace socle {

class FormatArg {
 public:
  enum class Kind : std::uint8_t { kUnsigned, kSigned, kHex, kText, kBool, kChar, kHexRange };

  constexpr FormatArg() = default;
  // NOLINTBEGIN(google-explicit-constructor): arguments become FormatArgs unseen.
  constexpr FormatArg(bool value) : kind_(Kind::kBool), number_(value ? 1 : 0) {}
  constexpr FormatArg(char value)
      : kind_(Kind::kChar), number_(static_cast<unsigned char>(value)) {}
  template <std::unsigned_integral T>
  constexpr FormatArg(T value) : kind_(Kind::kUnsigned), number_(value) {}
  template <std::signed_integral T>
  constexpr FormatArg(T value)
      : kind_(Kind::kSigned), number_(static_cast<std::uint64_t>(std::int64_t{value})) {}
  constexpr FormatArg(std::string_view value)
      : kind_(Kind::kText), number_(value.size()), text_(value.data()) {}
  constexpr FormatArg(const char* value) : FormatArg(std::string_view(value)) {}
  FormatArg(const void* value)
      : kind_(Kind::kHex), number_(reinterpret_cast<std::uintptr_t>(value)) {}
  constexpr FormatArg(Error error) : FormatArg(to_string(error)) {}
  constexpr FormatArg(FrameCount count) : FormatArg(count.value()) {}
  constexpr FormatArg(Order order) : FormatArg(order.value()) {}
  constexpr FormatArg(Level level) : FormatArg(level.value()) {}
  constexpr FormatArg(CpuIndex cpu) : FormatArg(index_of(cpu)) {}
  constexpr FormatArg(DomainId domain) : FormatArg(static_cast<unsigned>(domain)) {}
  constexpr FormatArg(IntId id) : FormatArg(id.value()) {}
  template <typename Tag>
  constexpr FormatArg(FrameNumber<Tag> frame) : kind_(Kind::kHex), number_(frame.value()) {}
  template <typename Tag, typename Frame>
  constexpr FormatArg(Address<Tag, Frame> address) : kind_(Kind::kHex), number_(address.value()) {}
  template <typename T>
  constexpr FormatArg(const Range<T>& range)
      : kind_(Kind::kHexRange), number_(range.begin().value()), end_(range.end().value()) {}
  // NOLINTEND(google-explicit-constructor)

  constexpr Kind kind() const { return kind_; }
  constexpr std::uint64_t number() const { return number_; }
  constexpr std::uint64_t end() const { return end_; }
  constexpr std::string_view text() const {
    return std::string_view(text_, static_cast<std::size_t>(number_));
  }

 private:
  Kind kind_ = Kind::kUnsigned;
  std::uint64_t number_ = 0;
  std::uint64_t end_ = 0;
  const char* text_ = nullptr;
};

// A format string whose placeholders were counted at compile time.
template <typename... Args>
class FormatString {
 public:
  template <std::size_t N>
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is a format.
  consteval FormatString(const char (&text)[N]) : text_(text, N - 1) {
    if (count_placeholders(text_) != sizeof...(Args)) wrong_number_of_format_arguments();
  }
  constexpr std::string_view text() const { return text_; }

 private:
  static void wrong_number_of_format_arguments();  // not constexpr: calling it is the error

  static consteval std::size_t count_placeholders(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '{' && i + 1 < text.size() && text[i + 1] == '{') {
        ++i;
      } else if (text[i] == '{') {
        ++count;
      }
    }
    return count;
  }

  std::string_view text_;
};

// Writes at most out.size() characters, no terminator. Returns the length the whole text has.
std::size_t format_args(std::span<char> out, std::string_view format,
                        std::span<const FormatArg> args);

template <typename... Args>
std::size_t format_to(std::span<char> out, FormatString<std::type_identity_t<Args>...> format,
                      const Args&... args) {
  const std::array<FormatArg, sizeof...(Args)> list{FormatArg(args)...};
  return format_args(out, format.text(), list);
}

// A text of at most N characters that lives in itself; longer text is cut.
template <std::size_t N>
class Text {
 public:
  Text() = default;
  template <typename... Args>
  explicit Text(FormatString<std::type_identity_t<Args>...> format, const Args&... args) {
    append(format, args...);
  }
  template <typename... Args>
  void append(FormatString<std::type_identity_t<Args>...> format, const Args&... args) {
    const std::array<FormatArg, sizeof...(Args)> list{FormatArg(args)...};
    const std::size_t wanted =
        format_args(std::span(buffer_).subspan(size_, N - size_), format.text(), list);
    cut_ = cut_ || wanted > N - size_;
    size_ += wanted < N - size_ ? wanted : N - size_;
    buffer_[size_] = '\0';
  }
  // Makes the end of a text that was cut show it.
  void mark_if_cut() {
    static_assert(N >= 3);
    if (cut_) std::fill_n(buffer_.begin() + (N - 3), 3, '.');
  }
  [[nodiscard]] std::string_view view() const { return std::string_view(buffer_.data(), size_); }
  [[nodiscard]] const char* c_str() const { return buffer_.data(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool was_cut() const { return cut_; }

 private:
  std::array<char, N + 1> buffer_{};
  std::size_t size_ = 0;
  bool cut_ = false;
};

}  // namespace socle
