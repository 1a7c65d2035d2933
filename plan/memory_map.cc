// SPDX-License-Identifier: Apache-2.0
#include "plan/memory_map.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <utility>

#include "plan/report.h"

namespace socle::plan {

namespace {

using fw::EfiMemoryType;

constexpr std::size_t kDescriptorSize = 40;
constexpr std::size_t kMostRanges = fw::kMaxEfiMemoryMapBytes / kDescriptorSize;
constexpr std::string_view kLogHeader = "Processing EFI memory map:";

struct MapRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  EfiMemoryType type = EfiMemoryType::kReserved;
  std::uint64_t attributes = 0;
};

// Names as Linux and the shell (short and long) have them, without case, blanks and signs.
struct TypeName {
  std::string_view name;
  EfiMemoryType type;
};
constexpr std::array kTypeNames = std::to_array<TypeName>({
    {"reserved", EfiMemoryType::kReserved},
    {"loadercode", EfiMemoryType::kLoaderCode},
    {"loaderdata", EfiMemoryType::kLoaderData},
    {"bootcode", EfiMemoryType::kBootServicesCode},
    {"bootservicecode", EfiMemoryType::kBootServicesCode},
    {"bscode", EfiMemoryType::kBootServicesCode},
    {"bootdata", EfiMemoryType::kBootServicesData},
    {"bootservicedata", EfiMemoryType::kBootServicesData},
    {"bsdata", EfiMemoryType::kBootServicesData},
    {"runtimecode", EfiMemoryType::kRuntimeServicesCode},
    {"rtcode", EfiMemoryType::kRuntimeServicesCode},
    {"runtimedata", EfiMemoryType::kRuntimeServicesData},
    {"rtdata", EfiMemoryType::kRuntimeServicesData},
    {"conventional", EfiMemoryType::kConventional},
    {"conventionalmemory", EfiMemoryType::kConventional},
    {"available", EfiMemoryType::kConventional},
    {"unusable", EfiMemoryType::kUnusable},
    {"unusablememory", EfiMemoryType::kUnusable},
    {"acpireclaim", EfiMemoryType::kAcpiReclaim},
    {"acpireclaimmemory", EfiMemoryType::kAcpiReclaim},
    {"acpirecl", EfiMemoryType::kAcpiReclaim},
    {"acpimemnvs", EfiMemoryType::kAcpiNvs},
    {"acpimemorynvs", EfiMemoryType::kAcpiNvs},
    {"acpinvs", EfiMemoryType::kAcpiNvs},
    {"mmio", EfiMemoryType::kMemoryMappedIo},
    {"memorymappedio", EfiMemoryType::kMemoryMappedIo},
    {"mmioport", EfiMemoryType::kMemoryMappedIoPorts},
    {"mmioportspace", EfiMemoryType::kMemoryMappedIoPorts},
    {"memorymappedioportspace", EfiMemoryType::kMemoryMappedIoPorts},
    {"palcode", EfiMemoryType::kPalCode},
    {"persistent", EfiMemoryType::kPersistent},
    {"persistentmemory", EfiMemoryType::kPersistent},
    {"unaccepted", EfiMemoryType::kUnaccepted},
    {"unacceptedmemory", EfiMemoryType::kUnaccepted},
});

std::optional<EfiMemoryType> type_of(std::string_view words) {
  std::string name;
  for (const char c : words.substr(0, 64)) {
    if (c >= 'a' && c <= 'z') name.push_back(c);
    if (c >= 'A' && c <= 'Z') name.push_back(static_cast<char>(c - 'A' + 'a'));
  }
  const auto* const found = std::ranges::find(kTypeNames, name, &TypeName::name);
  if (found == kTypeNames.end()) return std::nullopt;
  return found->type;
}

// Linux's letters for those attributes that mean something here.
std::uint64_t attribute_of(std::string_view letters) {
  if (letters == "WB") return fw::kEfiMemoryWriteBack;
  if (letters == "XP") return fw::kEfiMemoryExecuteProtect;
  if (letters == "RO") return fw::kEfiMemoryReadOnly;
  if (letters == "SP") return fw::kEfiMemorySpecificPurpose;
  if (letters == "RUN") return fw::kEfiMemoryRuntime;
  return 0;
}

// --- pieces of a line ---

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Takes what comes before the mark, and the mark. Nothing if it is not there.
std::optional<std::string_view> take_until(std::string_view& text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + mark.size());
  return before;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

std::optional<std::uint64_t> number(std::string_view text, int base = 16) {
  if (base == 16) take(text, "0x");
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "BEGIN-LAST", hexadecimal.
std::optional<MapRange> range_of(std::string_view text) {
  const auto first = take_until(text, "-");
  if (!first) return std::nullopt;
  const auto begin = number(*first);
  const auto last = number(text);
  if (!begin || !last || *last < *begin) return std::nullopt;
  return MapRange{.first = *begin, .last = *last};
}

// --- the kinds of text ---

// What one line says.
enum class Says : std::uint8_t { kNothing, kRange, kMapBegins, kNonsense };

class IomemReader {
 public:
  // "  40000000-bc43ffff : System RAM": below RAM stands what the kernel does with it.
  Says read(std::string_view line, MapRange& out) {
    const std::string_view text = trimmed(line);
    if (text.empty()) return Says::kNothing;
    const std::size_t depth = line.find_first_not_of(' ');
    std::string_view rest = text;
    const auto addresses = take_until(rest, " :");
    const auto range = addresses ? range_of(*addresses) : std::nullopt;
    if (!range) return Says::kNonsense;
    has_addresses_ = has_addresses_ || range->last != 0;
    has_lines_ = true;
    if (depth > memory_depth_) return Says::kNothing;
    memory_depth_ = std::numeric_limits<std::size_t>::max();
    if (!describe(trimmed(rest), out)) return Says::kNothing;
    memory_depth_ = depth;
    out.first = range->first;
    out.last = range->last;
    return Says::kRange;
  }
  [[nodiscard]] bool is_for_root_only() const { return has_lines_ && !has_addresses_; }

 private:
  static bool describe(std::string_view name, MapRange& out) {
    const auto is = [&](EfiMemoryType type, std::uint64_t attributes) {
      out.type = type;
      out.attributes = attributes;
      return true;
    };
    if (name.starts_with("System RAM"))
      return is(EfiMemoryType::kConventional, fw::kEfiMemoryWriteBack);
    if (name == "reserved") return is(EfiMemoryType::kReserved, 0);
    if (name == "Soft Reserved")
      return is(EfiMemoryType::kConventional,
                fw::kEfiMemoryWriteBack | fw::kEfiMemorySpecificPurpose);
    if (name.starts_with("Persistent Memory")) return is(EfiMemoryType::kPersistent, 0);
    return false;
  }

  std::size_t memory_depth_ = std::numeric_limits<std::size_t>::max();
  bool has_lines_ = false;
  bool has_addresses_ = false;
};

// "Conventional|   |MR|  |WB|  |  ]*", "type=2147483648|attr=0x800000000000000f]"
bool read_type(std::string_view text, MapRange& out) {
  std::string_view rest = text.substr(0, text.find(']'));
  const auto word = take_until(rest, "|");
  if (!word) return false;
  std::string_view name = *word;
  if (take(name, "type=")) {
    const auto value = number(name, 10);
    if (!value || *value > std::numeric_limits<std::uint32_t>::max()) return false;
    out.type = static_cast<EfiMemoryType>(*value);
  } else {
    const auto type = type_of(name);
    if (!type) return false;
    out.type = *type;
  }
  if (take(rest, "attr=")) {
    const auto value = number(rest);
    out.attributes = value.value_or(0);
    return value.has_value();
  }
  out.attributes = 0;
  while (!rest.empty()) {
    const std::string_view letters = rest.substr(0, rest.find('|'));
    out.attributes |= attribute_of(trimmed(letters));
    rest.remove_prefix(std::min(letters.size() + 1, rest.size()));
  }
  return true;
}

// Whatever the log writes before "efi:". arm64:
//   efi:   0x000040000000-0x000043ffffff [Conventional|   |...|WB|  |  |  ]
// x86, whose first range has the number 0:
//   efi: mem00: [Conventional|   |...|WB|  |  |  ] range=[0x0000000040000000-0x...] (64MB)
Says read_log_line(std::string_view line, MapRange& out) {
  if (!take_until(line, "efi:")) return Says::kNothing;
  std::string_view text = trimmed(line);
  if (text == kLogHeader) return Says::kMapBegins;
  if (text.starts_with("0x")) {
    const auto addresses = take_until(text, " [");
    const auto range = addresses ? range_of(trimmed(*addresses)) : std::nullopt;
    if (!range) return Says::kNonsense;
    out = *range;
    return read_type(text, out) ? Says::kRange : Says::kNonsense;
  }
  if (!take(text, "mem")) return Says::kNothing;
  const auto index = take_until(text, ": [");
  const auto count = index ? number(*index, 10) : std::nullopt;
  if (!count) return Says::kNothing;  // "memattr: ..."
  const auto type = take_until(text, "range=[");
  const auto addresses = take_until(text, "]");
  const auto range = type && addresses ? range_of(*addresses) : std::nullopt;
  if (!range) return Says::kNonsense;
  out = *range;
  return read_type(*type, out) ? Says::kRange : Says::kNonsense;
}

bool is_first_of_numbered(std::string_view line) {
  return line.find("efi: mem00: [") != std::string_view::npos;
}

class ShellReader {
 public:
  // After the heading, a line each until the sums:
  //   Available  0000000040000000-0000000043FFFFFF 0000000000004000 0000000000000008
  // or with -sfo, and nothing else counts:
  //   MemoryMap,"Available","40000000","43FFFFFF","4000","8"
  Says read(std::string_view line, MapRange& out) {
    std::string_view text = trimmed(line);
    if (take(text, "MemoryMap,")) return read_quoted(text, out) ? Says::kRange : Says::kNonsense;
    if (text.starts_with("ShellCommand,")) return Says::kMapBegins;
    if (is_heading(text)) {
      in_table_ = true;
      return Says::kMapBegins;
    }
    if (text.empty() || text.find(" Pages (") != std::string_view::npos) in_table_ = false;
    if (!in_table_) return Says::kNothing;
    return read_columns(text, out) ? Says::kRange : Says::kNonsense;
  }
  static bool is_heading(std::string_view text) {
    return text.starts_with("Type ") && text.find(" # Pages ") != std::string_view::npos;
  }

 private:
  static bool fill(std::string_view type, const std::optional<MapRange>& range,
                   std::optional<std::uint64_t> pages, std::optional<std::uint64_t> attributes,
                   MapRange& out) {
    if (!range || !pages || !attributes) return false;
    // A range that lost a digit on its way would be taken for less RAM, or for more.
    if (*pages == 0 || (range->last - range->first) / kFrameSize != *pages - 1) return false;
    out = *range;
    out.attributes = *attributes;
    if (const auto known = type_of(type)) {
      out.type = *known;
      return true;
    }
    // A number of an OEM's or a loader's own.
    const auto own = type.size() == 8 ? number(type) : std::nullopt;
    if (own) out.type = static_cast<EfiMemoryType>(*own);
    return own.has_value();
  }
  static bool read_columns(std::string_view text, MapRange& out) {
    std::array<std::string_view, 4> words;
    for (std::string_view& word : words) {
      word = text.substr(0, text.find(' '));
      text = trimmed(text.substr(word.size()));
    }
    if (!text.empty()) return false;
    return fill(words[0], range_of(words[1]), number(words[2]), number(words[3]), out);
  }
  static bool read_quoted(std::string_view text, MapRange& out) {
    std::array<std::string_view, 5> words;
    for (std::string_view& word : words) {
      if (!take_until(text, "\"")) return false;
      const auto inside = take_until(text, "\"");
      if (!inside) return false;
      word = *inside;
    }
    const auto first = number(words[1]);
    const auto last = number(words[2]);
    if (!first || !last || *last < *first) return false;
    return fill(words[0], MapRange{.first = *first, .last = *last}, number(words[3]),
                number(words[4]), out);
  }

  bool in_table_ = false;
};

// --- all of them ---

// UEFI's shell writes UTF-16 to files, and to a serial line the control sequences of a terminal.
std::string plain(std::string_view bytes) {
  std::string out;
  if (bytes.starts_with("\xff\xfe")) {
    for (std::size_t i = 2; i + 1 < bytes.size(); i += 2)
      out.push_back(bytes[i + 1] == '\0' ? bytes[i] : '?');
  } else {
    if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
    out = bytes;
  }
  std::size_t to = 0;
  for (std::size_t from = 0; from < out.size();) {
    if (out[from] == '\x1b' && from + 1 < out.size() && out[from + 1] == '[') {
      from = out.find_first_of("ABCDHJKfhlmnsu\n", from + 2);
      if (from == std::string::npos) break;
      if (out[from] != '\n') ++from;
    } else {
      if (out[from] != '\r') out[to++] = out[from];
      ++from;
    }
  }
  out.resize(to);
  return out;
}

class MapBuilder {
 public:
  bool add(const MapRange& range) {
    if (count_ == kMostRanges) return false;
    // RAM that is not whole frames is none; of anything else the whole frame is touched.
    std::uint64_t first = align_down<std::uint64_t>(range.first, kFrameSize);
    std::uint64_t frames = range.last / kFrameSize - first / kFrameSize + 1;
    if (range.type == EfiMemoryType::kConventional) {
      if (first != range.first) {
        first += kFrameSize;
        --frames;
      }
      if (frames != 0 && range.last % kFrameSize != kFrameSize - 1) --frames;
      if (frames == 0) return true;
    }
    const std::size_t at = bytes_.size();
    bytes_.resize(at + kDescriptorSize);
    put(at, static_cast<std::uint32_t>(range.type));
    put(at + 8, first);
    put(at + 24, frames);
    put(at + 32, range.attributes);
    ++count_;
    return true;
  }
  void clear() {
    bytes_.clear();
    count_ = 0;
  }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

 private:
  template <typename T>
  void put(std::size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof(value));
  }
  std::vector<std::byte> bytes_;
  std::size_t count_ = 0;
};

std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// A text of one kind, to its end.
class MapReader {
 public:
  MapReader(const std::string& name, MapKind kind) : name_(name), kind_(kind) {}

