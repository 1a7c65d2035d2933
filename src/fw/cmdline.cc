// SPDX-License-Identifier: Apache-2.0
#include "fw/cmdline.h"

#include <algorithm>
#include <array>

namespace socle::fw {

namespace {

// A number in C's notation (decimal, 0x..., 0...) at the front of `text`, which loses it.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  unsigned base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  std::uint64_t value = 0;
  std::size_t digits = 0;
  for (; digits < text.size(); ++digits) {
    const char c = text[digits];
    unsigned digit = 99;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A' + 10);
    if (digit >= base) break;
    if (__builtin_mul_overflow(value, std::uint64_t{base}, &value) ||
        __builtin_add_overflow(value, std::uint64_t{digit}, &value))
      return std::nullopt;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

std::optional<unsigned> parse_count(std::string_view text) {
  const auto value = take_number(text);
  if (!value || !text.empty() || *value == 0 || *value > 0xffff) return std::nullopt;
  return static_cast<unsigned>(*value);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto value = take_number(text);
  if (!value || text.size() > 1) return std::nullopt;
  unsigned shift = 10;
  if (!text.empty()) {
    switch (text[0]) {
      case 'b':
      case 'B':
        shift = 0;
        break;
      case 'k':
      case 'K':
        shift = 10;
        break;
      case 'm':
      case 'M':
        shift = 20;
        break;
      case 'g':
      case 'G':
        shift = 30;
        break;
      case 't':
      case 'T':
        shift = 40;
        break;
      default:
        return std::nullopt;
    }
  }
  if (*value > (~std::uint64_t{0} >> shift)) return std::nullopt;
  return *value << shift;
}

std::optional<bool> parse_boolean(std::string_view text) {
  constexpr std::array<std::string_view, 5> kYes = {"1", "yes", "on", "true", "enable"};
  constexpr std::array<std::string_view, 5> kNo = {"0", "no", "off", "false", "disable"};
  for (const std::string_view word : kYes)
    if (text == word) return true;
  for (const std::string_view word : kNo)
    if (text == word) return false;
  return std::nullopt;
}

// One word of the command line: name, and value if there is an '='.
struct Word {
  std::string_view whole;
  std::string_view name;
  std::optional<std::string_view> value;
};

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char left = a[i] == '-' ? '_' : a[i];
    const char right = b[i] == '-' ? '_' : b[i];
    if (left != right) return false;
  }
  return true;
}

bool set_dom0_mem(Options& options, std::string_view value) {
  Dom0Memory memory;
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(','), value.size());
    std::string_view part = value.substr(0, end);
    value.remove_prefix(std::min(end + 1, value.size()));
    std::optional<std::uint64_t>* to = &memory.size;
    if (part.starts_with("min:")) {
      to = &memory.minimum;
      part.remove_prefix(4);
    } else if (part.starts_with("max:")) {
      to = &memory.maximum;
      part.remove_prefix(4);
    }
    *to = parse_size(part);
    if (!*to || **to == 0) return false;
  }
  if (!memory.size && !memory.minimum && !memory.maximum) return false;
  options.dom0_mem = memory;
  return true;
}

struct Level {
  std::string_view name;
  LogLevel level;
  bool none;
};
constexpr std::array<Level, 6> kLevels = {{{"none", LogLevel::kError, true},
                                           {"error", LogLevel::kError, false},
                                           {"warning", LogLevel::kWarning, false},
                                           {"info", LogLevel::kInfo, false},
                                           {"debug", LogLevel::kDebug, false},
                                           {"all", LogLevel::kDebug, false}}};

const Level* find_level(std::string_view name) {
  for (const Level& level : kLevels)
    if (level.name == name) return &level;
  return nullptr;
}

// The part after the slash, messages shown at a limited rate, is shown too: there is no limit.
bool set_level(std::optional<LogLevel>& to, bool& none, std::string_view value) {
  const std::size_t slash = std::min(value.find('/'), value.size());
  const Level* level = find_level(value.substr(0, slash));
  if (level == nullptr) return false;
  if (slash < value.size()) {
    const Level* limited = find_level(value.substr(slash + 1));
    if (limited == nullptr) return false;
    if (!limited->none && (level->none || limited->level > level->level)) level = limited;
  }
  to = level->level;
  none = level->none;
  return true;
}

bool set_count(std::optional<unsigned>& to, std::string_view value) {
  const auto count = parse_count(value);
  if (count) to = count;
  return count.has_value();
}

constexpr std::array kMmioFaults = {MmioFault::kDeny, MmioFault::kLog, MmioFault::kMap};

bool set_mmio_fault(Options& options, std::string_view value) {
  constexpr std::string_view kByPages = ",pages";
  const bool by_pages = value.ends_with(kByPages);
  if (by_pages) value.remove_suffix(kByPages.size());
  for (const MmioFault policy : kMmioFaults) {
    if (value != to_string(policy)) continue;
    if (by_pages && policy != MmioFault::kMap) return false;
    options.mmio_fault = policy;
    options.mmio_fault_by_pages = by_pages;
    return true;
  }
  return false;
}

bool set_acpi(Acpi& to, std::string_view value) {
  const auto wanted = parse_boolean(value);
  if (!wanted && value != "force") return false;
  to = !wanted ? Acpi::kForce : *wanted ? Acpi::kOn : Acpi::kOff;
  return true;
}

