// SPDX-License-Identifier: Apache-2.0
#include "efi/firmware.h"

#include <algorithm>
#include <cstring>

namespace socle::efi {

namespace {

// A table that claims more is not believed.
constexpr std::uint64_t kMaxTables = 1024;
constexpr std::uint64_t kMaxMapBytes = kMiB;
// What allocating and loading adds to the map, generously.
constexpr std::uint64_t kMoreDescriptors = 32;
// The map may change while boot services end: timers run, drivers free memory.
constexpr unsigned kExitAttempts = 8;

char16_t upright(char c) {
  if (c == '/') return u'\\';
  return static_cast<char16_t>(static_cast<unsigned char>(c));
}

}  // namespace

bool FilePath::append(std::u16string_view text) {
  if (text.size() > kMaxLength - size_) return false;
  std::ranges::copy(text, text_ + size_);
  truncate(size_ + text.size());
  return true;
}

bool FilePath::append(std::string_view text) {
  if (text.size() > kMaxLength - size_) return false;
  std::ranges::transform(text, text_ + size_, upright);
  truncate(size_ + text.size());
  return true;
}

void FilePath::truncate(std::size_t length) {
  size_ = length;
  text_[size_] = u'\0';
}

std::optional<FilePath> FilePath::in(std::u16string_view directory, std::string_view name) {
  FilePath path;
  const bool is_absolute = name.starts_with('\\') || name.starts_with('/');
  if (!is_absolute && !path.append(directory)) return std::nullopt;
  if (!path.append(name)) return std::nullopt;
  return path;
}

Text<FilePath::kMaxLength> FilePath::ascii() const {
  Text<kMaxLength> text;
  for (const char16_t c : view())
    text.append("{}", c >= u' ' && c <= u'~' ? static_cast<char>(c) : '?');
  return text;
}

Firmware::~Firmware() {
  if (is_over_) return;
  for (const Allocation& allocation : allocations_)
    static_cast<void>(system_->boot_services->free_pages(allocation.address, allocation.pages));
}

void Firmware::write_formatted(std::string_view format,
                               std::initializer_list<FormatArg> args) const {
  if (system_->console_out == nullptr) return;
  char line[kLineLength];
  const std::size_t length =
      format_args(line, format, std::span<const FormatArg>(args.begin(), args.size()));
  write("Socle: ");
  write(std::string_view(line, std::min(length, kLineLength)));
  write("\r\n");
}

void Firmware::write(std::string_view text) const {
  char16_t wide[kLineLength + 1];
  const auto* const end = std::ranges::transform(text, wide, [](char c) {
                            return static_cast<char16_t>(static_cast<unsigned char>(c));
                          }).out;
  wide[end - wide] = u'\0';
  static_cast<void>(system_->console_out->output_string(system_->console_out, wide));
}

void* Firmware::protocol(Handle handle, const Guid& guid) const {
  void* found = nullptr;
  if (handle == nullptr ||
      system_->boot_services->handle_protocol(handle, &guid, &found) != kSuccess)
    return nullptr;
  return found;
}

const LoadedImage* Firmware::loaded_image() const {
  return static_cast<const LoadedImage*>(protocol(image_, kLoadedImageProtocol));
}

const void* Firmware::table(const Guid& guid) const {
  const std::uint64_t count = std::min(system_->table_count, kMaxTables);
  for (std::uint64_t i = 0; system_->tables != nullptr && i < count; ++i)
    if (system_->tables[i].guid == guid) return system_->tables[i].table;
  return nullptr;
}

Result<std::span<std::byte>> Firmware::allocate(std::size_t bytes) {
  const std::uint64_t pages = FrameCount::containing(std::max<std::size_t>(bytes, 1)).value();
  std::uint64_t address = 0;
  const Status status = system_->boot_services->allocate_pages(AllocateType::kAnyPages,
                                                               kLoaderDataType, pages, &address);
  if (status != kSuccess || address == 0 || !is_aligned(address, kFrameSize))
    return refuse(Error::kNoMemory, "no {} KiB of memory (status {#x})", pages * 4, status);
  if (!allocations_.push_back({.address = address, .pages = pages})) {
    static_cast<void>(system_->boot_services->free_pages(address, pages));
    return refuse(Error::kNoMemory, "too many files");
  }
  auto* const memory = reinterpret_cast<std::byte*>(address);
  std::memset(memory, 0, pages << kFrameShift);
  return std::span(memory, pages << kFrameShift);
}

Result<std::span<const std::byte>> Firmware::read_file(Handle device, const FilePath& path,
                                                       std::size_t limit) {
  auto* const volume = static_cast<SimpleFileSystem*>(protocol(device, kSimpleFileSystemProtocol));
  File* root = nullptr;
  if (volume == nullptr || volume->open_volume(volume, &root) != kSuccess || root == nullptr)
    return refuse(Error::kUnsupported, "where this was loaded from is no file system");
  File* file = nullptr;
  const Status status = root->open(root, &file, path.c_str(), kFileModeRead, 0);
  Result<std::span<const std::byte>> result = fail(Error::kNotFound);
  if (status == kSuccess && file != nullptr) {
    result = read_open_file(*file, path, limit);
    static_cast<void>(file->close(file));
  } else if (status != kNotFound) {
    result =
        refuse(Error::kFault, "{}: cannot be opened (status {#x})", path.ascii().view(), status);
  }
  static_cast<void>(root->close(root));
  return result;
}

Result<std::span<const std::byte>> Firmware::read_open_file(File& file, const FilePath& path,
                                                            std::size_t limit) {
  std::uint64_t size = 0;
  if (file.set_position(&file, kEndOfFile) != kSuccess ||
      file.get_position(&file, &size) != kSuccess || file.set_position(&file, 0) != kSuccess)
    return refuse(Error::kFault, "{}: is no file that can be read", path.ascii().view());
  if (size == 0) return refuse(Error::kInvalid, "{}: is empty", path.ascii().view());
  if (size > limit)
    return refuse(Error::kTooLarge, "{}: {} bytes are too many", path.ascii().view(), size);
  const std::span<std::byte> room = TRY(allocate(size));
  for (std::uint64_t done = 0; done < size;) {
    std::uint64_t bytes = size - done;
    const Status status = file.read(&file, &bytes, room.data() + done);
    if (status != kSuccess || bytes == 0 || bytes > size - done)
      return refuse(Error::kFault, "{}: cannot be read (status {#x})", path.ascii().view(), status);
    done += bytes;
  }
  return room.first(size);
}

Result<std::span<std::byte>> Firmware::allocate_memory_map() {
  MemoryMap map;
  const Status status = system_->boot_services->get_memory_map(
      &map.bytes, nullptr, &map.key, &map.descriptor_size, &map.descriptor_version);
  if (status != kBufferTooSmall || map.bytes > kMaxMapBytes || map.descriptor_size > kFrameSize)
    return refuse(Error::kFault, "firmware tells no memory map (status {#x})", status);
  return allocate(map.bytes + kMoreDescriptors * map.descriptor_size);
}

Result<Firmware::MemoryMap> Firmware::read_memory_map(std::span<std::byte> room) const {
  MemoryMap map{.bytes = room.size()};
  if (system_->boot_services->get_memory_map(&map.bytes, room.data(), &map.key,
                                             &map.descriptor_size,
                                             &map.descriptor_version) != kSuccess ||
      map.bytes > room.size())
    return fail(Error::kTooLarge);
  return map;
}

Result<Firmware::MemoryMap> Firmware::exit_boot_services(std::span<std::byte> room) {
  is_over_ = true;
  for (unsigned attempt = 0; attempt < kExitAttempts; ++attempt) {
    const MemoryMap map = TRY(read_memory_map(room));
    const Status status = system_->boot_services->exit_boot_services(image_, map.key);
    if (status == kSuccess) return map;
    if (status != kInvalidParameter) break;
  }
  return fail(Error::kFault);
}

}  // namespace socle::efi
