// SPDX-License-Identifier: Apache-2.0
#include "hwdom/unpack.h"

#include <cstring>
#include <vector>
#include <zlib.h>

#include "base/test.h"
#include "fw/boot_phase_host.h"
#include "port/phys_window.h"
#include "sim/memory.h"

namespace socle::hwdom {
namespace {

using Bytes = std::vector<unsigned char>;

Bytes gzip(const Bytes& plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes packed(deflateBound(&stream, plain.size()) + 32);
  stream.next_in = const_cast<unsigned char*>(plain.data());
  stream.avail_in = static_cast<unsigned>(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<unsigned>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

void poke(Pa to, const Bytes& bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const port::PhysWindow window((to + i).frame());
    window.data()[(to + i).offset_in_frame()] = static_cast<std::byte>(bytes[i]);
  }
}

Bytes peek(Pa from, std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    const port::PhysWindow window((from + i).frame());
    bytes[i] = std::to_integer<unsigned char>(window.data()[(from + i).offset_in_frame()]);
  }
  return bytes;
}

Bytes sample(std::size_t size) {
  Bytes bytes(size);
  std::uint32_t state = 1;
  for (auto& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<unsigned char>((state >> 28) | 0x40);
  }
  return bytes;
}

struct Case {
  sim::Memory memory;
  std::vector<std::byte> space = std::vector<std::byte>(128 * kKiB);
  fw::Arena arena{space};
  fw::Diagnostics notes{arena};
  const fw::BootPhase phase = image::BootPhaseMaker::make();
  // Not at the start of a frame: modules lie where a boot loader put them.
  const Pa source{0x4000'0123};
  const Pa target{0x4008'0000};

  Result<std::uint64_t> unpack(const Bytes& packed, std::uint64_t room) {
    poke(source, packed);
    return unpack_gzip(PaRange(source, source + packed.size()), PaRange(target, target + room),
                       arena, phase, notes);
  }
};

TEST(Unpack, AModuleComesOutAsItWentIn) {
  Case test;
  const Bytes plain = sample(300'000);
  const Bytes packed = gzip(plain);
  poke(test.source, packed);
  const auto claimed = claimed_unpacked_size(PaRange(test.source, test.source + packed.size()));
  ASSERT_TRUE(claimed.has_value());
  EXPECT_EQ(*claimed, plain.size());
  const auto size = test.unpack(packed, 0x6'0000);
  ASSERT_TRUE(size.has_value());
  EXPECT_EQ(*size, plain.size());
  EXPECT_TRUE(peek(test.target, plain.size()) == plain);
}

TEST(Unpack, ATargetThatIsTooSmallIsNeverPassed) {
  Case test;
  const Bytes plain = sample(100'000);
  poke(test.target + 0x1'0000, Bytes(16, 0xee));
  const auto size = test.unpack(gzip(plain), 0x1'0000);
  ASSERT_FALSE(size.has_value());
  EXPECT_TRUE(size.error() == Error::kTooLarge);
  EXPECT_TRUE(peek(test.target + 0x1'0000, 16) == Bytes(16, 0xee));
}

TEST(Unpack, ATruncatedModuleIsRefused) {
  Case test;
  Bytes packed = gzip(sample(100'000));
  packed.resize(packed.size() / 2);
  const auto size = test.unpack(packed, 0x6'0000);
  ASSERT_FALSE(size.has_value());
  EXPECT_TRUE(size.error() == Error::kCorrupt);
  EXPECT_TRUE(test.notes.mentions("ends too early"));
}

TEST(Unpack, AWrongChecksumIsRefused) {
  Case test;
  Bytes packed = gzip(sample(100'000));
  packed[packed.size() - 7] ^= 1;
  const auto size = test.unpack(packed, 0x6'0000);
  ASSERT_FALSE(size.has_value());
  EXPECT_TRUE(size.error() == Error::kCorrupt);
}

TEST(Unpack, AFileTooShortForATrailerClaimsNothing) {
  Case test;
  EXPECT_FALSE(claimed_unpacked_size(PaRange(test.source, test.source + 17)).has_value());
}

}  // namespace
}  // namespace socle::hwdom
