// SPDX-License-Identifier: Apache-2.0
#include "efi/loader.h"

#include <array>
#include <optional>
#include <string_view>

#include "fw/acpi/tables.h"
#include "fw/boot_modules.h"
#include "fw/dt/big_endian.h"
#include "fw/dt/tree.h"
#include "fw/efi_memory_map.h"

#include "efi/config_file.h"
#include "efi/firmware.h"
#include "efi/tree_edit.h"

namespace socle::efi {

namespace {

using fw::dt::Node;
using namespace std::string_view_literals;

constexpr std::size_t kArenaBytes = kMiB;
// What the Image protocol allows, and Socle's early reader with it.
constexpr std::size_t kMaxTreeBytes = 2 * kMiB;
constexpr std::size_t kMaxLine = 1024;
constexpr unsigned kMaxPathNodes = 32;
constexpr unsigned kMaxChain = 4;  // files; each is an allocation

// Where this program lies: directory with a separator at its end, and name.
struct Place {
  FilePath directory;
  FilePath name;
};

struct Module {
  std::string_view compatible;  // strings with their NULs
  std::span<const std::byte> bytes;
  std::string_view command_line;
};

PaRange range_of(std::span<const std::byte> bytes) {
  const Pa begin(reinterpret_cast<std::uintptr_t>(bytes.data()));
  return PaRange(begin, begin + bytes.size());
}

// The file names in a device path, one after the other.
std::optional<FilePath> path_in(const DevicePath* node) {
  FilePath path;
  for (unsigned i = 0; node != nullptr && i < kMaxPathNodes; ++i) {
    const std::size_t length = node->length[0] | (std::size_t{node->length[1]} << 8);
    if (node->type == kEndOfPath || length < sizeof(DevicePath)) return path;
    const auto* const bytes = reinterpret_cast<const std::byte*>(node);
    if (node->type == kMediaPath && node->subtype == kFilePathSubtype) {
      const std::u16string_view before = path.view();
      if (!before.empty() && !before.ends_with(u'\\') && !path.append(std::u16string_view(u"\\")))
        return std::nullopt;
      // Byte by byte: nothing aligns the nodes.
      for (std::size_t at = sizeof(DevicePath); at + 1 < length; at += 2) {
        auto c = static_cast<char16_t>(std::to_integer<unsigned>(bytes[at]) |
                                       (std::to_integer<unsigned>(bytes[at + 1]) << 8));
        if (c == u'\0') break;
        if (c == u'/') c = u'\\';  // U-Boot's
        if (!path.append(std::u16string_view(&c, 1))) return std::nullopt;
      }
    }
    node = reinterpret_cast<const DevicePath*>(bytes + length);
  }
  return path;
}

class Loader {
 public:
  Loader(Firmware& firmware, const SystemTable& system, const LoaderSeams& seams)
      : firmware_(firmware), system_(system), seams_(seams) {}

  Result<std::uint64_t> run() {
    if (seams_.exception_level != 2)
      return firmware_.refuse(Error::kUnsupported, "firmware runs at EL{}; a hypervisor needs EL2",
                              seams_.exception_level);
    image_ = firmware_.loaded_image();
    if (image_ == nullptr)
      return firmware_.refuse(Error::kUnsupported, "firmware does not say what it loaded");
    arena_.emplace(TRY(firmware_.allocate(kArenaBytes)));
    notes_.emplace(*arena_);
    edit_.emplace(*arena_);
    TRY(read_start_options());
    TRY(find_tree());
    if (boot_.modules.empty()) TRY(load_by_configuration());
    const std::span<std::byte> map = TRY(firmware_.allocate_memory_map());
    if (!fw::describes_machine(*tree_)) TRY(check_acpi(map));
    TRY(write_tree(map));
    return finish(map);
  }

 private:
  Result<> read_start_options() {
    if (image_->load_options == nullptr) return {};
    const auto line = ascii_of(
        std::span(static_cast<const std::byte*>(image_->load_options), image_->load_options_size),
        start_line_);
    if (!line) {
      firmware_.say("the load options are no text, or longer than {} characters: ignored",
                    kMaxLine);
      return {};
    }
    start_ = parse_start_options(*line);
    if (start_.wants_help)
      return firmware_.refuse(Error::kInvalid,
                              "words are [-cfg=FILE] [SECTION] [-- OPTIONS OF SOCLE]");
    if (!start_.unknown.empty())
      firmware_.say("'{}' is no option of this program: ignored", start_.unknown);
    return {};
  }

