// SPDX-License-Identifier: Apache-2.0
#include "efi/config_file.h"

#include <algorithm>

namespace socle::efi {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// Ends of lines: any control character, as in Xen, but for the tab.
bool ends_line(char c) {
  return static_cast<unsigned char>(c) < ' ' && c != '\t';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

// The next line without comment and blanks around; false at the end.
bool take_line(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  const auto* const end = std::ranges::find_if(text, ends_line);
  line = trimmed(text.substr(0, static_cast<std::size_t>(end - text.begin())));
  text.remove_prefix(std::min(text.size(), static_cast<std::size_t>(end - text.begin()) + 1));
  line = trimmed(line.substr(0, line.find('#')));
  return true;
}

std::string_view take_word(std::string_view& line) {
  line = trimmed(line);
  const auto* const end = std::ranges::find_if(line, is_blank);
  const std::string_view word = line.substr(0, static_cast<std::size_t>(end - line.begin()));
  line.remove_prefix(word.size());
  return word;
}

// The program in front of a line.
std::string_view take_program(std::string_view& line) {
  line = trimmed(line);
  const std::size_t end = line.starts_with('"') ? line.find('"', 1) : std::string_view::npos;
  if (end == std::string_view::npos) return take_word(line);
  const std::string_view program = line.substr(1, end - 1);
  line.remove_prefix(end + 1);
  return program;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

ConfigFile::ConfigFile(std::string_view text) : text_(text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
}

std::optional<std::string_view> ConfigFile::value(std::string_view section,
                                                  std::string_view key) const {
  std::string_view rest = text_;
  std::string_view line;
  const bool anywhere = section.empty();
  bool inside = anywhere;
  while (take_line(rest, line)) {
    if (line.starts_with('[')) {
      if (anywhere) continue;
      if (inside) return std::nullopt;
      inside = line.substr(1, line.find(']') - 1) == section;
    } else if (inside && line.starts_with(key)) {
      const std::string_view behind = trimmed(line.substr(key.size()));
      if (behind.starts_with('=')) return trimmed(behind.substr(1));
    }
  }
  return std::nullopt;
}

FileAndWords split_file(std::string_view value) {
  FileAndWords out;
  out.file = take_word(value);
  out.words = trimmed(value);
  return out;
}

StartOptions parse_start_options(std::string_view line) {
  StartOptions out;
  bool first = true;
  for (;; first = false) {
    const std::string_view word = first ? take_program(line) : take_word(line);
    if (word.empty()) return out;
    if (word == "--") {
      out.options = trimmed(line);
      return out;
    }
    const bool is_option = word.starts_with('-') || word.starts_with('/');
    const std::string_view option = is_option ? word.substr(1) : std::string_view();
    if (option.starts_with("cfg=")) {
      out.config = option.substr(4);
    } else if (option == "cfg") {
      out.config = take_word(line);
    } else if (option == "help") {
      out.wants_help = true;
    } else if (first) {
      out.first = word;
    } else if (is_option) {
      if (out.unknown.empty()) out.unknown = word;
    } else {
      out.section = word;
    }
  }
}

bool names_program(std::string_view word, std::string_view name) {
  word.remove_prefix(word.find_last_of("\\/:") + 1);
  const auto is = [word](std::string_view what) {
    return std::ranges::equal(word, what, {}, lower, lower);
  };
  return is(name) || is(name.substr(0, name.rfind('.')));
}

std::optional<std::string_view> ascii_of(std::span<const std::byte> ucs2, std::span<char> out) {
  std::size_t length = 0;
  for (std::size_t at = 0; at + 1 < ucs2.size(); at += 2) {
    const auto low = std::to_integer<unsigned char>(ucs2[at]);
    const auto high = std::to_integer<unsigned char>(ucs2[at + 1]);
    if (low == 0 && high == 0) break;
    if (high != 0 || low < ' ' || low > '~' || length == out.size()) return std::nullopt;
    out[length++] = static_cast<char>(low);
  }
  return std::string_view(out.data(), length);
}

std::size_t shorter_name(std::u16string_view name) {
  const std::size_t at = name.find_last_of(u".-_");
  return at == std::u16string_view::npos ? 0 : at;
}

}  // namespace socle::efi
