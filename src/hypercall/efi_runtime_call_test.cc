// SPDX-License-Identifier: Apache-2.0
#include "hypercall/efi_runtime_call.h"

#include <cstring>
#include <functional>
#include <map>
#include <string>

#include "abi/platform.h"
#include "base/test.h"
#include "hypercall/test_caller.h"

namespace socle::hypercall {
namespace {

using guest::EfiArguments;
using guest::EfiService;
using Request = ::xenpf_efi_runtime_call;

constexpr std::uint64_t kError = std::uint64_t{1} << 63;
constexpr std::uint64_t kTooSmall = kError | 5;
constexpr std::uint64_t kEfiNotFound = kError | 14;
constexpr std::uint64_t kNamePage = 0x110;
constexpr std::uint64_t kDataPage = 0x120;

// What an argument of firmware points to.
template <typename T>
T& given(std::uint64_t address) {
  return *reinterpret_cast<T*>(address);
}

// A firmware with a clock and variables, and a guest that asks for them.
class EfiCaller : public TestCaller {
 public:
  EfiCaller() {
    test_efi().answer = [this](EfiService service, const EfiArguments& a) {
      return answer(service, a);
    };
  }

  std::int64_t ask(std::uint32_t function) {
    abi::PlatformOp op{};
    op.cmd = XENPF_efi_runtime_call;
    op.interface_version = XENPF_INTERFACE_VERSION;
    request.function = function;
    op.u.efi_runtime_call = request;
    const std::int64_t result = call(7, {put(op)});
    request = get<abi::PlatformOp>().u.efi_runtime_call;
    return result;
  }
  void put_name(std::u16string_view name) {
    for (std::size_t i = 0; i <= name.size(); ++i)
      put(i < name.size() ? name[i] : u'\0', 2 * i, kNamePage);
  }
  [[nodiscard]] void* name() { return reinterpret_cast<void*>(address(ram(kNamePage))); }
  [[nodiscard]] void* data() { return reinterpret_cast<void*>(address(ram(kDataPage))); }

  Request request{};
  std::map<std::u16string, std::string> variables;
  ::xenpf_efi_time clock = november();
  bool faults = false;
  std::function<void()> meanwhile;  // while firmware runs
  std::uint32_t attributes = 7;