  // The machine as firmware describes it: a device tree, or else ACPI, to which the tree then only
  // adds what Socle is told.
  Result<> find_tree() {
    const void* const table = firmware_.table(kDeviceTreeTable);
    if (table == nullptr) {
      firmware_.say("no device tree: this machine is described by ACPI alone");
      return open_tree(empty_tree());
    }
    const auto* const bytes = static_cast<const std::byte*>(table);
    const auto size = fw::dt::Tree::claimed_size(std::span(bytes, 8));
    if (!size || *size > kMaxTreeBytes)
      return firmware_.refuse(Error::kCorrupt, "firmware's device tree is none");
    return open_tree(std::span(bytes, *size));
  }

  Result<> open_tree(std::span<const std::byte> blob) {
    boot_ = {};
    const auto tree = fw::dt::Tree::open(blob, *arena_, *notes_);
    const Result<> read = tree ? fw::read_boot_info(**tree, boot_) : fail(tree.error());
    if (!read) return refuse_as_noted(read.error());
    tree_ = *tree;
    return {};
  }

  std::unexpected<Error> refuse_as_noted(Error error) {
    for (const fw::Diagnostics::Line& line : notes_->lines())
      firmware_.say("{}", line.text);
    return fail(error);
  }

  [[nodiscard]] const void* find_rsdp() const {
    const void* const rsdp = firmware_.table(kAcpi20Table);
    return rsdp != nullptr ? rsdp : firmware_.table(kAcpi10Table);
  }

  // ACPI is all that describes the machine, its console included: later, nobody would hear that it
  // cannot be read.
  Result<> check_acpi(std::span<std::byte> room) {
    const void* const rsdp = find_rsdp();
    if (rsdp == nullptr)
      return firmware_.refuse(Error::kNotFound,
                              "no device tree, no ACPI: nothing describes this machine");
    const auto map = TRY(firmware_.read_memory_map(room));
    const auto memory = fw::read_efi_memory_map(
        {room.first(map.bytes), map.descriptor_size, map.descriptor_version}, *arena_, *notes_);
    if (!memory) return refuse_as_noted(memory.error());
    const auto read = [&](PaRange range) -> std::optional<std::span<const std::byte>> {
      for (const fw::EfiMemoryRange& known : *memory)
        if ((known.use() == fw::EfiMemoryRange::Use::kFirmware || known.is_of_boot_services()) &&
            known.range.contains(range))
          return std::span(reinterpret_cast<const std::byte*>(range.begin().value()), range.size());
      return std::nullopt;
    };
    const auto usable =
        fw::acpi::check_root(Pa(reinterpret_cast<std::uintptr_t>(rsdp)), read, *arena_, *notes_);
    return usable ? Result<>() : refuse_as_noted(usable.error());
  }

  // --- the configuration file ---

  Result<> load_by_configuration() {
    const auto place = find_place();
    if (!place)
      return firmware_.refuse(Error::kNotFound,
                              "no modules in a device tree, and no file's name for this program");
    const auto [config, section, kernel] = TRY(choose_section(*place));
    if (config.value(section, "xsm"))
      firmware_.say("configuration: xsm= is ignored: Socle has no security policies");
    if (const auto dtb = config.value(section, "dtb")) TRY(replace_tree(*place, *dtb));
    const FileAndWords program = split_file(kernel);
    choose_cells();
    TRY(add_module({.compatible = "multiboot,kernel\0multiboot,module\0"sv,
                    .bytes = TRY(load_file(*place, program.file)),
                    .command_line = program.words}));
    if (const auto ramdisk = config.value(section, "ramdisk"))
      TRY(add_module({.compatible = "multiboot,ramdisk\0multiboot,module\0"sv,
                      .bytes = TRY(load_file(*place, split_file(*ramdisk).file)),
                      .command_line = {}}));
    Text<2 * kMaxLine> line("{}", config.value(section, "options").value_or(""));
    if (!start_.options.empty()) line.append(" {}", start_.options);
    if (line.was_cut()) return firmware_.refuse(Error::kTooLarge, "options= is too long");
    edit_->set_text("xen,xen-bootargs", line.view());
    return {};
  }

