// SPDX-License-Identifier: Apache-2.0
// The loader under a firmware made of a map of files, which can be made to misbehave.
#include "efi/loader.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/test.h"
#include "fw/boot_modules.h"
#include "fw/efi_memory_map.h"

#include "test/support/acpi_builder.h"
#include "test/support/tree_builder.h"

namespace socle::efi {
namespace {

using test::Opened;
using test::TreeBuilder;

struct FakeFile {
  File services;
  const std::string* contents;
  std::uint64_t position;
};

struct FakeFirmware;
FakeFirmware* now = nullptr;

struct FakeFirmware {
  explicit FakeFirmware(std::u16string_view path = u"\\EFI\\socle\\socle-1.efi");
  ~FakeFirmware() {
    for (const auto& [address, pages] : allocated)
      std::free(reinterpret_cast<void*>(address));
    now = nullptr;
  }
  FakeFirmware(const FakeFirmware&) = delete;
  FakeFirmware& operator=(const FakeFirmware&) = delete;

  Loaded load(unsigned level = 2) {
    return efi::load(this, system, {.exception_level = level, .clean = [](const PaRange& range) {
                                      now->cleaned.push_back(range);
                                    }});
  }
  [[nodiscard]] bool said(std::string_view text) const {
    return console.find(text) != std::string::npos;
  }
  void set_options(std::u16string_view text) {
    load_options = text;
    image.load_options = load_options.c_str();
    image.load_options_size = static_cast<std::uint32_t>((load_options.size() + 1) * 2);
  }
  void set_tree(std::span<const std::byte> blob) {
    tree.assign(blob.size() / 8 + 1, 0);
    std::memcpy(tree.data(), blob.data(), blob.size());
    tables.push_back({kDeviceTreeTable, tree.data()});
    system.tables = tables.data();
    system.table_count = tables.size();
  }
  void set_path(std::u16string_view path);
  // No tree, and an RSDP with an empty XSDT.
  void set_acpi() {
    const Pa at(reinterpret_cast<std::uintptr_t>(acpi.data()));
    const auto xsdt = test::AcpiTable("XSDT", 1).finished();
    const auto rsdp = test::FirmwareMemory::rsdp(at + 64).bytes();
    std::memcpy(acpi.data(), rsdp.data(), rsdp.size());
    std::memcpy(acpi.data() + 64, xsdt.data(), xsdt.size());
    tables = {{kAcpi20Table, acpi.data()}};
    system.tables = tables.data();
    system.table_count = tables.size();
  }

