// SPDX-License-Identifier: Apache-2.0
#include "application.h"

#include "el2/string_functions.h"

namespace strings = socle::el2::strings;

// The C names that the compiler and libstdc++'s headers call.
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
}  // extern "C"

namespace std {
// What string_view::substr() calls beyond the end. Firmware tells of the exception.
void __throw_out_of_range_fmt(const char* /*format*/, ...) {  // NOLINT(cert-dcl50-cpp)
  __builtin_trap();
}
}  // namespace std

namespace socle::test {

namespace {

constexpr std::size_t kMaxWords = 16;
constexpr std::size_t kMaxCharacters = 512;

const efi::SystemTable* the_system;
char characters[kMaxCharacters];
std::string_view all_words[kMaxWords];

// The load options are a command line of UCS-2, as firmware's shell makes it.
Words read_arguments(efi::Handle image) {
  void* found = nullptr;
  if (the_system->boot_services->handle_protocol(image, &efi::kLoadedImageProtocol, &found) !=
      efi::kSuccess)
    return {};
  const auto& loaded = *static_cast<const efi::LoadedImage*>(found);
  const auto* text = static_cast<const char16_t*>(loaded.load_options);
  std::size_t length = 0;
  while (length < loaded.load_options_size / sizeof(char16_t) && length < kMaxCharacters &&
         text[length] != 0) {
    characters[length] = static_cast<char>(text[length]);
    ++length;
  }
  std::size_t count = 0;
  for (std::size_t at = 0; at < length && count < kMaxWords;) {
    const std::size_t begin = at;
    while (at < length && characters[at] != ' ')
      ++at;
    if (at != begin) all_words[count++] = std::string_view(characters + begin, at - begin);
    ++at;
  }
  return Words(all_words, count).subspan(count == 0 ? 0 : 1);
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

}  // namespace

const efi::SystemTable& system_table() {
  return *the_system;
}

void print(std::string_view text) {
  for (const char c : text) {
    const char16_t one[] = {static_cast<char16_t>(c), 0};
    const char16_t line_end[] = {u'\r', u'\n', 0};
    (void)the_system->console_out->output_string(the_system->console_out,
                                                 c == '\n' ? line_end : one);
  }
}

void print_hex(std::uint64_t number) {
  print("0x");
  bool begun = false;
  for (int shift = 60; shift >= 0; shift -= 4) {
    const unsigned value = number >> shift & 0xf;
    begun = begun || value != 0 || shift == 0;
    if (begun) print(std::string_view("0123456789abcdef").substr(value, 1));
  }
}

bool fail(std::string_view text) {
  print("damage: ");
  print(text);
  print("\n");
  return false;
}

std::optional<std::uint64_t> to_number(std::string_view text) {
  const bool is_hex = text.starts_with("0x");
  if (is_hex) text.remove_prefix(2);
  if (text.empty()) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : text) {
    const int value = digit(c);
    if (value >= (is_hex ? 16 : 10)) return std::nullopt;
    number = number * (is_hex ? 16 : 10) + static_cast<unsigned>(value);
  }
  return number;
}

extern "C" efi::Status application_main(efi::Handle image, const efi::SystemTable* system);
extern "C" efi::Status application_main(efi::Handle image, const efi::SystemTable* system) {
  the_system = system;
  return run(read_arguments(image)) ? efi::kSuccess : efi::kInvalidParameter;
}

}  // namespace socle::test