  struct Section {
    ConfigFile config;
    std::string_view name;
    std::string_view kernel;
  };

  // The first with kernel= along chain=.
  Result<Section> choose_section(const Place& place) {
    ConfigFile config(TRY(read_configuration(place)));
    std::string_view name = config.value("global", "default").value_or("");
    for (unsigned files = 1;; ++files) {
      name = section_of(config, place, name);
      if (const auto kernel = config.value(name, "kernel")) return Section{config, name, *kernel};
      const auto next = config.value("global", "chain");
      if (!next || files == kMaxChain)
        return firmware_.refuse(Error::kNotFound, "configuration: no kernel= in [{}]{}", name,
                                next ? ", and chain= leads on and on" : "");
      config = ConfigFile(TRY(text_of(TRY(load_file(place, *next, ConfigFile::kMaxBytes)))));
    }
  }

  // What the start says, else `fallback`. The first word is the program's name or, in a boot entry,
  // a section.
  [[nodiscard]] std::string_view section_of(const ConfigFile& config, const Place& place,
                                            std::string_view fallback) const {
    if (!start_.section.empty()) return start_.section;
    const bool is_section = !start_.first.empty() && config.value(start_.first, "kernel") &&
                            !names_program(start_.first, place.name.ascii().view());
    return is_section ? start_.first : fallback;
  }

  std::optional<Place> find_place() const {
    const auto path = path_in(image_->file_path);
    if (!path || path->view().empty()) return std::nullopt;
    const std::size_t slash = path->view().rfind(u'\\');
    const std::size_t split = slash == std::u16string_view::npos ? 0 : slash + 1;
    Place place;
    if (!place.directory.append(path->view().substr(0, split)) ||
        !place.name.append(path->view().substr(split)))
      return std::nullopt;
    return place;
  }

  Result<std::string_view> read_configuration(const Place& place) {
    if (!start_.config.empty())
      return text_of(TRY(load_file(place, start_.config, ConfigFile::kMaxBytes)));
    std::size_t length = place.name.view().size();
    while ((length = shorter_name(place.name.view().substr(0, length))) != 0) {
      FilePath path = place.directory;
      if (!path.append(place.name.view().substr(0, length)) ||
          !path.append(std::string_view(".cfg")))
        continue;
      const auto file = firmware_.read_file(image_->device, path, ConfigFile::kMaxBytes);
      if (file || file.error() != Error::kNotFound) return text_of(TRY(file));
    }
    return firmware_.refuse(Error::kNotFound,
                            "no modules in a device tree, and no configuration file beside {}{}",
                            place.directory.ascii().view(), place.name.ascii().view());
  }

  Result<std::string_view> text_of(std::span<const std::byte> bytes) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with("\xff\xfe"))
      return firmware_.refuse(Error::kInvalid,
                              "configuration: UTF-16, as firmware's editor saves: ASCII is needed");
    return text;
  }

  Result<std::span<const std::byte>> load_file(const Place& place, std::string_view name,
                                               std::size_t limit = ~std::size_t{0}) {
    const auto path = FilePath::in(place.directory.view(), name);
    if (!path || name.empty())
      return firmware_.refuse(Error::kInvalid, "configuration: '{}' is no file's name", name);
    const auto file = firmware_.read_file(image_->device, *path, limit);
    if (!file && file.error() == Error::kNotFound)
      firmware_.say("{}: there is no such file", path->ascii().view());
    return file;
  }

  Result<> replace_tree(const Place& place, std::string_view name) {
    TRY(open_tree(TRY(load_file(place, split_file(name).file, kMaxTreeBytes))));
    if (!boot_.modules.empty())
      return firmware_.refuse(Error::kExists, "{}: has modules in it", name);
    return {};
  }

  // --- the tree for Socle ---

  // How /chosen writes addresses. Other children may depend on what it says.
  void choose_cells() {
    const Node chosen = tree_->root().child("chosen");
    const auto address = chosen ? chosen.cell("#address-cells") : std::nullopt;
    const auto size = chosen ? chosen.cell("#size-cells") : std::nullopt;
    if (address && size && *address - 1 < 2 && *size - 1 < 2) {
      address_cells_ = *address;
      size_cells_ = *size;
      return;
    }
    edit_->set_cell("#address-cells", address_cells_);
    edit_->set_cell("#size-cells", size_cells_);
  }