  std::map<std::u16string, std::string> files;
  std::string console;
  std::map<std::uint64_t, std::uint64_t> allocated;
  std::vector<PaRange> cleaned;
  std::u16string load_options;
  std::vector<std::uint8_t> device_path;
  std::vector<std::uint64_t> tree;
  std::vector<ConfigurationTable> tables;
  // A page that the memory map calls ACPI's.
  alignas(kFrameSize) std::array<std::byte, kFrameSize> acpi{};
  TextOutput output{};
  BootServices services{};
  SystemTable system{};
  LoadedImage image{};
  SimpleFileSystem volume{};
  FakeFile root{};
  bool has_volume = true;
  bool is_over = false;
  unsigned stale_keys = 0;  // how often the key is too old
  unsigned allocations_left = 100;
  std::uint64_t chunk = 1000;  // no read gives more
  std::uint64_t unreadable_after = ~std::uint64_t{0};
  std::uint64_t key = 1;
};

constexpr std::uint64_t kStride = 48;
constexpr std::uint64_t kDescriptors = 3;

Status output_string(TextOutput*, const char16_t* text) {
  EXPECT_FALSE(now->is_over);
  for (; *text != 0; ++text)
    now->console.push_back(static_cast<char>(*text));
  return kSuccess;
}

Status allocate_pages(AllocateType, std::uint32_t type, std::uint64_t pages,
                      std::uint64_t* address) {
  EXPECT_FALSE(now->is_over);
  EXPECT_EQ(type, kLoaderDataType);
  if (now->allocations_left == 0) return kOutOfResources;
  --now->allocations_left;
  ++now->key;
  *address = reinterpret_cast<std::uintptr_t>(std::aligned_alloc(kFrameSize, pages * kFrameSize));
  std::memset(reinterpret_cast<void*>(*address), 0xa5, pages * kFrameSize);
  now->allocated[*address] = pages;
  return kSuccess;
}

Status free_pages(std::uint64_t address, std::uint64_t pages) {
  EXPECT_EQ(now->allocated.at(address), pages);
  now->allocated.erase(address);
  std::free(reinterpret_cast<void*>(address));
  return kSuccess;
}

Status get_memory_map(std::uint64_t* bytes, void* map, std::uint64_t* key, std::uint64_t* stride,
                      std::uint32_t* version) {
  const std::uint64_t needed = kStride * kDescriptors;
  const bool fits = *bytes >= needed;
  *bytes = needed;
  *stride = kStride;
  *version = 1;
  if (!fits) return kBufferTooSmall;
  std::memset(map, 0, needed);
  const std::uint32_t type = static_cast<std::uint32_t>(fw::EfiMemoryType::kAcpiReclaim);
  const std::uint64_t place[] = {reinterpret_cast<std::uintptr_t>(now->acpi.data()), 0, 1};
  std::memcpy(map, &type, sizeof(type));
  std::memcpy(static_cast<std::byte*>(map) + 8, place, sizeof(place));
  *key = now->key;
  return kSuccess;
}

Status exit_boot_services(Handle handle, std::uint64_t key) {
  EXPECT_TRUE(handle == now);
  if (now->stale_keys != 0) {
    --now->stale_keys;
    ++now->key;
  }
  if (key != now->key) return kInvalidParameter;
  now->is_over = true;
  return kSuccess;
}

Status handle_protocol(Handle, const Guid* guid, void** interface) {
  if (*guid == kLoadedImageProtocol) {
    *interface = &now->image;
  } else if (*guid == kSimpleFileSystemProtocol && now->has_volume) {
    *interface = &now->volume;
  } else {
    return kUnsupported;
  }
  return kSuccess;
}

Status close(File* self) {
  if (self != &now->root.services) delete reinterpret_cast<FakeFile*>(self);
  return kSuccess;
}
Status read(File* self, std::uint64_t* bytes, void* buffer) {
  auto* const file = reinterpret_cast<FakeFile*>(self);
  if (file->position >= now->unreadable_after) return kLoadError;
  const std::uint64_t part =
      std::min({*bytes, now->chunk, file->contents->size() - file->position});
  std::memcpy(buffer, file->contents->data() + file->position, part);
  file->position += part;
  *bytes = part;
  return kSuccess;
}
Status get_position(File* self, std::uint64_t* position) {
  *position = reinterpret_cast<FakeFile*>(self)->position;
  return kSuccess;
}
Status set_position(File* self, std::uint64_t position) {
  auto* const file = reinterpret_cast<FakeFile*>(self);
  file->position = position == kEndOfFile ? file->contents->size() : position;
  return kSuccess;
}
Status open(File*, File** opened, const char16_t* name, std::uint64_t mode, std::uint64_t) {
  EXPECT_EQ(mode, kFileModeRead);
  const auto found = now->files.find(name);
  if (found == now->files.end()) return kNotFound;
  auto* const file = new FakeFile(now->root);
  file->contents = &found->second;
  *opened = &file->services;
  return kSuccess;
}
Status open_volume(SimpleFileSystem*, File** root) {
  *root = &now->root.services;
  return kSuccess;
}

FakeFirmware::FakeFirmware(std::u16string_view path) {
  now = this;
  output.output_string = output_string;
  services.allocate_pages = allocate_pages;
  services.free_pages = free_pages;
  services.get_memory_map = get_memory_map;
  services.handle_protocol = handle_protocol;
  services.exit_boot_services = exit_boot_services;
  system.console_out = &output;
  system.boot_services = &services;
  image.system_table = &system;
  image.device = this;
  volume.open_volume = open_volume;
  root.services.open = open;
  root.services.close = close;
  root.services.read = read;
  root.services.get_position = get_position;
  root.services.set_position = set_position;
  set_path(path);
  files[u"\\EFI\\socle\\socle.cfg"] =
      "[global]\ndefault=debian\n[debian]\noptions=dom0_mem=1G\nkernel=vmlinuz quiet ro\n"
      "ramdisk=/boot/initrd\n";
  files[u"\\EFI\\socle\\vmlinuz"] = std::string(5000, 'k');
  files[u"\\boot\\initrd"] = std::string(3, 'i');
  TreeBuilder b;
  b.begin("chosen").text("stdout-path", "serial0").end();
  b.begin("cpus").end();
  set_tree(b.blob());
}

void FakeFirmware::set_path(std::u16string_view path) {
  device_path = {kMediaPath, kFilePathSubtype, static_cast<std::uint8_t>(4 + 2 * path.size() + 2),
                 0};
  for (const char16_t c : std::u16string(path) + u'\0') {
    device_path.push_back(static_cast<std::uint8_t>(c));
    device_path.push_back(static_cast<std::uint8_t>(c >> 8));
  }
  device_path.insert(device_path.end(), {kEndOfPath, 0xff, 4, 0});
  image.file_path = reinterpret_cast<const DevicePath*>(device_path.data());
}

// The tree that was handed over, as boot reads it.
struct Handed : Opened {
  explicit Handed(const Loaded& loaded)
      : Opened(std::span(reinterpret_cast<const std::byte*>(loaded.tree),
                         fw::dt::Tree::claimed_size(
                             std::span(reinterpret_cast<const std::byte*>(loaded.tree), 8))
                             .value())) {
    EXPECT_TRUE(fw::read_boot_info(tree(), info).has_value());
  }
  fw::BootInfo info;
};

std::string_view bytes_at(const PaRange& range) {
  return {reinterpret_cast<const char*>(range.begin().value()), range.size()};
}

TEST(EfiLoader, TheConfigurationFileNamesTheModules) {
  FakeFirmware firmware;
  const Loaded loaded = firmware.load();
  ASSERT_EQ(loaded.status, kSuccess);
  EXPECT_TRUE(firmware.is_over);
  EXPECT_EQ(firmware.console, "");
  const Handed handed(loaded);
  const fw::BootModule* const kernel = handed.info.find(fw::ModuleKind::kKernel);
  ASSERT_TRUE(kernel != nullptr);
  EXPECT_EQ(bytes_at(kernel->range), std::string(5000, 'k'));
  EXPECT_EQ(bytes_at(handed.info.find(fw::ModuleKind::kRamdisk)->range), "iii");
  EXPECT_EQ(handed.info.dom0_command_line, "quiet ro");
  EXPECT_EQ(handed.info.socle_command_line, "dom0_mem=1G");
  EXPECT_EQ(handed.node("/chosen").string("stdout-path"), "serial0");
}

TEST(EfiLoader, TheMemoryMapAndTheTablesAreHandedOver) {
  FakeFirmware firmware;
  int rsdp = 0;
  firmware.tables.push_back({kAcpi20Table, &rsdp});
  firmware.system.tables = firmware.tables.data();
  firmware.system.table_count = firmware.tables.size();
  const Handed handed(firmware.load());
  ASSERT_TRUE(handed.info.efi.has_value());
  EXPECT_EQ(handed.info.efi->system_table.value(),
            reinterpret_cast<std::uintptr_t>(&firmware.system));
  EXPECT_EQ(handed.info.efi->memory_map.size(), kStride * kDescriptors);
  EXPECT_EQ(handed.info.efi->descriptor_size, kStride);
  EXPECT_EQ(handed.info.efi->descriptor_version, 1u);
  EXPECT_EQ(handed.info.efi->rsdp->value(), reinterpret_cast<std::uintptr_t>(&rsdp));
}

TEST(EfiLoader, AllThatIsHandedOverIsCleanedFromTheCaches) {
  FakeFirmware firmware;
  const Loaded loaded = firmware.load();
  const Handed handed(loaded);
  const auto is_cleaned = [&](const PaRange& range) {
    return std::ranges::any_of(firmware.cleaned,
                               [&](const PaRange& part) { return part.contains(range); });
  };
  EXPECT_TRUE(is_cleaned(PaRange(Pa(loaded.tree), Pa(loaded.tree) + handed.tree().blob().size())));
  EXPECT_TRUE(is_cleaned(handed.info.efi->memory_map));
  for (const fw::BootModule& module : handed.info.modules)
    EXPECT_TRUE(is_cleaned(module.range));
}

TEST(EfiLoader, AStaleMapKeyIsAskedForAgain) {
  FakeFirmware firmware;
  firmware.stale_keys = 3;
  EXPECT_EQ(firmware.load().status, kSuccess);
  FakeFirmware hopeless;
  hopeless.stale_keys = 1000;
  EXPECT_EQ(hopeless.load().status, kLoadError);
  EXPECT_LT(980u, hopeless.stale_keys);
}

TEST(EfiLoader, ModulesInTheTreeMakeTheConfigurationFileUnneeded) {
  FakeFirmware firmware;
  firmware.files.clear();
  TreeBuilder b;
  b.begin("chosen").cells("#address-cells", {2}).cells("#size-cells", {2});
  b.text("bootargs", "placeholder loglvl=all");
  b.begin("module@40000000").text("compatible", "multiboot,module");
  b.wide("reg", {0x4000'0000, 0x1000}).text("bootargs", "quiet").end().end();
  b.begin("cpus").end();
  firmware.tables.clear();
  firmware.set_tree(b.blob());
  const Loaded loaded = firmware.load();
  ASSERT_EQ(loaded.status, kSuccess);
  const Handed handed(loaded);
  EXPECT_EQ(handed.info.modules.size(), 1u);
  EXPECT_EQ(handed.info.socle_command_line, "placeholder loglvl=all");
  EXPECT_TRUE(handed.info.efi.has_value());
}

TEST(EfiLoader, WithoutATreeOneIsMade) {
  FakeFirmware firmware;
  firmware.set_acpi();
  const Handed handed(firmware.load());
  EXPECT_EQ(handed.info.modules.size(), 2u);
  EXPECT_EQ(handed.tree().node_count(), 4u);
  EXPECT_EQ(handed.info.efi->rsdp->value(), reinterpret_cast<std::uintptr_t>(firmware.acpi.data()));
}

TEST(EfiLoader, TheTablesMayBeNamedAsAcpi1NamesThem) {
  FakeFirmware firmware;
  firmware.set_acpi();
  firmware.tables[0].guid = kAcpi10Table;
  const Handed handed(firmware.load());
  EXPECT_EQ(handed.info.efi->rsdp->value(), reinterpret_cast<std::uintptr_t>(firmware.acpi.data()));
}

TEST(EfiLoader, AMachineThatNothingDescribesIsRefused) {
  FakeFirmware firmware;
  firmware.system.table_count = 0;
  EXPECT_EQ(firmware.load().status, kNotFound);
  EXPECT_TRUE(firmware.said("nothing describes this machine"));
  EXPECT_FALSE(firmware.is_over);
}

TEST(EfiLoader, AcpiThatCannotBeReadIsRefusedWhereItIsAllThereIs) {
  FakeFirmware pointer;
  pointer.set_acpi();
  pointer.acpi[0] = std::byte{'?'};
  EXPECT_EQ(pointer.load().status, kNotFound);
  EXPECT_TRUE(pointer.said("Socle: RSDP: there is none at"));
  FakeFirmware root;
  root.set_acpi();
  root.acpi[64 + 4] = std::byte{35};  // its length
  EXPECT_EQ(root.load().status, kLoadError);
  EXPECT_TRUE(root.said("Socle: XSDT: there is none at"));
  EXPECT_TRUE(root.allocated.empty());
  // Memory that is not firmware's is not read.
  FakeFirmware elsewhere;
  elsewhere.set_acpi();
  elsewhere.tables[0].table = elsewhere.tree.data();
  EXPECT_EQ(elsewhere.load().status, kNotFound);
}

TEST(EfiLoader, ATreeOfTheConfigurationReplacesFirmwares) {
  FakeFirmware firmware;
  TreeBuilder b;
  b.text("model", "mine").begin("cpus").end();
  firmware.files[u"\\EFI\\socle\\my.dtb"] =
      std::string(reinterpret_cast<const char*>(b.blob().data()), b.blob().size());
  firmware.files[u"\\EFI\\socle\\socle.cfg"] = "[a]\nkernel=vmlinuz\ndtb=my.dtb\n";
  firmware.set_options(u"socle.efi a");
  const Handed handed(firmware.load());
  EXPECT_EQ(handed.tree().root().string("model"), "mine");
  EXPECT_EQ(handed.info.modules.size(), 1u);
}

TEST(EfiLoader, CellsOfChosenThatAreThereStay) {
  FakeFirmware firmware;
  TreeBuilder b;
  b.begin("chosen").cells("#address-cells", {2}).cells("#size-cells", {1});
  b.begin("framebuffer").cells("reg", {0, 1, 2}).end().end();
  b.begin("cpus").end();
  firmware.tables.clear();
  firmware.set_tree(b.blob());
  const Handed handed(firmware.load());
  EXPECT_EQ(handed.node("/chosen").cell("#size-cells"), 1u);
  EXPECT_EQ(handed.info.find(fw::ModuleKind::kKernel)->range.size(), 5000u);
}

TEST(EfiLoader, StartOptionsChooseFileAndSectionAndAddOptions) {
  FakeFirmware firmware;
  firmware.files[u"\\EFI\\socle\\other.cfg"] =
      "[global]\ndefault=a\n[b]\noptions=noreboot\nkernel=vmlinuz\n";
  firmware.set_options(u"socle.efi -cfg=other.cfg b -x -- loglvl=all");
  const Handed handed(firmware.load());
  EXPECT_EQ(handed.info.socle_command_line, "noreboot loglvl=all");
  EXPECT_TRUE(firmware.said("'-x' is no option"));
}

// Socle's line of options when it is started with these words.
std::string started_with(std::u16string_view words) {
  FakeFirmware firmware;
  firmware.files[u"\\EFI\\socle\\socle.cfg"] =
      "[global]\ndefault=a\nchain=more.cfg\n[a]\noptions=a\nkernel=vmlinuz\n"
      "[socle-1]\noptions=own\nkernel=vmlinuz\n[b]\noptions=b\nkernel=vmlinuz\n[c]\noptions=c\n";
  firmware.files[u"\\EFI\\socle\\more.cfg"] =
      "[global]\ndefault=b\n[d]\noptions=d\nkernel=vmlinuz\n";
  firmware.set_options(words);
  const Loaded loaded = firmware.load();
  if (loaded.status != kSuccess) return firmware.console;
  return std::string(Handed(loaded).info.socle_command_line);
}

TEST(EfiLoader, ABootEntrysFirstWordIsASectionIfThereIsOne) {
  EXPECT_EQ(started_with(u"b"), "b");
  EXPECT_EQ(started_with(u"b -- x"), "b x");
  EXPECT_EQ(started_with(u"socle.efi b"), "b");
  EXPECT_EQ(started_with(u"b a"), "a");
  EXPECT_EQ(started_with(u"c"), "a");
  EXPECT_EQ(started_with(u"none"), "a");
  EXPECT_EQ(started_with(u""), "a");
  EXPECT_EQ(started_with(u"FS0:\\EFI\\socle\\SOCLE-1"), "a");
}

TEST(EfiLoader, AChainLeadsToTheFileThatHasTheSection) {
  EXPECT_EQ(started_with(u"socle.efi d"), "d");
  EXPECT_EQ(started_with(u"socle.efi e"), "Socle: configuration: no kernel= in [e]\r\n");
  FakeFirmware firmware;
  firmware.files[u"\\EFI\\socle\\socle.cfg"] = "[global]\ndefault=d\nchain=sub dir/more.cfg\n";
  firmware.files[u"\\EFI\\socle\\sub dir\\more.cfg"] =
      "[global]\ndefault=e\n[d]\nkernel=vmlinuz d\n[e]\nkernel=vmlinuz e\n";
  EXPECT_EQ(Handed(firmware.load()).info.dom0_command_line, "d");
}

TEST(EfiLoader, WhatIsNotDoneIsSaid) {
  FakeFirmware firmware;
  firmware.files[u"\\EFI\\socle\\socle.cfg"] = "[a]\nkernel=vmlinuz\nxsm=policy\n";
  firmware.set_options(std::u16string(2000, u'x'));
  EXPECT_EQ(firmware.load().status, kSuccess);
  EXPECT_TRUE(firmware.said("xsm= is ignored"));
  EXPECT_TRUE(firmware.said("longer than 1024 characters: ignored"));
}

TEST(EfiLoader, APathMayHaveSlashesAndSeveralNodes) {
  FakeFirmware firmware(u"/EFI\\socle/socle.efi");
  EXPECT_EQ(firmware.load().status, kSuccess);
  FakeFirmware parts(u"EFI\\socle");
  std::vector<std::uint8_t> path = parts.device_path;
  path.resize(path.size() - 4);
  parts.set_path(u"socle.efi");
  path.insert(path.end(), parts.device_path.begin(), parts.device_path.end());
  parts.device_path = path;
  parts.image.file_path = reinterpret_cast<const DevicePath*>(parts.device_path.data());
  parts.files[u"EFI\\socle\\socle.cfg"] = parts.files[u"\\EFI\\socle\\socle.cfg"];
  parts.files[u"EFI\\socle\\vmlinuz"] = "k";
  EXPECT_EQ(parts.load().status, kSuccess);
}

// What is refused: its words on the console, an error for firmware, and nothing left behind.
void expect_refused(FakeFirmware& firmware, std::string_view words, Status status,
                    unsigned level = 2) {
  const Loaded loaded = firmware.load(level);
  EXPECT_EQ(loaded.status, status);
  EXPECT_FALSE(firmware.is_over);
  EXPECT_TRUE(firmware.said(words));
  EXPECT_TRUE(firmware.allocated.empty());
}

TEST(EfiLoader, AnotherExceptionLevelIsRefused) {
  FakeFirmware firmware;
  expect_refused(firmware, "EL1; a hypervisor needs EL2", kUnsupported, 1);
}

TEST(EfiLoader, NoConfigurationIsRefused) {
  FakeFirmware firmware;
  firmware.files.erase(u"\\EFI\\socle\\socle.cfg");
  expect_refused(firmware, "no configuration file beside \\EFI\\socle\\socle-1.efi", kNotFound);
  FakeFirmware named;
  named.set_options(u"socle.efi -cfg=none.cfg");
  expect_refused(named, "\\EFI\\socle\\none.cfg: there is no such file", kNotFound);
  FakeFirmware nameless(u"");
  expect_refused(nameless, "no modules in a device tree, and no file's name", kNotFound);
}

TEST(EfiLoader, ABrokenConfigurationIsRefused) {
  FakeFirmware firmware;
  firmware.files[u"\\EFI\\socle\\socle.cfg"] = "[global\ndefault=x\nkernel=";
  expect_refused(firmware, "no kernel= in [x]", kNotFound);
  FakeFirmware empty;
  empty.files[u"\\EFI\\socle\\socle.cfg"] = "[global]\nkernel=\n";
  expect_refused(empty, "'' is no file's name", kLoadError);
  FakeFirmware large;
  large.files[u"\\EFI\\socle\\socle.cfg"] = std::string(70000, '#');
  expect_refused(large, "70000 bytes are too many", kLoadError);
  FakeFirmware wide;
  wide.files[u"\\EFI\\socle\\socle.cfg"] = std::string("\xff\xfe[\0a\0]\0", 8);
  expect_refused(wide, "UTF-16", kLoadError);
  FakeFirmware looping;
  looping.files[u"\\EFI\\socle\\socle.cfg"] = "[global]\nchain=socle.cfg\n";
  expect_refused(looping, "chain= leads on and on", kNotFound);
}

TEST(EfiLoader, WhoAsksForHelpGetsNoBoot) {
  FakeFirmware firmware;
  firmware.set_options(u"socle.efi -help");
  expect_refused(firmware, "[-cfg=FILE] [SECTION]", kLoadError);
}

TEST(EfiLoader, AMissingOrUnreadableFileIsRefused) {
  FakeFirmware firmware;
  firmware.files.erase(u"\\boot\\initrd");
  expect_refused(firmware, "\\boot\\initrd: there is no such file", kNotFound);
  FakeFirmware broken;
  broken.unreadable_after = 3000;
  expect_refused(broken, "vmlinuz: cannot be read", kLoadError);
  FakeFirmware empty;
  empty.files[u"\\EFI\\socle\\vmlinuz"] = "";
  expect_refused(empty, "vmlinuz: is empty", kLoadError);
  FakeFirmware no_volume;
  no_volume.has_volume = false;
  expect_refused(no_volume, "is no file system", kUnsupported);
}

TEST(EfiLoader, ABrokenTreeOfFirmwareIsRefused) {
  FakeFirmware firmware;
  firmware.tree[1] = ~std::uint64_t{0};
  expect_refused(firmware, "device tree", kLoadError);
}

TEST(EfiLoader, NoMemoryIsAnAnswerAtEveryStep) {
  for (unsigned allocations = 0;; ++allocations) {
    FakeFirmware firmware;
    firmware.allocations_left = allocations;
    if (firmware.load().status == kSuccess) {
      EXPECT_EQ(allocations, 6u);
      break;
    }
    EXPECT_TRUE(firmware.said("KiB of memory"));
    EXPECT_TRUE(firmware.allocated.empty());
  }
}

}  // namespace
}  // namespace socle::efi