  Outcome<MemoryMap> read(std::string_view text) {
    for (std::size_t number = 1; !text.empty(); ++number) {
      const std::string_view line = next_line(text);
      if (const char* wrong = take_line(line); wrong != nullptr)
        return fail(
            fmt::format("line {}: {}: '{}'", number, wrong, printable(line.substr(0, 100))));
    }
    if (iomem_.is_for_root_only() || builder_.bytes().empty()) return fail(what_is_missing());
    return MemoryMap{
        .file = name_, .kind = kind_, .descriptors = std::move(builder_.bytes()), .doubt = doubt()};
  }

 private:
  [[nodiscard]] std::unexpected<Failure> fail(std::string_view what) const {
    return std::unexpected(Failure{fmt::format("{}: {}", name_, what)});
  }

  // What is wrong with it, or null.
  const char* take_line(std::string_view line) {
    MapRange range;
    switch (says(line, range)) {
      case Says::kNothing:
        return nullptr;
      case Says::kNonsense:
        return "not understood";
      case Says::kMapBegins:  // of another boot: the last one counts
        begin();
        return nullptr;
      case Says::kRange:
        break;
    }
    if (kind_ == MapKind::kKernelLog && is_first_of_numbered(line)) begin();
    return builder_.add(range) ? nullptr : "a range too many";
  }

