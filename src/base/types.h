// SPDX-License-Identifier: Apache-2.0
#pragma once

// The words for places in memory. Each kind of address and frame number is a type of its own, so
// that a guest frame cannot be passed where a machine frame is meant (test/nocompile proves it).
//
//   Mfn / Pa    machine (physical) frame number / physical address
//   Gfn / Ipa   guest frame number / intermediate physical address (what a guest calls physical)
//   Dfn         device frame number: what a DMA master behind an IOMMU puts on the bus
//   Level       level of a translation table: 0 (root of a 48-bit space) to 3 (pages)
//   Order       power-of-two count of frames: order 0 is 4 KiB, order 9 is 2 MiB, order 18 is 1 GiB
//   FrameCount  a number of 4 KiB frames
//
// The translation granule is 4 KiB everywhere; frames are 4 KiB whatever the guest's own granule
// is.

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace socle {

inline constexpr unsigned kFrameShift = 12;
inline constexpr std::uint64_t kFrameSize = std::uint64_t{1} << kFrameShift;
inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kTiB = 1024 * kGiB;

template <std::unsigned_integral T>
constexpr bool is_aligned(T value, T alignment) {
  return (value & (alignment - 1)) == 0;
}
template <std::unsigned_integral T>
constexpr T align_down(T value, T alignment) {
  return value & ~(alignment - 1);
}
// The caller makes sure that rounding up does not pass the end of T.
template <std::unsigned_integral T>
constexpr T align_up(T value, T alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

class FrameCount {
 public:
  constexpr FrameCount() = default;
  constexpr explicit FrameCount(std::uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  [[nodiscard]] constexpr std::uint64_t bytes() const { return value_ << kFrameShift; }
  // Frames needed to hold `bytes`, rounded up.
  static constexpr FrameCount containing(std::uint64_t bytes) {
    return FrameCount((bytes >> kFrameShift) + ((bytes & (kFrameSize - 1)) != 0 ? 1 : 0));
  }
  constexpr auto operator<=>(const FrameCount&) const = default;
  constexpr FrameCount operator+(FrameCount other) const {
    return FrameCount(value_ + other.value_);
  }
  constexpr FrameCount operator-(FrameCount other) const {
    return FrameCount(value_ - other.value_);
  }
  constexpr FrameCount& operator+=(FrameCount other) {
    value_ += other.value_;
    return *this;
  }
  constexpr FrameCount& operator-=(FrameCount other) {
    value_ -= other.value_;
    return *this;
  }

 private:
  std::uint64_t value_ = 0;
};

class Order {
 public:
  constexpr Order() = default;
  constexpr explicit Order(unsigned value) : value_(value) {}
  [[nodiscard]] constexpr unsigned value() const { return value_; }
  [[nodiscard]] constexpr FrameCount count() const {
    return FrameCount(std::uint64_t{1} << value_);
  }
  [[nodiscard]] constexpr std::uint64_t bytes() const { return kFrameSize << value_; }
  constexpr auto operator<=>(const Order&) const = default;

 private:
  unsigned value_ = 0;
};
inline constexpr Order kOrder4K{0};
inline constexpr Order kOrder64K{4};
inline constexpr Order kOrder2M{9};
inline constexpr Order kOrder1G{18};

class Level {
 public:
  constexpr explicit Level(int value) : value_(value) {}
  [[nodiscard]] constexpr int value() const { return value_; }
  [[nodiscard]] constexpr Level next() const { return Level(value_ + 1); }
  // log2 of the frames that one entry of this level covers.
  [[nodiscard]] constexpr Order order() const {
    return Order(static_cast<unsigned>(9 * (3 - value_)));
  }
  constexpr auto operator<=>(const Level&) const = default;

 private:
  int value_;
};
inline constexpr Level kLeafLevel{3};

template <typename Tag>
class FrameNumber {
 public:
  constexpr FrameNumber() = default;
  constexpr explicit FrameNumber(std::uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  [[nodiscard]] constexpr bool is_aligned(Order order) const {
    return (value_ & (order.count().value() - 1)) == 0;
  }
  constexpr auto operator<=>(const FrameNumber&) const = default;
  constexpr FrameNumber operator+(FrameCount n) const { return FrameNumber(value_ + n.value()); }
  constexpr FrameNumber operator-(FrameCount n) const { return FrameNumber(value_ - n.value()); }
  constexpr FrameCount operator-(FrameNumber other) const {
    return FrameCount(value_ - other.value_);
  }
  constexpr FrameNumber& operator+=(FrameCount n) {
    value_ += n.value();
    return *this;
  }
  constexpr FrameNumber& operator++() {
    ++value_;
    return *this;
  }

 private:
  std::uint64_t value_ = 0;
};

// Byte addresses. `Frame` is the frame number type of the same space.
template <typename Tag, typename Frame>
class Address {
 public:
  constexpr Address() = default;
  constexpr explicit Address(std::uint64_t value) : value_(value) {}
  constexpr explicit Address(Frame frame) : value_(frame.value() << kFrameShift) {}
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  [[nodiscard]] constexpr Frame frame() const { return Frame(value_ >> kFrameShift); }
  [[nodiscard]] constexpr std::uint64_t offset_in_frame() const {
    return value_ & (kFrameSize - 1);
  }
  [[nodiscard]] constexpr bool is_aligned(std::uint64_t alignment) const {
    return (value_ & (alignment - 1)) == 0;
  }
  constexpr auto operator<=>(const Address&) const = default;
  constexpr Address operator+(std::uint64_t bytes) const { return Address(value_ + bytes); }
  constexpr Address operator-(std::uint64_t bytes) const { return Address(value_ - bytes); }
  constexpr std::uint64_t operator-(Address other) const { return value_ - other.value_; }

 private:
  std::uint64_t value_ = 0;
};

struct MachineTag;
struct GuestTag;
struct DeviceTag;
using Mfn = FrameNumber<MachineTag>;
using Gfn = FrameNumber<GuestTag>;
using Dfn = FrameNumber<DeviceTag>;
using Pa = Address<MachineTag, Mfn>;
using Ipa = Address<GuestTag, Gfn>;

// The hardware domain is mapped 1:1; this is the one place where a guest frame becomes a machine
// frame by definition. Use it only where "direct-mapped" has been established.
constexpr Gfn direct_mapped(Mfn frame) {
  return Gfn(frame.value());
}
constexpr Ipa direct_mapped(Pa address) {
  return Ipa(address.value());
}

// Logical number of a physical CPU: 0 is the boot CPU. Dense.
enum class CpuIndex : std::uint16_t {};
inline constexpr unsigned kMaxCpus = 128;
constexpr unsigned index_of(CpuIndex cpu) {
  return static_cast<unsigned>(cpu);
}

// GIC interrupt number. 0-15 SGI, 16-31 PPI, 32-1019 SPI.
class IntId {
 public:
  constexpr IntId() = default;
  constexpr explicit IntId(std::uint32_t value) : value_(value) {}
  [[nodiscard]] constexpr std::uint32_t value() const { return value_; }
  [[nodiscard]] constexpr bool is_sgi() const { return value_ < 16; }
  [[nodiscard]] constexpr bool is_ppi() const { return value_ >= 16 && value_ < 32; }
  [[nodiscard]] constexpr bool is_private() const { return value_ < 32; }
  [[nodiscard]] constexpr bool is_spi() const { return value_ >= 32 && value_ < 1020; }
  constexpr auto operator<=>(const IntId&) const = default;

 private:
  std::uint32_t value_ = 0;
};

// Xen's domain numbers. 0x7ff0 and up are special (DOMID_SELF, ...): see abi/.
enum class DomainId : std::uint16_t {};

}  // namespace socle