// Of Xen's list only rs: attr= is x86's.
bool set_efi_runtime(bool& to, std::string_view value) {
  if (value == "rs" || value == "no-rs") {
    to = value == "rs";
    return true;
  }
  if (!value.starts_with("rs=")) return false;
  const auto wanted = parse_boolean(value.substr(3));
  to = wanted.value_or(to);
  return wanted.has_value();
}

// What boot knows; a list's other words (vga) mean nothing on Arm.
bool set_console(Options& options, std::string_view value) {
  if (value != "none" && value.substr(0, value.find(',')) != "dtuart") return false;
  options.console = value;
  return true;
}

// PATH[:OPTIONS]: whether there are options that do not begin with a speed.
bool has_bad_speed(std::string_view dtuart) {
  const std::size_t end = std::min(dtuart.find(':'), dtuart.size());
  const std::string_view port_options = dtuart.substr(std::min(end + 1, dtuart.size()));
  return !port_options.empty() && read_speed(port_options) == 0;
}

enum class Answer : std::uint8_t { kTaken, kBadValue, kUnknown };

Answer taken_if(bool ok) {
  return ok ? Answer::kTaken : Answer::kBadValue;
}

Answer apply_value(Options& options, const Word& word) {
  const std::string_view value = word.value.value_or(std::string_view());
  if (same_name(word.name, "console")) return taken_if(set_console(options, value));
  if (same_name(word.name, "dtuart")) {
    options.dtuart = value;
    return taken_if(!value.empty());
  }
  if (same_name(word.name, "dom0_mem")) return taken_if(set_dom0_mem(options, value));
  if (same_name(word.name, "dom0_max_vcpus"))
    return taken_if(set_count(options.dom0_max_vcpus, value));
  if (same_name(word.name, "maxcpus")) return taken_if(set_count(options.maxcpus, value));
  if (same_name(word.name, "loglvl"))
    return taken_if(set_level(options.loglvl, options.loglvl_none, value));
  if (same_name(word.name, "guest_loglvl"))
    return taken_if(set_level(options.guest_loglvl, options.guest_loglvl_none, value));
  if (same_name(word.name, "acpi")) return taken_if(set_acpi(options.acpi, value));
  if (same_name(word.name, "efi")) return taken_if(set_efi_runtime(options.efi_runtime, value));
  if (same_name(word.name, "mmio_fault")) return taken_if(set_mmio_fault(options, value));
  if (same_name(word.name, "iommu_passthrough"))
    return taken_if(!value.empty() && options.iommu_passthrough.push_back(value).has_value());
  return Answer::kUnknown;
}

// noreboot, no-sync_console, sync_console=off
Answer apply_boolean(Options& options, const Word& word) {
  bool* to = nullptr;
  bool negated = false;
  if (same_name(word.name, "noreboot")) {
    to = &options.noreboot;
  } else if (same_name(word.name, "sync_console")) {
    to = &options.sync_console;
  } else if (same_name(word.name, "no_noreboot")) {
    to = &options.noreboot;
    negated = true;
  } else if (same_name(word.name, "no_sync_console")) {
    to = &options.sync_console;
    negated = true;
  } else {
    return Answer::kUnknown;
  }
  if (negated && word.value) return Answer::kBadValue;
  const auto value = word.value ? parse_boolean(*word.value) : std::optional(!negated);
  if (!value) return Answer::kBadValue;
  *to = *value;
  return Answer::kTaken;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::optional<Word> take_word(std::string_view& line) {
  while (!line.empty() && is_blank(line.front()))
    line.remove_prefix(1);
  std::size_t end = 0;
  while (end < line.size() && !is_blank(line[end]))
    ++end;
  if (end == 0) return std::nullopt;
  Word word{.whole = line.substr(0, end), .name = line.substr(0, end), .value = std::nullopt};
  line.remove_prefix(end);
  if (const std::size_t equals = word.whole.find('='); equals != std::string_view::npos) {
    word.name = word.whole.substr(0, equals);
    word.value = word.whole.substr(equals + 1);
  }
  return word;
}

}  // namespace

const char* to_string(MmioFault policy) {
  switch (policy) {
    case MmioFault::kDeny:
      return "deny";
    case MmioFault::kLog:
      return "log";
    case MmioFault::kMap:
      return "map";
  }
  return "";
}

Options parse_options(std::string_view line, Diagnostics& notes) {
  Options options;
  while (const auto word = take_word(line)) {
    Answer answer = apply_value(options, *word);
    if (answer == Answer::kUnknown) answer = apply_boolean(options, *word);
    if (answer == Answer::kUnknown)
      notes.warning("command line: unknown option '{}' is ignored", word->whole);
    if (answer == Answer::kBadValue)
      notes.warning("command line: '{}' has a bad value and is ignored", word->whole);
  }
  if (has_bad_speed(options.dtuart))
    notes.warning("dtuart={}: a speed that cannot be read, firmware's stays", options.dtuart);
  return options;
}

std::uint32_t read_speed(std::string_view port_options) {
  constexpr std::uint32_t kHighest = 20'000'000;
  std::uint32_t baud = 0;
  for (const char c : port_options) {
    if (c < '0' || c > '9') break;
    baud = baud * 10 + static_cast<std::uint32_t>(c - '0');
    if (baud > kHighest) return 0;
  }
  return baud;
}

}  // namespace socle::fw
