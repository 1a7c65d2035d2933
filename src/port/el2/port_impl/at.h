// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace socle::port {

namespace detail {

// PAR_EL1.F, and PAR_EL1.PA of a translation that succeeded.
inline constexpr std::uint64_t kTranslationFailed = 1;
inline constexpr std::uint64_t kTranslatedFrame = 0x000f'ffff'ffff'f000;

enum class Translation : std::uint8_t { kS1E1R, kS1E1W, kS12E1R, kS12E1W };

// Where the bus aborts the walk, AT is an exception at EL2. el2/ goes on behind it as behind any AT
// that failed (divert_walk), but cannot keep SP_EL0.
template <Translation kHow>
std::uint64_t translate(std::uint64_t address) {
  std::uint64_t kept;
  std::uint64_t kept_stack;
  asm volatile("mrs %0, par_el1\n\tmrs %1, sp_el0" : "=r"(kept), "=r"(kept_stack)::"memory");
  if constexpr (kHow == Translation::kS1E1R) {
    asm volatile("at s1e1r, %0" ::"r"(address) : "memory");
  } else if constexpr (kHow == Translation::kS1E1W) {
    asm volatile("at s1e1w, %0" ::"r"(address) : "memory");
  } else if constexpr (kHow == Translation::kS12E1R) {
    asm volatile("at s12e1r, %0" ::"r"(address) : "memory");
  } else {
    asm volatile("at s12e1w, %0" ::"r"(address) : "memory");
  }
  std::uint64_t answer;
  asm volatile(
      "isb\n\t"
      "mrs %0, par_el1\n\t"
      "msr par_el1, %1\n\t"
      "msr sp_el0, %2"
      : "=&r"(answer)
      : "r"(kept), "r"(kept_stack)
      : "memory");
  return answer;
}

inline Result<Ipa> translated(std::uint64_t answer, std::uint64_t address) {
  if ((answer & kTranslationFailed) != 0) return fail(Error::kFault);
  return Ipa((answer & kTranslatedFrame) | (address & (kFrameSize - 1)));
}

}  // namespace detail

inline Result<Ipa> translate_guest_read(std::uint64_t address) {
  return detail::translated(detail::translate<detail::Translation::kS1E1R>(address), address);
}

inline Result<Ipa> translate_guest_write(std::uint64_t address) {
  return detail::translated(detail::translate<detail::Translation::kS1E1W>(address), address);
}

inline std::uint64_t translate_guest_fully(std::uint64_t address, bool is_write) {
  return is_write ? detail::translate<detail::Translation::kS12E1W>(address)
                  : detail::translate<detail::Translation::kS12E1R>(address);
}

}  // namespace socle::port