  Result<> add_module(const Module& module) {
    const PaRange range = range_of(module.bytes);
    if (address_cells_ == 1 && range.end().value() > 4 * kGiB)
      return firmware_.refuse(Error::kOutOfRange, "/chosen: one cell is too short for {}", range);
    Text<32> name("module@{x}", range.begin().value());
    edit_->begin_node(name.view());
    edit_->set("compatible", std::as_bytes(std::span(module.compatible)));
    std::array<std::byte, 16> reg;
    std::size_t used = 0;
    const auto add = [&](std::uint64_t value, unsigned cells) {
      for (; cells != 0; --cells, used += 4)
        fw::dt::store_be32(reg.data() + used,
                           static_cast<std::uint32_t>(value >> (32 * (cells - 1))));
    };
    add(range.begin().value(), address_cells_);
    add(range.size(), size_cells_);
    edit_->set("reg", std::span(reg).first(used));
    if (!module.command_line.empty()) edit_->set_text("bootargs", module.command_line);
    edit_->end_node();
    return {};
  }

  Result<> write_tree(std::span<const std::byte> map) {
    edit_->set_number("linux,uefi-system-table", reinterpret_cast<std::uintptr_t>(&system_));
    edit_->set_number("linux,uefi-mmap-start", reinterpret_cast<std::uintptr_t>(map.data()));
    for (const char* const name : kMapWords)
      edit_->set_cell(name, 0);
    if (const void* const rsdp = find_rsdp())
      edit_->set_number("socle,acpi-rsdp", reinterpret_cast<std::uintptr_t>(rsdp));
    const std::span<std::byte> room = TRY(firmware_.allocate(edit_->size_bound(tree_->blob())));
    const auto size = edit_->write(tree_->blob(), room);
    if (!size || *size > kMaxTreeBytes)
      return firmware_.refuse(Error::kTooLarge, "the device tree cannot be written");
    written_ = room.first(*size);
    return open_tree(written_);
  }

  // Boot services end here: nothing is allocated or said any more.
  Result<std::uint64_t> finish(std::span<std::byte> map) {
    const Firmware::MemoryMap last = TRY(firmware_.exit_boot_services(map));
    const std::uint64_t values[] = {last.bytes, last.descriptor_size, last.descriptor_version};
    for (std::size_t i = 0; i < kMapWords.size(); ++i) {
      const auto property = tree_->root().child("chosen").property(kMapWords[i]);
      const auto at = static_cast<std::size_t>(property->bytes().data() - written_.data());
      fw::dt::store_be32(written_.data() + at, static_cast<std::uint32_t>(values[i]));
    }
    seams_.clean(range_of(written_));
    seams_.clean(range_of(map));
    for (const fw::BootModule& module : boot_.modules)
      seams_.clean(module.range);
    return reinterpret_cast<std::uintptr_t>(written_.data());
  }

  static constexpr std::array<const char*, 3> kMapWords = {
      "linux,uefi-mmap-size", "linux,uefi-mmap-desc-size", "linux,uefi-mmap-desc-ver"};

  Firmware& firmware_;
  const SystemTable& system_;
  const LoaderSeams& seams_;
  const LoadedImage* image_ = nullptr;
  std::array<char, kMaxLine> start_line_{};
  StartOptions start_;
  std::optional<fw::Arena> arena_;
  std::optional<fw::Diagnostics> notes_;
  std::optional<ChosenEdit> edit_;
  const fw::dt::Tree* tree_ = nullptr;
  fw::BootInfo boot_;  // of `tree_`
  unsigned address_cells_ = 2;
  unsigned size_cells_ = 2;
  std::span<std::byte> written_;
};

Status status_of(Error error) {
  if (error == Error::kNotFound) return kNotFound;
  if (error == Error::kNoMemory) return kOutOfResources;
  if (error == Error::kUnsupported) return kUnsupported;
  return kLoadError;
}

}  // namespace

Loaded load(Handle image, const SystemTable& system, const LoaderSeams& seams) {
  Firmware firmware(image, system);
  Loader loader(firmware, system, seams);
  const Result<std::uint64_t> tree = loader.run();
  if (!tree) return {.status = status_of(tree.error())};
  return {.status = kSuccess, .tree = *tree};
}

}  // namespace socle::efi