  Says says(std::string_view line, MapRange& range) {
    switch (kind_) {
      case MapKind::kIomem:
        return iomem_.read(line, range);
      case MapKind::kKernelLog:
        return read_log_line(line, range);
      case MapKind::kShell:
        return shell_.read(line, range);
    }
    return Says::kNothing;
  }

  void begin() {
    builder_.clear();
    has_beginning_ = true;
  }

  [[nodiscard]] std::string what_is_missing() const {
    switch (kind_) {
      case MapKind::kIomem:
        return iomem_.is_for_root_only() ? "all addresses are 0: the kernel shows them to root "
                                           "only (sudo cat /proc/iomem)"
                                         : "/proc/iomem without any memory";
      case MapKind::kKernelLog:
        return "a kernel's log without UEFI's memory map: boot with efi=debug, or give /proc/iomem";
      case MapKind::kShell:
        return "memmap of UEFI's shell without any memory";
    }
    return "";
  }

  [[nodiscard]] std::string doubt() const {
    if (kind_ == MapKind::kIomem)
      return "/proc/iomem does not tell ACPI's memory from RAM, nor names UEFI's devices: "
             "efi=debug "
             "in Linux's log does";
    if (kind_ == MapKind::kKernelLog && !has_beginning_)
      return "the log does not show where UEFI's memory map begins: RAM may be missing";
    return "";
  }

