// SPDX-License-Identifier: Apache-2.0

// xen_version, console_io, vm_assist, hvm_op, and how hypercalls are made at all.

#include "abi/hvm.h"
#include "abi/version.h"
#include "hypercall/hypercall.h"
#include "hypercall/test_caller.h"
#include "sim/host_seams.h"

namespace socle::hypercall {
namespace {

TEST(Hypercalls, UnknownNumbersAnswerEnosys) {
  TestCaller guest;
  for (unsigned number = 0; number < 70; ++number) {
    static constexpr unsigned kKnown[] = {7, 12, 13, 17, 18, 20, 21, 24, 29, 32, 33, 34, 35, 36};
    if (std::ranges::find(kKnown, number) != std::end(kKnown)) continue;
    EXPECT_EQ(guest.call(number, {0, 0, 0, 0, 0}), -XEN_ENOSYS);
  }
  EXPECT_EQ(guest.call(0xffffffff), -XEN_ENOSYS);
}

TEST(Hypercalls, TheNumberHas64Bits) {
  TestCaller guest;
  guest.frame().x[16] = 0xffff'ffff'0000'0011;
  guest.frame().x[0] = 0;
  guest::hypercall_entry(guest.vcpu(), guest.frame());
  EXPECT_EQ(guest.frame().x[0], static_cast<std::uint64_t>(-XEN_ENOSYS));
}

TEST(Hypercalls, WhatIsAskedForInVainIsCounted) {
  TestCaller guest;
  reset_unimplemented();
  (void)guest.call(17, {99, 0});
  (void)guest.call(17, {99, 0});
  (void)guest.call(60);
  sim::LogCapture log;
  log_unimplemented();
  EXPECT_TRUE(log.contains("hypercall 17 operation 99: 2 times"));
  EXPECT_TRUE(log.contains("hypercall 60 operation 0: 1 times"));
}

TEST(Hypercalls, AskingForEverythingDoesNotFillMemory) {
  TestCaller guest;
  for (std::uint64_t operation = 100; operation < 1000; ++operation)
    EXPECT_EQ(guest.call(17, {operation, 0}), -XEN_ENOSYS);
  sim::LogCapture log;
  log_unimplemented();
  EXPECT_TRUE(log.contains("others: "));
}

TEST(XenVersion, NamesTheAbi) {
  TestCaller guest;
  EXPECT_EQ(guest.call(17, {XENVER_version, 0}), 4 << 16 | 17);
  EXPECT_EQ(guest.call(17, {XENVER_pagesize, 0}), 4096);
  EXPECT_EQ(guest.call(17, {XENVER_pagesize, 1}), -XEN_EINVAL);
}

TEST(XenVersion, TextsAreTerminatedAndFillTheirFields) {
  TestCaller guest;
  const std::uint64_t address = TestCaller::address(TestCaller::ram(0x100));
  const auto text = [&](std::uint64_t operation, std::size_t bytes) {
    std::memset(&guest.at<char>(TestCaller::ram(0x100)), 'x', 4096);
    EXPECT_EQ(guest.call(17, {operation, address}), 0);
    const char* field = &guest.at<char>(TestCaller::ram(0x100));
    EXPECT_EQ(field[bytes - 1], '\0');
    EXPECT_EQ(field[bytes], 'x');
    return std::string(field);
  };
  EXPECT_EQ(text(XENVER_extraversion, 16), ".7-socle");
  EXPECT_EQ(text(XENVER_capabilities, 1024), "xen-3.0-aarch64 ");
  EXPECT_EQ(text(XENVER_changeset, 64), "");
  set_command_line("console=dtuart");
  EXPECT_EQ(text(XENVER_commandline, 1024), "console=dtuart");
  set_command_line({});
}

TEST(XenVersion, ALongCommandLineIsCut) {
  TestCaller guest;
  const std::string line(3000, 'a');
  set_command_line(line);
  EXPECT_EQ(guest.call(17, {XENVER_commandline, TestCaller::address(TestCaller::ram(0x100))}), 0);
  EXPECT_EQ(std::string(&guest.at<char>(TestCaller::ram(0x100))), std::string(1023, 'a'));
  set_command_line({});
}

TEST(XenVersion, OnlyAPrivilegedDomainSeesCommandLineAndBuildId) {
  TestCaller guest({.properties = {}});
  set_command_line("secret");
  EXPECT_EQ(guest.call(17, {XENVER_commandline, TestCaller::address(TestCaller::ram(0x100))}), 0);
  EXPECT_EQ(std::string(&guest.at<char>(TestCaller::ram(0x100))), "<denied>");
  EXPECT_EQ(guest.call(17, {XENVER_build_id, 0}), -XEN_EPERM);
  set_command_line({});
}

TEST(XenVersion, TheBuildIdIsCopiedIntoWhatRoomThereIs) {
  TestCaller guest;
  EXPECT_EQ(guest.call(17, {XENVER_build_id, 0}), -XEN_ENODATA);
  static constexpr std::byte kId[20] = {std::byte{0xab}};
  set_build_id(kId);
  EXPECT_EQ(guest.call(17, {XENVER_build_id, 0}), 20);
  EXPECT_EQ(guest.call(17, {XENVER_build_id, guest.put(std::uint32_t{0})}), -XEN_EINVAL);
  EXPECT_EQ(guest.call(17, {XENVER_build_id, guest.put(std::uint32_t{19})}), -XEN_ENOBUFS);
  EXPECT_EQ(guest.call(17, {XENVER_build_id, guest.put(std::uint32_t{20})}), 20);
  EXPECT_EQ(guest.get<std::uint8_t>(4), 0xab);
  EXPECT_EQ(guest.call(17, {XENVER_build_id, TestCaller::kBadAddress}), -XEN_EFAULT);
  set_build_id({});
}

TEST(XenVersion, FeaturesSayWhatKindOfDomainItIs) {
  TestCaller hardware;
  abi::FeatureInfo info{.submap_idx = 0, .submap = 0};
  EXPECT_EQ(hardware.call_with(17, XENVER_get_features, info), 0);
  EXPECT_EQ(info.submap, 0x00026805u);
  info.submap_idx = 1;
  EXPECT_EQ(hardware.call_with(17, XENVER_get_features, info), -XEN_EINVAL);
}

TEST(XenVersion, BadPointersAreFaults) {
  TestCaller guest;
  for (const std::uint64_t operation : {1u, 2u, 3u, 4u, 5u, 6u, 8u, 9u})
    EXPECT_EQ(guest.call(17, {operation, TestCaller::kBadAddress}), -XEN_EFAULT);
}

TEST(ConsoleIo, WritesBytesAsTheyAre) {
  TestCaller guest;
  const std::string text("a\n\0\x1b[0m\xff", 8);
  std::memcpy(&guest.at<char>(TestCaller::ram(0x100)), text.data(), text.size());
  EXPECT_EQ(
      guest.call(18, {CONSOLEIO_write, text.size(), TestCaller::address(TestCaller::ram(0x100))}),
      0);
  EXPECT_EQ(test_console().written, text);
}

TEST(ConsoleIo, ALongWriteMakesWayForInterrupts) {
  TestCaller guest;
  std::string text;
  for (unsigned i = 0; i < 5000; ++i)
    text += static_cast<char>('a' + i % 26);
  for (std::size_t i = 0; i < text.size(); ++i)
    guest.at<char>(TestCaller::ram(0x100 + i / 4096), i % 4096) = text[i];
  port::host_interrupt_pending = true;
  EXPECT_EQ(
      guest.call(18, {CONSOLEIO_write, text.size(), TestCaller::address(TestCaller::ram(0x100))}),
      0);
  EXPECT_EQ(test_console().written, text);
  EXPECT_EQ(guest.continuations, 39u);
}

TEST(ConsoleIo, ReadsWhatWasTyped) {
  TestCaller guest;
  const std::uint64_t address = TestCaller::address(TestCaller::ram(0x100));
  EXPECT_EQ(guest.call(18, {CONSOLEIO_read, 16, address}), 0);
  test_console().typed = "hello";
  EXPECT_EQ(guest.call(18, {CONSOLEIO_read, 3, address}), 3);
  EXPECT_EQ(guest.call(18, {CONSOLEIO_read, 16, address}), 2);
  EXPECT_EQ(guest.get<char>(0), 'l');
  EXPECT_EQ(guest.call(18, {CONSOLEIO_read, 0x80000000, address}), -XEN_E2BIG);
}

TEST(ConsoleIo, ErrorsAreXens) {
  TestCaller guest;
  EXPECT_EQ(guest.call(18, {CONSOLEIO_write, 0, TestCaller::kBadAddress}), 0);
  EXPECT_EQ(guest.call(18, {CONSOLEIO_write, 1, TestCaller::kBadAddress}), -XEN_EFAULT);
  EXPECT_EQ(guest.call(18, {2, 1, TestCaller::kBadAddress}), -XEN_ENOSYS);
}

TEST(ConsoleIo, IsTheHardwareDomains) {
  TestCaller guest({.properties = {}});
  EXPECT_EQ(guest.call(18, {CONSOLEIO_write, 0, 0}), -XEN_EPERM);
}

TEST(VmAssist, OnlyTheRunstateFlagExists) {
  TestCaller guest;
  for (std::uint64_t type = 0; type < 70; ++type)
    EXPECT_EQ(guest.call(21, {VMASST_CMD_enable, type}), type == 5 ? 0 : -XEN_EINVAL);
  EXPECT_EQ(guest.domain().vm_assist.load(), 32u);
  EXPECT_EQ(guest.call(21, {2, 5}), -XEN_ENOSYS);
  EXPECT_EQ(guest.call(21, {VMASST_CMD_disable, 5}), 0);
  EXPECT_EQ(guest.domain().vm_assist.load(), 0u);
}

std::int64_t get_param(TestCaller& guest, std::uint16_t domid, std::uint32_t index,
                       std::uint64_t* value = nullptr) {
  abi::HvmParam param{.domid = domid, .pad = 0, .index = index, .value = 0x77};
  const std::int64_t result = guest.call_with(34, HVMOP_get_param, param);
  if (value != nullptr) *value = param.value;
  return result;
}

TEST(HvmOp, AGuestReadsItsParameters) {
  TestCaller guest;
  std::uint64_t value = 1;
  EXPECT_EQ(get_param(guest, DOMID_SELF, HVM_PARAM_STORE_EVTCHN, &value), 0);
  EXPECT_EQ(value, 0u);
  EXPECT_EQ(get_param(guest, 0, HVM_PARAM_CALLBACK_IRQ, &value), 0);
  EXPECT_EQ(value, 0x0200000000000210u);
}

TEST(HvmOp, TheListOfParametersIsXens) {
  TestCaller guest;
  for (std::uint32_t index = 0; index < 45; ++index) {
    const bool is_readable = index <= 2 || index == 17 || index == 18;
    const std::int64_t expected = is_readable ? 0 : index == 28 ? -XEN_EPERM : -XEN_EINVAL;
    EXPECT_EQ(get_param(guest, DOMID_SELF, index), expected);
    abi::HvmParam param{.domid = DOMID_SELF, .pad = 0, .index = index, .value = 1};
    EXPECT_EQ(guest.call_with(34, HVMOP_set_param, param),
              is_readable || index == 28 ? -XEN_EPERM : -XEN_EINVAL);
  }
  EXPECT_EQ(get_param(guest, kNobody, 0), -XEN_ESRCH);
  EXPECT_EQ(get_param(guest, DOMID_SELF, 0xffffffff), -XEN_EINVAL);
}

TEST(HvmOp, OtherOperationsDoNotExist) {
  TestCaller guest;
  EXPECT_EQ(guest.call(34, {HVMOP_guest_request_vm_event, 0}), 0);
  EXPECT_EQ(guest.call(34, {HVMOP_guest_request_vm_event, 8}), -XEN_EINVAL);
  EXPECT_EQ(guest.call(34, {2, 0}), -XEN_ENOSYS);
  EXPECT_EQ(guest.call(34, {0x1'0000'0001, 0}), -XEN_ENOSYS);
  EXPECT_EQ(guest.call(34, {HVMOP_get_param, TestCaller::kBadAddress}), -XEN_EFAULT);
}

}  // namespace
}  // namespace socle::hypercall
