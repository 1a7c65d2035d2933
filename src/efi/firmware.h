// SPDX-License-Identifier: Apache-2.0
#pragma once

// Firmware's services as values with Results. Everything that firmware answers is checked here.
// Valid until boot services end.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "base/format.h"
#include "base/inplace_vector.h"
#include "base/result.h"

#include "efi/uefi.h"

namespace socle::efi {

// A path in a volume, as firmware wants it: backslashes, NUL at the end.
class FilePath {
 public:
  static constexpr std::size_t kMaxLength = 255;
  // Both answer false, and leave the path alone, if it would become too long.
  bool append(std::u16string_view text);
  bool append(std::string_view text);  // '/' becomes '\'
  void truncate(std::size_t length);
  // The path of what is called `name` in `directory` (with a separator at its end, or empty); an
  // absolute name stays as it is.
  static std::optional<FilePath> in(std::u16string_view directory, std::string_view name);

  [[nodiscard]] const char16_t* c_str() const { return text_; }
  [[nodiscard]] std::u16string_view view() const { return {text_, size_}; }
  [[nodiscard]] Text<kMaxLength> ascii() const;  // for messages

 private:
  char16_t text_[kMaxLength + 1] = {};
  std::size_t size_ = 0;
};

class Firmware {
 public:
  Firmware(Handle image, const SystemTable& system) : image_(image), system_(&system) {}
  Firmware(const Firmware&) = delete;
  Firmware& operator=(const Firmware&) = delete;
  // Frees what was allocated, unless boot services are over.
  ~Firmware();

  // One line on the console, after "Socle: ".
  template <typename... Args>
  void say(FormatString<std::type_identity_t<Args>...> format, const Args&... args) const {
    write_formatted(format.text(), {FormatArg(args)...});
  }
  template <typename... Args>
  std::unexpected<Error> refuse(Error error, FormatString<std::type_identity_t<Args>...> format,
                                const Args&... args) const {
    write_formatted(format.text(), {FormatArg(args)...});
    return fail(error);
  }

  [[nodiscard]] const LoadedImage* loaded_image() const;
  // A table of the configuration table; null without it.
  [[nodiscard]] const void* table(const Guid& guid) const;

  // Whole frames of zeroed memory that outlives boot services. Has a line if there is none.
  Result<std::span<std::byte>> allocate(std::size_t bytes);

  // A file of the volume on `device`, whole, in memory of its own. kNotFound: no such file (no
  // line); all else has a line.
  Result<std::span<const std::byte>> read_file(Handle device, const FilePath& path,
                                               std::size_t limit);

  struct MemoryMap {
    std::uint64_t bytes = 0;
    std::uint64_t key = 0;
    std::uint64_t descriptor_size = 0;
    std::uint32_t descriptor_version = 0;
  };
  // Room for the map as it will be, changes of the map by the allocations to come included.
  Result<std::span<std::byte>> allocate_memory_map();
  // The map of this moment in `room`; kTooLarge, without a line, if firmware does not tell it.
  Result<MemoryMap> read_memory_map(std::span<std::byte> room) const;
  // Ends boot services with the map of that moment in `room`. Afterwards nothing of this object may
  // be called, whatever the answer is.
  Result<MemoryMap> exit_boot_services(std::span<std::byte> room);

 private:
  static constexpr std::size_t kLineLength = 240;
  struct Allocation {
    std::uint64_t address = 0;
    std::uint64_t pages = 0;
  };

  // One copy of the code for all kinds of arguments.
  void write_formatted(std::string_view format, std::initializer_list<FormatArg> args) const;
  void write(std::string_view text) const;
  [[nodiscard]] void* protocol(Handle handle, const Guid& guid) const;
  Result<std::span<const std::byte>> read_open_file(File& file, const FilePath& path,
                                                    std::size_t limit);

  Handle image_;
  const SystemTable* system_;
  InplaceVector<Allocation, 12> allocations_;
  bool is_over_ = false;
};

}  // namespace socle::efi
