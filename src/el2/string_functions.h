// SPDX-License-Identifier: Apache-2.0
#pragma once

// The memory and string functions that compilers and libfdt call by their C names, as inline
// functions under our own names: string.cc exports them at EL2, string_test.cc tests them on the
// host beside the C library's own.
//
// They work with the MMU off: no access is wider than its alignment (all memory is Device-nGnRnE
// then), and none uses SIMD registers or DC ZVA. They must be compiled with -fno-builtin
// (-ffreestanding does that), or the compiler would turn their loops into calls of themselves.

#include <cstddef>
#include <cstdint>

namespace socle::el2::strings {

// Words as the copy loops see memory: may alias anything.
using Word [[gnu::may_alias]] = std::uint64_t;
using HalfWord [[gnu::may_alias]] = std::uint32_t;
inline constexpr std::size_t kWord = sizeof(std::uint64_t);

inline bool is_word_aligned(const void* pointer) {
  return (reinterpret_cast<std::uintptr_t>(pointer) & (kWord - 1)) == 0;
}
inline bool same_alignment(const void* a, const void* b, std::size_t alignment) {
  return ((reinterpret_cast<std::uintptr_t>(a) ^ reinterpret_cast<std::uintptr_t>(b)) &
          (alignment - 1)) == 0;
}

// Copies 8 words per turn while they last; both ends are word-aligned. Loads before stores, so that
// the compiler pairs them.
inline void copy_words_up(unsigned char*& to, const unsigned char*& from, std::size_t& bytes) {
  auto* out = reinterpret_cast<Word*>(to);
  auto* in = reinterpret_cast<const Word*>(from);
  for (; bytes >= 8 * kWord; bytes -= 8 * kWord, in += 8, out += 8) {
    const std::uint64_t a = in[0], b = in[1], c = in[2], d = in[3];
    const std::uint64_t e = in[4], f = in[5], g = in[6], h = in[7];
    out[0] = a, out[1] = b, out[2] = c, out[3] = d;
    out[4] = e, out[5] = f, out[6] = g, out[7] = h;
  }
  for (; bytes >= kWord; bytes -= kWord)
    *out++ = *in++;
  to = reinterpret_cast<unsigned char*>(out);
  from = reinterpret_cast<const unsigned char*>(in);
}

// The destination is word-aligned, the source is not: reads whole aligned words and joins the parts
// of two (little-endian). May read, never use, up to seven bytes beside the source; they lie in an
// aligned word that holds a byte of the source, so they cannot fault.
[[clang::no_sanitize("address")]]
inline void copy_shifted_words_up(unsigned char*& to, const unsigned char*& from,
                                  std::size_t& bytes) {
  const std::size_t skew = reinterpret_cast<std::uintptr_t>(from) & (kWord - 1);
  const unsigned low_bits = static_cast<unsigned>(8 * skew);
  const unsigned high_bits = 64 - low_bits;
  auto* out = reinterpret_cast<Word*>(to);
  auto* in = reinterpret_cast<const Word*>(from - skew);
  std::uint64_t held = *in++;
  const std::size_t words = bytes / kWord;
  for (std::size_t i = 0; i < words; ++i) {
    const std::uint64_t next = *in++;
    *out++ = (held >> low_bits) | (next << high_bits);
    held = next;
  }
  to += words * kWord;
  from += words * kWord;
  bytes -= words * kWord;
}

// Copies from the lowest address upwards; also right for overlapping areas with to < from.
inline void copy_up(unsigned char* to, const unsigned char* from, std::size_t bytes) {
  if (bytes >= 2 * kWord) {
    while (!is_word_aligned(to)) {
      *to++ = *from++;
      --bytes;
    }
    if (is_word_aligned(from)) {
      copy_words_up(to, from, bytes);
    } else {
      copy_shifted_words_up(to, from, bytes);
    }
  }
  while (bytes-- != 0)
    *to++ = *from++;
}

// Copies from the highest address downwards, for overlapping areas with to > from.
inline void copy_down(unsigned char* to, const unsigned char* from, std::size_t bytes) {
  to += bytes;
  from += bytes;
  if (same_alignment(to, from, kWord)) {
    while (bytes != 0 && !is_word_aligned(to)) {
      *--to = *--from;
      --bytes;
    }
    auto* out = reinterpret_cast<Word*>(to);
    auto* in = reinterpret_cast<const Word*>(from);
    for (; bytes >= kWord; bytes -= kWord)
      *--out = *--in;
    to = reinterpret_cast<unsigned char*>(out);
    from = reinterpret_cast<const unsigned char*>(in);
  }
  while (bytes-- != 0)
    *--to = *--from;
}

inline void* copy(void* to, const void* from, std::size_t bytes) {
  copy_up(static_cast<unsigned char*>(to), static_cast<const unsigned char*>(from), bytes);
  return to;
}

inline void* move(void* to, const void* from, std::size_t bytes) {
  auto* out = static_cast<unsigned char*>(to);
  auto* in = static_cast<const unsigned char*>(from);
  const std::uintptr_t distance =
      reinterpret_cast<std::uintptr_t>(out) - reinterpret_cast<std::uintptr_t>(in);
  if (distance < bytes) {
    if (distance != 0) copy_down(out, in, bytes);
  } else {
    copy_up(out, in, bytes);
  }
  return to;
}

inline void* fill(void* to, int value, std::size_t bytes) {
  auto* out = static_cast<unsigned char*>(to);
  const auto byte = static_cast<unsigned char>(value);
  if (bytes >= 2 * kWord) {
    while (!is_word_aligned(out)) {
      *out++ = byte;
      --bytes;
    }
    const std::uint64_t word = byte * std::uint64_t{0x0101010101010101};
    auto* words = reinterpret_cast<Word*>(out);
    for (; bytes >= 8 * kWord; bytes -= 8 * kWord, words += 8) {
      words[0] = word, words[1] = word, words[2] = word, words[3] = word;
      words[4] = word, words[5] = word, words[6] = word, words[7] = word;
    }
    for (; bytes >= kWord; bytes -= kWord)
      *words++ = word;
    out = reinterpret_cast<unsigned char*>(words);
  }
  while (bytes-- != 0)
    *out++ = byte;
  return to;
}

inline int compare(const void* a, const void* b, std::size_t bytes) {
  auto* left = static_cast<const unsigned char*>(a);
  auto* right = static_cast<const unsigned char*>(b);
  if (same_alignment(left, right, kWord)) {
    while (bytes != 0 && !is_word_aligned(left) && *left == *right) {
      ++left, ++right, --bytes;
    }
    if (is_word_aligned(left)) {
      while (bytes >= kWord &&
             *reinterpret_cast<const Word*>(left) == *reinterpret_cast<const Word*>(right)) {
        left += kWord, right += kWord, bytes -= kWord;
      }
    }
  }
  for (; bytes != 0; ++left, ++right, --bytes) {
    if (*left != *right) return *left < *right ? -1 : 1;
  }
  return 0;
}

inline const void* find_byte(const void* area, int value, std::size_t bytes) {
  auto* at = static_cast<const unsigned char*>(area);
  for (; bytes != 0; ++at, --bytes) {
    if (*at == static_cast<unsigned char>(value)) return at;
  }
  return nullptr;
}

inline std::size_t length(const char* text) {
  std::size_t count = 0;
  while (text[count] != '\0')
    ++count;
  return count;
}

inline std::size_t length_up_to(const char* text, std::size_t limit) {
  std::size_t count = 0;
  while (count < limit && text[count] != '\0')
    ++count;
  return count;
}

inline const char* find_first(const char* text, int value) {
  for (;; ++text) {
    if (*text == static_cast<char>(value)) return text;
    if (*text == '\0') return nullptr;
  }
}

inline const char* find_last(const char* text, int value) {
  const char* found = nullptr;
  for (;; ++text) {
    if (*text == static_cast<char>(value)) found = text;
    if (*text == '\0') return found;
  }
}

inline int compare_text(const char* a, const char* b, std::size_t limit) {
  for (; limit != 0; ++a, ++b, --limit) {
    const auto left = static_cast<unsigned char>(*a);
    const auto right = static_cast<unsigned char>(*b);
    if (left != right) return left < right ? -1 : 1;
    if (left == 0) return 0;
  }
  return 0;
}

// The value of `c` as a digit, or 36 and more if it is none.
inline unsigned digit_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A') + 10;
  return 36;
}

// strtoul of the C standard, with a 64-bit long; overflow saturates.
inline std::uint64_t to_unsigned(const char* text, char** end, int base) {
  const char* at = text;
  while (*at == ' ' || (*at >= '\t' && *at <= '\r'))
    ++at;
  const bool negative = *at == '-';
  if (*at == '-' || *at == '+') ++at;
  const bool hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && digit_value(at[2]) < 16;
  if ((base == 0 || base == 16) && hex) {
    at += 2;
    base = 16;
  } else if (base == 0) {
    base = *at == '0' ? 8 : 10;
  }
  const auto radix = static_cast<std::uint64_t>(base);
  std::uint64_t value = 0;
  bool overflow = false;
  const char* const first = at;
  for (; digit_value(*at) < radix; ++at) {
    overflow = __builtin_mul_overflow(value, radix, &value) || overflow;
    overflow = __builtin_add_overflow(value, std::uint64_t{digit_value(*at)}, &value) || overflow;
  }
  if (end != nullptr) *end = const_cast<char*>(at == first ? text : at);
  if (overflow) return ~std::uint64_t{0};
  return negative ? 0 - value : value;
}

}  // namespace socle::el2::strings
