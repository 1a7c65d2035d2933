// SPDX-License-Identifier: Apache-2.0
#pragma once

// For host tests of hypercalls: a vCPU of a model domain that makes them, through the same entry as
// the exception vectors, with arguments in the domain's memory.

#include <array>
#include <functional>
#include <initializer_list>
#include <string>

#include "abi/xen_public.h"
#include "guest/efi_runtime.h"
#include "guest/exits.h"
#include "guest/frame.h"
#include "guest/test_domain.h"

namespace socle::hypercall {

// What stands for the console (seams_for_tests.cc).
struct TestConsole {
  std::string written;
  std::string typed;
};
TestConsole& test_console();

// What stands for guest::block().
struct TestWaiting {
  unsigned blocks = 0;
  std::uint64_t deadline = 0;
  bool was_woken = false;           // the condition that was given holds
  std::function<void()> meanwhile;  // what happens while the vCPU sleeps
};
TestWaiting& test_waiting();

// What stands for firmware's runtime services; without `answer` there are none.
struct TestEfi {
  std::function<std::uint64_t(guest::EfiService, const guest::EfiArguments&)> answer;
  alignas(4096) std::array<std::byte, 68 * 1024> buffer;
  guest::Vcpu* taken_out = nullptr;  // of its CPU's virtual CPU interface
};
TestEfi& test_efi();

inline constexpr std::int64_t kNobody = 0x1234;  // a number that no domain has

class TestCaller : public guest::TestDomain {
 public:
  TestCaller() : TestCaller(Options{}) {}
  explicit TestCaller(const Options& options) : TestDomain(options) {
    test_console() = {};
    test_waiting() = {};
    test_efi().answer = nullptr;
    test_efi().taken_out = nullptr;
    for (std::uint64_t& x : frame_.x)
      x = 0x5050505050505050;
    frame_.pc = kBehindHvc;
  }

  static constexpr std::uint64_t kBehindHvc = 0x8004;

  // One hypercall, made again as long as it continues. The result.
  std::int64_t call(unsigned number, std::initializer_list<std::uint64_t> args = {}) {
    std::uint64_t kept[31];
    set_up(number, args, kept);
    continuations = 0;
    for (;;) {
      guest::hypercall_entry(vcpu(caller), frame_);
      if (frame_.pc == kBehindHvc) break;
      EXPECT_EQ(frame_.pc, kBehindHvc - 4);
      EXPECT_EQ(frame_.x[16], number);
      frame_.pc = kBehindHvc;
      ++continuations;
      if (between) between();
    }
    // Arguments of a call that was cut belong to it; all else is the guest's.
    for (unsigned i = continuations != 0 ? 5 : 1; i < 31; ++i) {
      if (i != 16) EXPECT_EQ(frame_.x[i], kept[i]);
    }
    return static_cast<std::int64_t>(frame_.x[0]);
  }

  // Puts a structure into the guest's memory (page 0x100 of its RAM) and returns its address.
  template <typename T>
  std::uint64_t put(const T& value, std::size_t offset = 0, std::uint64_t page = 0x100) {
    std::memcpy(&at<std::byte>(ram(page), offset), &value, sizeof value);
    return address(ram(page), offset);
  }
  template <typename T>
  T get(std::size_t offset = 0, std::uint64_t page = 0x100) {
    T value;
    std::memcpy(&value, &at<std::byte>(ram(page), offset), sizeof value);
    return value;
  }
  // The call with one structure as its argument behind `before`; the structure comes back.
  template <typename T>
  std::int64_t call_with(unsigned number, std::uint64_t operation, T& argument) {
    const std::int64_t result = call(number, {operation, put(argument)});
    argument = get<T>();
    return result;
  }
  static constexpr std::uint64_t kBadAddress = 0x123'4567'8000;

  unsigned caller = 0;            // the vCPU that calls
  unsigned continuations = 0;     // of the last call
  std::function<void()> between;  // what happens while a cut call is not running
  [[nodiscard]] guest::CpuFrame& frame() { return frame_; }

 private:
  void set_up(unsigned number, std::initializer_list<std::uint64_t> args, std::uint64_t* kept) {
    unsigned i = 0;
    for (const std::uint64_t arg : args)
      frame_.x[i++] = arg;
    frame_.x[16] = number;
    std::copy(frame_.x, frame_.x + 31, kept);
  }

  guest::CpuFrame frame_{};
};

}  // namespace socle::hypercall