 private:
  static ::xenpf_efi_time november() {
    ::xenpf_efi_time time{};
    time.year = 2026;
    time.month = 11;
    return time;
  }
  std::uint64_t answer(EfiService service, const EfiArguments& a) {
    if (faults) return guest::kEfiAborted;
    if (meanwhile) meanwhile();
    switch (service) {
      case EfiService::kGetTime:
        given<::xenpf_efi_time>(a[0]) = clock;
        given<std::uint32_t>(a[1]) = 1;
        given<std::uint8_t>(a[1] + 8) = 1;
        return 0;
      case EfiService::kSetTime:
        clock = given<::xenpf_efi_time>(a[0]);
        return 0;
      case EfiService::kGetWakeupTime:
        given<std::uint8_t>(a[0]) = 1;
        given<::xenpf_efi_time>(a[2]) = clock;
        return 0;
      case EfiService::kSetWakeupTime:
        return a[0] == 1 && a[1] == 0 ? 0 : kEfiNotFound;
      case EfiService::kGetVariable:
        return get_variable(a);
      case EfiService::kSetVariable:
        attributes = static_cast<std::uint32_t>(a[2]);
        variables[&given<char16_t>(a[0])] = std::string(&given<char>(a[4]), a[3]);
        return 0;
      case EfiService::kGetNextVariableName:
        return next_name(a);
      case EfiService::kGetNextHighMonotonicCount:
        given<std::uint32_t>(a[0]) = 77;
        return 0;
      case EfiService::kQueryVariableInfo:
        for (int i = 1; i <= 3; ++i)
          given<std::uint64_t>(a[static_cast<std::size_t>(i)]) =
              a[0] * 100 + static_cast<unsigned>(i);
        return 0;
    }
    return kEfiNotFound;
  }
  std::uint64_t get_variable(const EfiArguments& a) {
    const auto found = variables.find(&given<char16_t>(a[0]));
    if (found == variables.end()) return kEfiNotFound;
    const std::uint64_t room = given<std::uint64_t>(a[3]);
    given<std::uint64_t>(a[3]) = found->second.size();
    given<std::uint32_t>(a[2]) = attributes;
    if (room < found->second.size()) return kTooSmall;
    std::memcpy(&given<char>(a[4]), found->second.data(), found->second.size());
    return 0;
  }
  std::uint64_t next_name(const EfiArguments& a) {
    const auto next = variables.upper_bound(&given<char16_t>(a[1]));
    if (next == variables.end()) return kEfiNotFound;
    const std::uint64_t bytes = 2 * (next->first.size() + 1);
    const std::uint64_t room = given<std::uint64_t>(a[0]);
    given<std::uint64_t>(a[0]) = bytes;
    if (room < bytes) return kTooSmall;
    std::memcpy(&given<char16_t>(a[1]), next->first.c_str(), bytes);
    return 0;
  }
};

TEST(EfiRuntime, WithoutServicesThereIsNoSuchCall) {
  EfiCaller guest;
  test_efi().answer = nullptr;
  EXPECT_EQ(guest.ask(XEN_EFI_get_time), -XEN_ENOSYS);
}

TEST(EfiRuntime, TheClockIsReadAndSet) {
  EfiCaller guest;
  EXPECT_EQ(guest.ask(XEN_EFI_get_time), 0);
  EXPECT_EQ(guest.request.status, 0u);
  EXPECT_EQ(guest.request.u.get_time.time.year, 2026);
  EXPECT_EQ(guest.request.u.get_time.resolution, 1u);
  EXPECT_EQ(guest.request.misc, unsigned{XEN_EFI_GET_TIME_SET_CLEARS_NS});
  guest.request.misc = 0;
  guest.request.u.set_time.year = 2030;
  EXPECT_EQ(guest.ask(XEN_EFI_set_time), 0);
  EXPECT_EQ(guest.clock.year, 2030);
}

TEST(EfiRuntime, WakeupTimesHaveTheirFlags) {
  EfiCaller guest;
  EXPECT_EQ(guest.ask(XEN_EFI_get_wakeup_time), 0);
  EXPECT_EQ(guest.request.misc, unsigned{XEN_EFI_GET_WAKEUP_TIME_ENABLED});
  guest.request.misc = XEN_EFI_SET_WAKEUP_TIME_ENABLE | XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY;
  EXPECT_EQ(guest.ask(XEN_EFI_set_wakeup_time), 0);
  EXPECT_EQ(guest.request.status, 0u);
  guest.request.misc = 4;
  EXPECT_EQ(guest.ask(XEN_EFI_set_wakeup_time), -XEN_EINVAL);
}

TEST(EfiRuntime, UnknownFlagsAndFunctionsAreRefused) {
  EfiCaller guest;
  for (const std::uint32_t function : {1u, 2u, 3u, 5u, 6u, 8u, 9u}) {
    guest.request.misc = 8;
    EXPECT_EQ(guest.ask(function), -XEN_EINVAL);
  }
  guest.request.misc = XEN_EFI_VARINFO_BOOT_SNAPSHOT;
  EXPECT_EQ(guest.ask(XEN_EFI_query_variable_info), -XEN_EINVAL);
  for (const std::uint32_t function : {0u, 12u, ~0u})
    EXPECT_EQ(guest.ask(function), -XEN_ENOSYS);
}

TEST(EfiRuntime, CapsulesAreRefused) {
  EfiCaller guest;
  EXPECT_EQ(guest.ask(XEN_EFI_query_capsule_capabilities), -XEN_ENOSYS);
  EXPECT_EQ(guest.ask(XEN_EFI_update_capsule), -XEN_ENOSYS);
}

TEST(EfiRuntime, AVariableIsWrittenAndReadBack) {
  EfiCaller guest;
  guest.put_name(u"Boot0001");
  guest.put(std::array{'a', 'b', 'c'}, 0, kDataPage);
  guest.request.misc = 3;
  guest.request.u.set_variable.name.p = guest.name();
  guest.request.u.set_variable.data.p = guest.data();
  guest.request.u.set_variable.size = 3;
  EXPECT_EQ(guest.ask(XEN_EFI_set_variable), 0);
  EXPECT_EQ(guest.variables[u"Boot0001"], "abc");

  guest.request.misc = 0;
  guest.request.u.get_variable.size = 2;
  EXPECT_EQ(guest.ask(XEN_EFI_get_variable), 0);
  EXPECT_EQ(guest.request.status, kTooSmall);
  EXPECT_EQ(guest.request.u.get_variable.size, 3u);

  guest.put(std::array{'x', 'x', 'x', 'x'}, 0, kDataPage);
  guest.request.misc = 0;
  guest.request.u.get_variable.size = 100;
  EXPECT_EQ(guest.ask(XEN_EFI_get_variable), 0);
  EXPECT_EQ(guest.request.status, 0u);
  EXPECT_EQ(guest.request.misc, 3u);
  EXPECT_EQ(guest.request.u.get_variable.size, 3u);
  EXPECT_TRUE((guest.get<std::array<char, 4>>(0, kDataPage) == std::array{'a', 'b', 'c', 'x'}));
}

TEST(EfiRuntime, VariablesAreListed) {
  EfiCaller guest;
  guest.variables = {{u"A", "1"}, {u"Boot0001", "2"}};
  guest.put_name(u"");
  std::u16string names;
  for (;;) {
    guest.request = {};
    guest.request.u.get_next_variable_name.name.p = guest.name();
    guest.request.u.get_next_variable_name.size = 1024;
    EXPECT_EQ(guest.ask(XEN_EFI_get_next_variable_name), 0);
    if (guest.request.status != 0) break;
    names += reinterpret_cast<const char16_t*>(&guest.at<std::byte>(TestCaller::ram(kNamePage), 0));
    names += u' ';
  }
  EXPECT_EQ(guest.request.status, kEfiNotFound);
  EXPECT_TRUE(names == u"A Boot0001 ");
}

TEST(EfiRuntime, CountsAndStoreSizesComeBack) {
  EfiCaller guest;
  EXPECT_EQ(guest.ask(XEN_EFI_get_next_high_monotonic_count), 0);
  EXPECT_EQ(guest.request.misc, 77u);
  guest.request.misc = 0;
  guest.request.u.query_variable_info.attr = 7;
  EXPECT_EQ(guest.ask(XEN_EFI_query_variable_info), 0);
  EXPECT_EQ(guest.request.u.query_variable_info.max_store_size, 701u);
  EXPECT_EQ(guest.request.u.query_variable_info.max_size, 703u);
}

TEST(EfiRuntime, NamesAndDataHaveLimits) {
  EfiCaller guest;
  guest.put_name(std::u16string(512, u'n'));
  guest.request.u.get_variable.name.p = guest.name();
  EXPECT_EQ(guest.ask(XEN_EFI_get_variable), -XEN_E2BIG);
  guest.put_name(std::u16string(511, u'n'));
  EXPECT_EQ(guest.ask(XEN_EFI_get_variable), 0);
  guest.request.u.set_variable.size = 64 * kKiB + 1;
  EXPECT_EQ(guest.ask(XEN_EFI_set_variable), -XEN_E2BIG);
}

TEST(EfiRuntime, BadAddressesAreFaults) {
  EfiCaller guest;
  void* const bad = reinterpret_cast<void*>(TestCaller::kBadAddress);
  guest.request.u.get_variable.name.p = bad;
  EXPECT_EQ(guest.ask(XEN_EFI_get_variable), -XEN_EFAULT);
  guest.put_name(u"A");
  guest.variables[u"A"] = "x";
  guest.request.u.get_variable.name.p = guest.name();
  guest.request.u.get_variable.data.p = bad;
  guest.request.u.get_variable.size = 1;
  EXPECT_EQ(guest.ask(XEN_EFI_get_variable), -XEN_EFAULT);
}

TEST(EfiRuntime, AFaultOfFirmwareIsAStatus) {
  EfiCaller guest;
  guest.faults = true;
  EXPECT_EQ(guest.ask(XEN_EFI_get_time), 0);
  EXPECT_EQ(guest.request.status, 0x8000'0000'0000'0015u);
}

TEST(EfiRuntime, ACallThatComesMeanwhileIsMadeAgain) {
  EfiCaller guest;
  std::int64_t second = 0;
  guest.meanwhile = [&] {
    abi::PlatformOp op{};
    op.u.efi_runtime_call.function = XEN_EFI_get_time;
    second = efi_runtime_call(guest.vcpu(1), guest::GuestVa{0}, op);
  };
  EXPECT_EQ(guest.ask(XEN_EFI_get_time), 0);
  EXPECT_EQ(second, kContinue);
  guest.meanwhile = nullptr;
  guest.request.misc = 0;
  EXPECT_EQ(guest.ask(XEN_EFI_set_time), 0);
}

// Flash may take a second: another vCPU that asks for an interrupt of this one must not wait for
// it.
TEST(EfiRuntime, WhileFirmwareRunsTheVcpuIsInNoVirtualCpuInterface) {
  EfiCaller guest;
  const guest::Vcpu* meanwhile = nullptr;
  guest.meanwhile = [&] { meanwhile = test_efi().taken_out; };
  EXPECT_EQ(guest.ask(XEN_EFI_get_time), 0);
  EXPECT_EQ(meanwhile, &guest.vcpu(0));
  EXPECT_EQ(test_efi().taken_out, nullptr);
}

}  // namespace
}  // namespace socle::hypercall
