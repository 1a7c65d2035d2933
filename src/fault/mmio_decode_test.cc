// SPDX-License-Identifier: Apache-2.0
#include "fault/mmio_decode.h"

#include "base/test.h"
#include "hw/esr.h"

namespace socle::fault {

namespace {

using guest::CpuFrame;
using hw::DataAbort;
using hw::Pstate;
using hw::SCTLR_EL1;

constexpr Ipa kAddress{0x0800'0004};

struct Instruction {
  std::uint64_t size_log2 = 2;
  std::uint64_t rt = 5;
  bool write = false;
  bool sign = false;
  bool wide = false;
};

CpuFrame frame_of(const Instruction& instruction) {
  CpuFrame frame{};
  frame.pstate = Pstate::kEl1h;
  frame.esr = hw::Esr::make(hw::ExceptionClass::kDataAbortLower, true,
                            DataAbort::ISV::kMask | DataAbort::SAS::make(instruction.size_log2) |
                                DataAbort::SRT::make(instruction.rt) |
                                DataAbort::SSE::make(instruction.sign ? 1 : 0) |
                                DataAbort::SF::make(instruction.wide ? 1 : 0) |
                                DataAbort::WnR::make(instruction.write ? 1 : 0) | 7);
  return frame;
}

std::uint64_t load(CpuFrame frame, std::uint64_t device_value, std::uint64_t sctlr = 0) {
  const auto instruction = decode_mmio(frame, sctlr);
  guest::MmioAccess access = begin_access(frame, *instruction, kAddress);
  access.value = device_value;
  frame.x[5] = ~std::uint64_t{0};
  finish_access(frame, *instruction, access);
  return frame.x[5];
}

std::uint64_t store(CpuFrame frame, std::uint64_t value, std::uint64_t sctlr = 0) {
  frame.x[5] = value;
  return begin_access(frame, *decode_mmio(frame, sctlr), kAddress).value;
}

constexpr std::uint64_t kJunk = 0xfedc'ba98'7654'3281;

}  // namespace

TEST(MmioDecode, WithoutValidSyndromeThereIsNothing) {
  CpuFrame frame = frame_of({});
  frame.esr &= ~DataAbort::ISV::kMask;
  EXPECT_FALSE(decode_mmio(frame, 0).has_value());
}

TEST(MmioDecode, LoadsTakeTheirSizeAndClearTheRest) {
  EXPECT_EQ(load(frame_of({.size_log2 = 0}), kJunk), 0x81u);
  EXPECT_EQ(load(frame_of({.size_log2 = 1}), kJunk), 0x3281u);
  EXPECT_EQ(load(frame_of({.size_log2 = 2}), kJunk), 0x7654'3281u);
  EXPECT_EQ(load(frame_of({.size_log2 = 3, .wide = true}), kJunk), kJunk);
}

TEST(MmioDecode, SignedLoadsExtendToTheRegistersWidth) {
  EXPECT_EQ(load(frame_of({.size_log2 = 0, .sign = true}), 0x81), 0xffff'ff81u);
  EXPECT_EQ(load(frame_of({.size_log2 = 0, .sign = true, .wide = true}), 0x81),
            0xffff'ffff'ffff'ff81u);
  EXPECT_EQ(load(frame_of({.size_log2 = 2, .sign = true, .wide = true}), 0x8000'0000),
            0xffff'ffff'8000'0000u);
  EXPECT_EQ(load(frame_of({.size_log2 = 1, .sign = true, .wide = true}), 0x7fff), 0x7fffu);
}

TEST(MmioDecode, StoresAreCutToTheirSize) {
  EXPECT_EQ(store(frame_of({.size_log2 = 0, .write = true}), kJunk), 0x81u);
  EXPECT_EQ(store(frame_of({.size_log2 = 2, .write = true}), kJunk), 0x7654'3281u);
  EXPECT_EQ(store(frame_of({.size_log2 = 3, .write = true}), kJunk), kJunk);
}

TEST(MmioDecode, ZeroRegisterStoresZeroAndLoadsNowhere) {
  CpuFrame frame = frame_of({.rt = 31, .write = true});
  for (std::uint64_t& x : frame.x)
    x = kJunk;
  EXPECT_EQ(begin_access(frame, *decode_mmio(frame, 0), kAddress).value, 0u);
  frame = frame_of({.rt = 31});
  const CpuFrame before = frame;
  finish_access(frame, *decode_mmio(frame, 0), {.address = kAddress, .bytes = 4, .value = 9});
  for (unsigned n = 0; n < 31; ++n)
    EXPECT_EQ(frame.x[n], before.x[n]);
}

TEST(MmioDecode, BigEndianGuestsSeeBytesInTheirOrder) {
  EXPECT_EQ(load(frame_of({}), 0x1234'5678, SCTLR_EL1::EE::kMask), 0x7856'3412u);
  EXPECT_EQ(store(frame_of({.size_log2 = 1, .write = true}), 0x1234, SCTLR_EL1::EE::kMask),
            0x3412u);
  // EL0 has a switch of its own.
  CpuFrame frame = frame_of({});
  frame.pstate = Pstate::kEl0t;
  EXPECT_EQ(load(frame, 0x1234'5678, SCTLR_EL1::EE::kMask), 0x1234'5678u);
  EXPECT_EQ(load(frame, 0x1234'5678, SCTLR_EL1::E0E::kMask), 0x7856'3412u);
  // AArch32: PSTATE.E.
  frame.pstate = Pstate::AArch32::kMask | Pstate::D::kMask;
  EXPECT_EQ(load(frame, 0x1234'5678), 0x7856'3412u);
}

}  // namespace socle::fault
