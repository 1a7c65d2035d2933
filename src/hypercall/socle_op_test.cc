// SPDX-License-Identifier: Apache-2.0
#include "abi/socle.h"
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

}  // namespace
}  // namespace socle::hypercall
