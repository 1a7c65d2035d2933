// SPDX-License-Identifier: Apache-2.0

// What stands behind hypercalls beside the rooms under test: the console, waiting, firmware, the
// virtual CPU interface, the end of a domain.

#include <algorithm>

#include "guest/console.h"
#include "guest/idle.h"
#include "guest/vdev/vgic.h"
#include "hypercall/test_caller.h"

namespace socle::hypercall {

TestConsole& test_console() {
  static TestConsole console;
  return console;
}

TestWaiting& test_waiting() {
  static TestWaiting waiting;
  return waiting;
}

TestEfi& test_efi() {
  static TestEfi efi;
  return efi;
}

}  // namespace socle::hypercall

namespace socle::guest {

std::span<std::byte> efi_runtime_buffer() {
  hypercall::TestEfi& efi = hypercall::test_efi();
  return efi.answer ? std::span<std::byte>(efi.buffer) : std::span<std::byte>();
}

std::uint64_t efi_runtime_call(EfiService service, const EfiArguments& arguments) {
  return hypercall::test_efi().answer(service, arguments);
}

namespace vgic {

void save(Vcpu& vcpu) {
  hypercall::test_efi().taken_out = &vcpu;
}
void load(Vcpu& vcpu) {
  EXPECT_EQ(hypercall::test_efi().taken_out, &vcpu);
  hypercall::test_efi().taken_out = nullptr;
}

}  // namespace vgic

void console_write(Domain&, std::string_view bytes) {
  hypercall::test_console().written += bytes;
}

std::size_t console_read(Domain&, std::span<char> out) {
  std::string& typed = hypercall::test_console().typed;
  const std::size_t count = std::min(out.size(), typed.size());
  std::copy_n(typed.begin(), count, out.begin());
  typed.erase(0, count);
  return count;
}

void block(Vcpu& current, std::uint64_t deadline, WakeCondition wake) {
  hypercall::TestWaiting& waiting = hypercall::test_waiting();
  ++waiting.blocks;
  waiting.deadline = deadline;
  if (waiting.meanwhile) waiting.meanwhile();
  waiting.was_woken = wake != nullptr && wake(current);
}

void shut_down(Domain& domain, ShutdownReason reason) {
  domain.is_shut_down = true;
  domain.shutdown_code = static_cast<std::uint8_t>(reason);
}

}  // namespace socle::guest
