// SPDX-License-Identifier: Apache-2.0
// The C names that the compiler, libstdc++'s headers and libfdt call, for the freestanding image.
// The work is done in string_functions.h. Must be compiled with -fno-builtin (-ffreestanding).
#include "base/check.h"
#include "el2/string_functions.h"

namespace strings = socle::el2::strings;

extern "C" {

void* memcpy(void* to, const void* from, std::size_t bytes) {
  return strings::copy(to, from, bytes);
}
void* memmove(void* to, const void* from, std::size_t bytes) {
  return strings::move(to, from, bytes);
}
void* memset(void* to, int value, std::size_t bytes) {
  return strings::fill(to, value, bytes);
}
int memcmp(const void* a, const void* b, std::size_t bytes) {
  return strings::compare(a, b, bytes);
}
void* memchr(const void* area, int value, std::size_t bytes) {
  return const_cast<void*>(strings::find_byte(area, value, bytes));
}
std::size_t strlen(const char* text) {
  return strings::length(text);
}
std::size_t strnlen(const char* text, std::size_t limit) {
  return strings::length_up_to(text, limit);
}
char* strchr(const char* text, int value) {
  return const_cast<char*>(strings::find_first(text, value));
}
char* strrchr(const char* text, int value) {
  return const_cast<char*>(strings::find_last(text, value));
}
int strcmp(const char* a, const char* b) {
  return strings::compare_text(a, b, ~std::size_t{0});
}
int strncmp(const char* a, const char* b, std::size_t limit) {
  return strings::compare_text(a, b, limit);
}
unsigned long strtoul(const char* text, char** end, int base) {
  return strings::to_unsigned(text, end, base);
}

[[noreturn]] void abort() {
  socle::check_failed("abort() was called", SOCLE_HERE);
}

// Debian's libfdt.a is compiled with a stack protector. The guard is a constant: the tree reader
// runs before any guest does, and the protector is libfdt's safety net, not ours.
extern const std::uintptr_t __stack_chk_guard;
const std::uintptr_t __stack_chk_guard = 0x5afe'c0de'0a0d'00ff;
[[noreturn]] void __stack_chk_fail() {
  socle::check_failed("stack smashed", SOCLE_HERE);
}

}  // extern "C"

namespace std {
// What libstdc++'s containers call when an assertion of theirs fails (_GLIBCXX_ASSERTIONS).
[[noreturn]] void __glibcxx_assert_fail(const char* file, int line, const char* function,
                                        const char* condition) noexcept;
[[noreturn]] void __glibcxx_assert_fail(const char*, int, const char*,
                                        const char* condition) noexcept {
  socle::check_failed(condition != nullptr ? condition : "unreachable", SOCLE_HERE);
}
}  // namespace std
