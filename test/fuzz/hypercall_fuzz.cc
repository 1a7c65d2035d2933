// SPDX-License-Identifier: Apache-2.0

// Hypercalls with any arguments, between any writes of the guest to its own memory and to the pages
// that it shares with Socle. An input is a program: a byte says what happens next, the bytes after
// it how. What must hold: no CHECK, no sanitizer report, no access outside the guest's RAM
// (sim::Memory), no stale translation (sim::Mmu), and every piece of work between two continuations
// is short (libFuzzer's timeout).

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hypercall/test_caller.h"

namespace socle::hypercall {
namespace {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  [[nodiscard]] bool empty() const { return left_ == 0; }
  template <typename T>
  T take() {
    T value{};
    const std::size_t bytes = left_ < sizeof value ? left_ : sizeof value;
    std::memcpy(&value, data_, bytes);
    data_ += bytes;
    left_ -= bytes;
    return value;
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

constexpr unsigned kNumbers[] = {7, 12, 13, 17, 18, 20, 21, 24, 29, 32, 33, 34, 35, 36};
// A piece of a guest page on which things are built.
constexpr std::uint64_t kPages = 8;

class Run {
 public:
  explicit Run(Input input) : input_(input) {
    port::host_interrupt_pending = true;  // long calls are cut wherever they can be
    guest_.between = [this] {
      // A call that is cut for ever costs the guest its time, not us ours.
      if (++cuts_ > 300) throw Enough{};
    };
  }
  void run() {
    for (unsigned step = 0; step < 200 && !input_.empty(); ++step) {
      one_step();
    }
    guest_.expect_settled();
  }

 private:
  struct Enough {};

  Gfn page() { return TestCaller::ram(0x100 + input_.take<std::uint8_t>() % kPages); }
  std::uint64_t address() {
    return TestCaller::address(page(), input_.take<std::uint16_t>() % kFrameSize);
  }
  // Numbers that mean something more often than random ones do.
  std::uint64_t number() {
    switch (input_.take<std::uint8_t>() % 8) {
      case 0:
        return input_.take<std::uint64_t>();
      case 1:
        return address();
      case 2:
        return page().value();
      case 3:
        return DOMID_SELF;
      case 4:
        return input_.take<std::uint16_t>();
      case 5:
        return std::uint64_t{input_.take<std::uint8_t>()} << 6 | input_.take<std::uint8_t>() % 32;
      default:
        return input_.take<std::uint8_t>() % 32;
    }
  }

  void hypercall() {
    const unsigned which = kNumbers[input_.take<std::uint8_t>() % std::size(kNumbers)];
    const std::uint64_t operation = number();
    const std::uint64_t x1 = number();
    const std::uint64_t x2 = number();
    cuts_ = 0;
    try {
      (void)guest_.call(which, {operation, x1, x2});
    } catch (const Enough&) {
      guest_.frame().pc = TestCaller::kBehindHvc;
    }
  }
  // The guest writes a word, aligned or not, into a page of arguments or of doorbells.
  void write() {
    const std::uint64_t value = number();
    const Gfn where = page();
    const std::size_t offset = input_.take<std::uint16_t>() % (kFrameSize - 8);
    std::memcpy(&guest_.at<std::byte>(where, offset), &value, sizeof value);
  }
  void write_shared_info() {
    const std::size_t offset = input_.take<std::uint16_t>() % (sizeof(abi::SharedInfo) - 8);
    const std::uint64_t value = number();
    std::memcpy(reinterpret_cast<std::byte*>(&guest_.shared_info()) + offset, &value, sizeof value);
  }
  void write_grant_entry() {
    const std::uint32_t ref = input_.take<std::uint8_t>();
    const Mfn frame = guest_.domain().grant_table.frame(0).value();
    port::owned_frame_as<abi::GrantEntry>(frame)[ref] = {
        input_.take<std::uint8_t>(), 0, static_cast<std::uint32_t>(page().value())};
  }

  void one_step() {
    switch (input_.take<std::uint8_t>() % 12) {
      case 0:
        write_shared_info();
        break;
      case 1:
        write_grant_entry();
        break;
      case 2:
        guest_.caller = input_.take<std::uint8_t>() % 2;
        port::host_current_cpu = CpuIndex{static_cast<std::uint16_t>(guest_.caller)};
        break;
      case 3:
        guest::raise_virq(guest_.vcpu(), abi::Virq::kConsole);
        break;
      case 4:
        test_console().typed = "typed";
        break;
      case 5:
      case 6:
      case 7:
        write();
        break;
      default:
        hypercall();
        break;
    }
  }

  Input input_;
  TestCaller guest_;
  unsigned cuts_ = 0;
};

}  // namespace
}  // namespace socle::hypercall

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  socle::hypercall::Run(socle::hypercall::Input(data, size)).run();
  return 0;
}
