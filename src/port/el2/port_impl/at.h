// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace socle::port {

namespace detail {

// PAR_EL1.F, and PAR_EL1.PA of a translation that succeeded.
inline constexpr std::uint64_t kTranslationFailed = 1;
inline constexpr std::uint64_t kTranslatedFrame = 0x000f'ffff'ffff'f000;

inline Result<Ipa> translated(std::uint64_t answer, std::uint64_t address) {
  if ((answer & kTranslationFailed) != 0) return fail(Error::kFault);
  return Ipa((answer & kTranslatedFrame) | (address & (kFrameSize - 1)));
}

}  // namespace detail

inline Result<Ipa> translate_guest_read(std::uint64_t address) {
  std::uint64_t answer;
  std::uint64_t kept;
  asm volatile(
      "mrs %1, par_el1\n\t"
      "at s1e1r, %2\n\t"
      "isb\n\t"
      "mrs %0, par_el1\n\t"
      "msr par_el1, %1"
      : "=&r"(answer), "=&r"(kept)
      : "r"(address)
      : "memory");
  return detail::translated(answer, address);
}

inline Result<Ipa> translate_guest_write(std::uint64_t address) {
  std::uint64_t answer;
  std::uint64_t kept;
  asm volatile(
      "mrs %1, par_el1\n\t"
      "at s1e1w, %2\n\t"
      "isb\n\t"
      "mrs %0, par_el1\n\t"
      "msr par_el1, %1"
      : "=&r"(answer), "=&r"(kept)
      : "r"(address)
      : "memory");
  return detail::translated(answer, address);
}

inline std::uint64_t translate_guest_fully(std::uint64_t address, bool is_write) {
  std::uint64_t answer;
  std::uint64_t kept;
  asm volatile("mrs %0, par_el1" : "=r"(kept)::"memory");
  if (is_write) {
    asm volatile("at s12e1w, %0" ::"r"(address) : "memory");
  } else {
    asm volatile("at s12e1r, %0" ::"r"(address) : "memory");
  }
  asm volatile(
      "isb\n\t"
      "mrs %0, par_el1\n\t"
      "msr par_el1, %1"
      : "=&r"(answer)
      : "r"(kept)
      : "memory");
  return answer;
}

}  // namespace socle::port
