// SPDX-License-Identifier: Apache-2.0
#pragma once

// As much of UEFI as Socle's start uses: layouts and numbers, in the firmware's own order. Members
// that nobody here calls are `unused_` words.
//
// Source: UEFI Specification 2.10: 4.3 (system table), 4.4 (boot services), 4.5 (runtime
// services), 4.6 (memory attributes, runtime properties), 7.2 (memory), 9.1
// (loaded image), 10.3 (device paths), 12.4 (text output), 13.4 and 13.5 (files), appendix D.
// Services are called by the procedure call standard of the machine (2.3.6).

#include <cstddef>
#include <cstdint>

namespace socle::efi {

using Status = std::uint64_t;
using Handle = void*;

inline constexpr Status kErrorBit = std::uint64_t{1} << 63;
inline constexpr Status kSuccess = 0;
inline constexpr Status kLoadError = kErrorBit | 1;
inline constexpr Status kInvalidParameter = kErrorBit | 2;
inline constexpr Status kUnsupported = kErrorBit | 3;
inline constexpr Status kBufferTooSmall = kErrorBit | 5;
inline constexpr Status kOutOfResources = kErrorBit | 9;
inline constexpr Status kNotFound = kErrorBit | 14;

struct Guid {
  std::uint32_t a;
  std::uint16_t b;
  std::uint16_t c;
  std::uint8_t d[8];
  bool operator==(const Guid&) const = default;
};
inline constexpr Guid kLoadedImageProtocol{
    0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
inline constexpr Guid kSimpleFileSystemProtocol{
    0x964e5b22, 0x6459, 0x11d2, {0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
inline constexpr Guid kDeviceTreeTable{
    0xb1b621d5, 0xf19c, 0x41a5, {0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0}};
inline constexpr Guid kMemoryAttributesTable{
    0xdcfa911d, 0x26eb, 0x469f, {0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20}};
inline constexpr Guid kRuntimePropertiesTable{
    0xeb66918a, 0x7eef, 0x402a, {0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9}};
inline constexpr Guid kAcpi20Table{
    0x8868e871, 0xe4f1, 0x11d3, {0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81}};
// The same place, as ACPI 1.0 names it.
inline constexpr Guid kAcpi10Table{
    0xeb9d2d30, 0x2d88, 0x11d3, {0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};

struct TableHeader {
  std::uint64_t signature;
  std::uint32_t revision;
  std::uint32_t header_size;
  std::uint32_t crc32;
  std::uint32_t reserved;
};

struct TextOutput {
  void* unused_reset;
  Status (*output_string)(TextOutput* self, const char16_t* text);
};

enum class AllocateType : std::uint32_t { kAnyPages = 0 };
inline constexpr std::uint32_t kLoaderDataType = 2;

struct BootServices {
  TableHeader header;
  void* unused_task_priority[2];
  Status (*allocate_pages)(AllocateType how, std::uint32_t memory_type, std::uint64_t pages,
                           std::uint64_t* address);
  Status (*free_pages)(std::uint64_t address, std::uint64_t pages);
  Status (*get_memory_map)(std::uint64_t* bytes, void* map, std::uint64_t* key,
                           std::uint64_t* descriptor_size, std::uint32_t* descriptor_version);
  void* unused_pool[2];
  void* unused_events[6];
  void* unused_protocol_interfaces[3];
  Status (*handle_protocol)(Handle handle, const Guid* protocol, void** interface);
  void* unused_reserved;
  void* unused_lookups[3];
  // Only tests call it. Null takes the table out.
  Status (*install_configuration_table)(const Guid* guid, void* table);
  void* unused_images[4];
  Status (*exit_boot_services)(Handle image, std::uint64_t map_key);
};
static_assert(offsetof(BootServices, allocate_pages) == 40);
static_assert(offsetof(BootServices, get_memory_map) == 56);
static_assert(offsetof(BootServices, handle_protocol) == 152);
static_assert(offsetof(BootServices, install_configuration_table) == 192);
static_assert(offsetof(BootServices, exit_boot_services) == 232);

struct ConfigurationTable {
  Guid guid;
  void* table;
};
static_assert(sizeof(ConfigurationTable) == 24);

struct SystemTable {
  TableHeader header;
  const char16_t* firmware_vendor;
  std::uint32_t firmware_revision;
  Handle console_in_handle;
  void* console_in;
  Handle console_out_handle;
  TextOutput* console_out;
  Handle standard_error_handle;
  TextOutput* standard_error;
  void* runtime_services;
  BootServices* boot_services;
  std::uint64_t table_count;
  const ConfigurationTable* tables;
};
static_assert(offsetof(SystemTable, console_out) == 64);
static_assert(offsetof(SystemTable, boot_services) == 96);
static_assert(sizeof(SystemTable) == 120);

// EFI_RUNTIME_SERVICES: the header, then functions; three of them since version 2.
inline constexpr std::uint64_t kSystemTableSignature = 0x5453'5953'2049'4249;
inline constexpr std::uint64_t kRuntimeServicesSignature = 0x5652'4553'544e'5552;
inline constexpr std::size_t kRuntimeServices = 14;
inline constexpr std::size_t kOldRuntimeServices = 11;

// EFI_MEMORY_ATTRIBUTES_TABLE: the header, then descriptors as in the memory map.
struct MemoryAttributesTable {
  std::uint32_t version;
  std::uint32_t entries;
  std::uint32_t descriptor_size;
  std::uint32_t flags;
};

// EFI_RT_PROPERTIES_TABLE.
struct RuntimePropertiesTable {
  std::uint16_t version;
  std::uint16_t length;
  std::uint32_t supported;  // after ExitBootServices, a bit for each service (8.1)
};

struct DevicePath {
  std::uint8_t type;
  std::uint8_t subtype;
  std::uint8_t length[2];  // little endian, of the node with this header
};
inline constexpr std::uint8_t kMediaPath = 4;
inline constexpr std::uint8_t kFilePathSubtype = 4;
inline constexpr std::uint8_t kEndOfPath = 0x7f;

struct LoadedImage {
  std::uint32_t revision;
  Handle parent;
  SystemTable* system_table;
  Handle device;
  const DevicePath* file_path;
  void* unused_reserved;
  std::uint32_t load_options_size;
  const void* load_options;
  void* image_base;
  std::uint64_t image_size;
};
static_assert(offsetof(LoadedImage, device) == 24);
static_assert(offsetof(LoadedImage, load_options) == 56);

struct File {
  std::uint64_t revision;
  Status (*open)(File* self, File** opened, const char16_t* name, std::uint64_t mode,
                 std::uint64_t attributes);
  Status (*close)(File* self);
  void* unused_remove;
  Status (*read)(File* self, std::uint64_t* bytes, void* buffer);
  void* unused_write;
  Status (*get_position)(File* self, std::uint64_t* position);
  Status (*set_position)(File* self, std::uint64_t position);
};
inline constexpr std::uint64_t kFileModeRead = 1;
inline constexpr std::uint64_t kEndOfFile = ~std::uint64_t{0};  // for set_position

struct SimpleFileSystem {
  std::uint64_t revision;
  Status (*open_volume)(SimpleFileSystem* self, File** root);
};

}  // namespace socle::efi
