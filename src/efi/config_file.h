// SPDX-License-Identifier: Apache-2.0
#pragma once

// The configuration file beside the EFI application, in Xen's format, and the words that started
// the application:
//
//   [global]
//   default=debian
//   chain=more.cfg
//   [debian]
//   options=console=dtuart dom0_mem=1G
//   kernel=vmlinuz root=/dev/sda1 ro
//   ramdisk=initrd.img
//   dtb=board.dtb
//
// '#' begins a comment. A line that begins with ';' is one, too: no key does. Of a key that stands
// twice in a section the first counts. UTF-8's mark of its byte order in front is passed over.
// Pure; views point into what was given.
//
// Source: Xen docs/misc/efi.pandoc; behaviour of its parser (xen-abi.md 1.3).

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace socle::efi {

class ConfigFile {
 public:
  static constexpr std::size_t kMaxBytes = 64 * 1024;

  explicit ConfigFile(std::string_view text);
  // The value of `key` in [section]; nothing without it. Without a section: the first anywhere.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view section,
                                                      std::string_view key) const;

 private:
  std::string_view text_;
};

// A file and what follows it in a line: "vmlinuz root=/dev/sda1".
struct FileAndWords {
  std::string_view file;
  std::string_view words;
};
FileAndWords split_file(std::string_view value);

// What the application was started with: [program] [-cfg=FILE] [section] [-- options for Socle].
// Options may begin with '/', and FILE may be a word of its own, as in Xen. A program in quotation
// marks may have blanks.
struct StartOptions {
  std::string_view first;    // the first word, if it is no option: the program, or a section
  std::string_view config;   // -cfg=; empty: to be found by the program's name
  std::string_view section;  // empty: what the file says
  std::string_view options;  // behind "--"
  std::string_view unknown;  // the first word that is none of these
  bool wants_help = false;
};
StartOptions parse_start_options(std::string_view line);

// Whether a word that started the application is its name: firmware's shell puts that in front as
// it was typed, a boot entry does not. Without directories, in any case, with or without its
// ending.
bool names_program(std::string_view word, std::string_view name);

// Load options are UCS-2, if they are text at all (a boot entry may carry anything). Writes them as
// ASCII into `out`; nothing if they are no printable ASCII or do not fit.
std::optional<std::string_view> ascii_of(std::span<const std::byte> ucs2, std::span<char> out);

// The length of a program's name without what stands behind its last '.', '-' or '_' in the first
// `length` characters; 0 if there is none. "socle-1.0.efi" gives "socle-1.0", "socle-1", "socle":
// where ".cfg" is looked for.
std::size_t shorter_name(std::u16string_view name);

}  // namespace socle::efi
