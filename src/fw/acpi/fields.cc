// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/fields.h"

#include <algorithm>

namespace socle::fw::acpi {

std::uint64_t Fields::number(std::size_t at, std::size_t size) const {
  if (!has(at, size)) return 0;
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- != 0;)
    value = value << 8 | std::to_integer<std::uint64_t>(bytes_[at + i]);
  return value;
}

std::string_view Fields::text(std::size_t at, std::size_t size) const {
  const Fields field = part(at, size);
  const std::string_view all(reinterpret_cast<const char*>(field.bytes_.data()), field.size());
  return all.substr(0, all.find('\0'));
}

Fields Fields::part(std::size_t at, std::size_t size) const {
  const std::size_t begin = std::min(at, bytes_.size());
  return Fields(bytes_.subspan(begin, std::min(size, bytes_.size() - begin)));
}

std::uint8_t checksum(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte byte : bytes)
    sum += std::to_integer<unsigned>(byte);
  return static_cast<std::uint8_t>(sum);
}

std::optional<Structure> Structures::next() {
  const std::size_t header = header_ == StructureHeader::kByteLength ? 2 : 3;
  if (count_ == 0) return std::nullopt;
  if (!table_.has(at_, header)) {  // what is shorter than a header is padding
    if (count_ != kAll) notes_->warning("{}: has {} structures less than it says", name_, count_);
    count_ = 0;
    return std::nullopt;
  }
  const std::size_t length = header == 2 ? table_.u8(at_ + 1) : table_.u16(at_ + 1);
  if (length < header || !table_.has(at_, length)) {
    (void)notes_->error(Error::kCorrupt,
                        "{}: the structure at {#x} has length {}, the rest is lost", name_, at_,
                        length);
    is_broken_ = true;
    count_ = 0;
    return std::nullopt;
  }
  const Structure found{table_.u8(at_), at_, table_.part(at_, length)};
  at_ += length;
  if (count_ != kAll) --count_;
  return found;
}

}  // namespace socle::fw::acpi
