// SPDX-License-Identifier: Apache-2.0
#include "abi/socle.h"
#include "guest/mmio_faults.h"
#include "hypercall/test_caller.h"
#include "port/at.h"

namespace socle::hypercall {
namespace {

std::int64_t translate(TestCaller& guest, abi::SocleTranslate& request) {
  return guest.call_with(abi::kSocleCall, abi::kSocleTranslate, request);
}

TEST(SocleOp, TellsWhatAnAddressMeansAfterBothStages) {
  TestCaller guest;
  abi::SocleTranslate request{TestCaller::address(TestCaller::ram(7), 0x123), 0, 0, 0};
  EXPECT_EQ(translate(guest, request), 0);
  EXPECT_EQ(request.par & 0x000f'ffff'ffff'f000, Ipa(TestCaller::ram(7)).value());
  EXPECT_EQ(request.par & 1, 0u);
}

TEST(SocleOp, AFaultOfATranslationIsAnAnswerNotAnError) {
  TestCaller guest;
  port::host_stage1 = [](std::uint64_t address, bool is_write) -> Result<Ipa> {
    if (is_write && (address & 0x800) != 0) return fail(Error::kFault);
    return Ipa(address);
  };
  abi::SocleTranslate request{TestCaller::address(TestCaller::ram(7), 0x800), 0, 0, 0};
  EXPECT_EQ(translate(guest, request), 0);
  EXPECT_EQ(request.par & 1, 0u);
  request.flags = abi::kSocleTranslateWrite;
  EXPECT_EQ(translate(guest, request), 0);
  EXPECT_EQ(request.par & 1, 1u);
  port::host_stage1 = nullptr;
}

TEST(SocleOp, ReservedFieldsAndUnknownFlagsAreRefused) {
  TestCaller guest;
  abi::SocleTranslate request{TestCaller::address(TestCaller::ram(7)), 2, 0, 0};
  EXPECT_EQ(translate(guest, request), -XEN_EINVAL);
  request = {TestCaller::address(TestCaller::ram(7)), 0, 1, 0};
  EXPECT_EQ(translate(guest, request), -XEN_EINVAL);
  EXPECT_EQ(guest.call(abi::kSocleCall, {abi::kSocleTranslate, TestCaller::kBadAddress}),
            -XEN_EFAULT);
}

TEST(SocleOp, AnUnknownOperationIsNotThere) {
  TestCaller guest;
  for (const std::uint64_t operation : {std::uint64_t{0}, std::uint64_t{99}, ~std::uint64_t{0}})
    EXPECT_EQ(guest.call(abi::kSocleCall, {operation, 0}), -XEN_ENOSYS);
}

TEST(SocleOp, IsForTheHardwareDomain) {
  TestCaller::Options options;
  options.properties.is_hardware_domain = false;
  TestCaller guest(options);
  abi::SocleTranslate request{TestCaller::address(TestCaller::ram(7)), 0, 0, 0};
  EXPECT_EQ(translate(guest, request), -XEN_EPERM);
  EXPECT_EQ(request.par, 0u);
}

// --- accesses where nothing is mapped ---

using guest::MmioFaults;

abi::SocleMmioFaults ask(std::uint32_t outcome, std::uint32_t capacity, std::uint64_t from = 0) {
  abi::SocleMmioFaults request{};
  request.outcome = outcome;
  request.capacity = capacity;
  request.from = from;
  return request;
}

struct FaultsCaller : TestCaller {
  explicit FaultsCaller(MmioFaults::Policy policy = MmioFaults::Policy::kMap) : faults(policy) {
    domain().mmio_faults = &faults;
  }
  void fault(std::uint64_t frame, MmioFaults::Outcome outcome = MmioFaults::Outcome::kMapped) {
    (void)faults.add(outcome, {.frames = GfnRange(Gfn(frame), Gfn(frame + 16)),
                               .pc = 0x1000 + frame,
                               .count = 1,
                               .vcpu = 3,
                               .block = kOrder64K,
                               .type = MemoryType::kNormalWriteBack});
  }
  // Records go to page 0x101 of its RAM.
  std::int64_t list(abi::SocleMmioFaults& request) {
    request.records = address(ram(0x101));
    return call_with(abi::kSocleCall, abi::kSocleMmioFaults, request);
  }
  abi::SocleMmioFault record(unsigned number) {
    return get<abi::SocleMmioFault>(number * sizeof(abi::SocleMmioFault), 0x101);
  }
  MmioFaults faults;
};

TEST(SocleOp, WithoutAPolicyThereAreNoFaultsToList) {
  TestCaller guest;
  abi::SocleMmioFaults request = ask(abi::kSocleFaultsMapped, 4);
  request.policy = 7;
  request.faults = 7;
  EXPECT_EQ(guest.call_with(abi::kSocleCall, abi::kSocleMmioFaults, request), 0);
  EXPECT_EQ(request.count, 0u);
  EXPECT_EQ(request.policy, abi::kSoclePolicyDeny);
  EXPECT_EQ(request.faults, 0u);
}

TEST(SocleOp, ListsWhatWasMappedOnDemand) {
  FaultsCaller guest;
  guest.fault(0x200);
  guest.fault(0x210);
  guest.fault(0x100);
  guest.fault(0x900, MmioFaults::Outcome::kDenied);
  abi::SocleMmioFaults request = ask(abi::kSocleFaultsMapped, 4);
  EXPECT_EQ(guest.list(request), 0);
  ASSERT_EQ(request.count, 2u);
  EXPECT_EQ(request.policy, abi::kSoclePolicyMap);
  EXPECT_EQ(request.faults, 3u);
  EXPECT_EQ(request.lost, 0u);
  const abi::SocleMmioFault record = guest.record(1);
  EXPECT_EQ(record.begin, 0x20'0000u);
  EXPECT_EQ(record.end, 0x22'0000u);
  EXPECT_EQ(record.pc, 0x1200u);
  EXPECT_EQ(record.count, 2u);
  EXPECT_EQ(record.vcpu, 3u);
  EXPECT_EQ(record.block, 4u);
  EXPECT_EQ(record.type, abi::kSocleTypeNormalWriteBack);
  request = ask(abi::kSocleFaultsDenied, 4);
  EXPECT_EQ(guest.list(request), 0);
  EXPECT_EQ(request.count, 1u);
  EXPECT_EQ(guest.record(0).begin, 0x90'0000u);
  EXPECT_EQ(guest.record(0).type, abi::kSocleTypeNone);
}

TEST(SocleOp, AListOfFaultsGoesOnWhereItStopped) {
  FaultsCaller guest;
  for (std::uint64_t i = 0; i < 50; ++i)
    guest.fault(0x100 * i);
  abi::SocleMmioFaults request = ask(abi::kSocleFaultsMapped, 11);
  std::uint64_t seen = 0;
  do {
    EXPECT_EQ(guest.list(request), 0);
    ASSERT_LE(request.count, 11u);
    for (unsigned i = 0; i < request.count; ++i)
      EXPECT_EQ(guest.record(i).begin, seen++ * 0x10'0000);
  } while (request.count != 0);
  EXPECT_EQ(seen, 50u);
}

TEST(SocleOp, AListOfFaultsNeedsARealBufferAndARealQuestion) {
  FaultsCaller guest;
  guest.fault(0x100);
  abi::SocleMmioFaults request = ask(abi::kSocleFaultsMapped, 1);
  request.records = TestCaller::kBadAddress;
  EXPECT_EQ(guest.call_with(abi::kSocleCall, abi::kSocleMmioFaults, request), -XEN_EFAULT);
  request = ask(2, 1);
  EXPECT_EQ(guest.list(request), -XEN_EINVAL);
  request = ask(abi::kSocleFaultsMapped, 1, 1);
  EXPECT_EQ(guest.list(request), -XEN_EINVAL);
  request = ask(abi::kSocleFaultsMapped, ~std::uint32_t{0}, ~std::uint64_t{0} << kFrameShift);
  EXPECT_EQ(guest.list(request), 0);
  EXPECT_EQ(request.count, 0u);
}

}  // namespace
}  // namespace socle::hypercall
