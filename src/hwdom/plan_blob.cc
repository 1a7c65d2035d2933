// SPDX-License-Identifier: Apache-2.0
#include "hwdom/plan_blob.h"

#include <cstring>
#include <libfdt.h>

#include "base/check.h"
#include "fw/dt/big_endian.h"

namespace socle::hwdom {

namespace {
constexpr std::size_t kHeaderSize = 40;
constexpr std::uint32_t kVersion = 17;
constexpr std::uint32_t kLastCompatibleVersion = 16;
}  // namespace

BlobWriter::BlobWriter(std::span<std::byte> buffer, const fw::dt::Tree& host)
    : buffer_(buffer),
      host_names_(host.strings()),
      size_(kHeaderSize),
      is_full_(buffer.size() < kHeaderSize) {}

void BlobWriter::bytes(const void* from, std::size_t size) {
  const std::size_t padded = align_up<std::size_t>(size, 4);
  if (is_full_ || padded > buffer_.size() - size_) {
    is_full_ = true;
    return;
  }
  std::byte* const to = buffer_.data() + size_;
  if (size != 0) std::memcpy(to, from, size);
  std::memset(to + size, 0, padded - size);
  size_ += padded;
}

void BlobWriter::cell(std::uint32_t value) {
  std::byte cell[4];
  fw::dt::store_be32(cell, value);
  bytes(cell, sizeof cell);
}

void BlobWriter::reservation(const PaRange& range) {
  for (const std::uint64_t value : {range.begin().value(), range.size()}) {
    cell(static_cast<std::uint32_t>(value >> 32));
    cell(static_cast<std::uint32_t>(value));
  }
}

void BlobWriter::end_reservations() {
  reservation(PaRange());
  structure_ = size_;
}

void BlobWriter::begin(const char* name) {
  cell(FDT_BEGIN_NODE);
  bytes(name, std::strlen(name) + 1);
}

void BlobWriter::end() {
  cell(FDT_END_NODE);
}

void BlobWriter::property_at(std::size_t name, std::span<const std::byte> value) {
  cell(FDT_PROP);
  cell(static_cast<std::uint32_t>(value.size()));
  cell(static_cast<std::uint32_t>(name));
  bytes(value.data(), value.size());
}

void BlobWriter::property(std::string_view name, std::span<const std::byte> value) {
  std::size_t at = 0;
  while (at < own_names_size_ && std::string_view(own_names_.data() + at) != name)
    at += std::string_view(own_names_.data() + at).size() + 1;
  if (at == own_names_size_) {
    CHECK(at + name.size() < own_names_.size());
    std::memcpy(own_names_.data() + at, name.data(), name.size());
    own_names_size_ += name.size() + 1;
  }
  property_at(host_names_.size() + at, value);
}

void BlobWriter::copy(const fw::dt::Property& host_property) {
  const auto* const name = reinterpret_cast<const std::byte*>(host_property.c_name());
  property_at(static_cast<std::size_t>(name - host_names_.data()), host_property.bytes());
}

Result<std::size_t> BlobWriter::finish() {
  cell(FDT_END);
  const std::size_t structure_end = size_;
  // The two parts of the strings block meet without padding.
  const std::size_t own_begin = structure_end + host_names_.size();
  bytes(host_names_.data(), host_names_.size());
  if (!is_full_) size_ = own_begin;
  const std::size_t blob_end = own_begin + own_names_size_;
  bytes(own_names_.data(), own_names_size_);
  if (is_full_) return fail(Error::kTooLarge);

  const std::size_t total = size_;
  size_ = 0;
  for (const std::size_t word :
       {std::size_t{FDT_MAGIC}, total, structure_, structure_end, kHeaderSize,
        std::size_t{kVersion}, std::size_t{kLastCompatibleVersion}, std::size_t{0},
        blob_end - structure_end, structure_end - structure_}) {
    cell(static_cast<std::uint32_t>(word));
  }
  return total;
}

}  // namespace socle::hwdom