  const std::string& name_;
  MapKind kind_;
  IomemReader iomem_;
  ShellReader shell_;
  MapBuilder builder_;
  bool has_beginning_ = false;
};

}  // namespace

const char* to_string(MapKind kind) {
  switch (kind) {
    case MapKind::kIomem:
      return "/proc/iomem";
    case MapKind::kKernelLog:
      return "a kernel's log";
    case MapKind::kShell:
      return "memmap of UEFI's shell";
  }
  return "";
}

fw::EfiMemoryMapBytes MemoryMap::bytes() const {
  return {.bytes = descriptors, .descriptor_size = kDescriptorSize, .descriptor_version = 1};
}

std::optional<MapKind> kind_of_map(std::string_view contents) {
  // Whatever it is, it says so early: blobs of many megabytes are asked, too.
  constexpr std::size_t kEnough = 4 * kMiB;
  const std::string text = plain(contents.substr(0, kEnough));
  if (text.find('\0') != std::string::npos) return std::nullopt;
  bool is_log = false;
  bool is_first = true;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = next_line(rest);
    if (trimmed(line).empty()) continue;
    MapRange ignored;
    if (is_first && IomemReader().read(line, ignored) != Says::kNonsense) return MapKind::kIomem;
    is_first = false;
    if (ShellReader::is_heading(trimmed(line)) || trimmed(line).starts_with("MemoryMap,\""))
      return MapKind::kShell;
    if (const Says says = read_log_line(line, ignored);
        says == Says::kMapBegins || says == Says::kRange)
      return MapKind::kKernelLog;
    is_log = is_log || line.find("] Linux version ") != std::string_view::npos ||
             line.find("kernel: Linux version ") != std::string_view::npos;
  }
  return is_log ? std::optional(MapKind::kKernelLog) : std::nullopt;
}

Outcome<MemoryMap> memory_map_of(const std::string& name, std::string_view contents) {
  const auto kind = kind_of_map(contents);
  if (!kind)
    return std::unexpected(Failure{fmt::format(
        "{}: no memory map: neither /proc/iomem, nor a kernel's log, nor memmap of UEFI's shell",
        name)});
  return MapReader(name, *kind).read(plain(contents));
}

}  // namespace socle::plan
