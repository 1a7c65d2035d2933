// SPDX-License-Identifier: Apache-2.0
#include "el2/semihosting.h"

#include "el2/probe.h"

namespace socle::el2 {
namespace {

enum Operation : std::uint64_t {
  kWriteCharacter = 0x03,
  kErrorNumber = 0x13,
  kExit = 0x18,
};
constexpr std::uint64_t kApplicationExit = 0x20026;

std::uint64_t call(std::uint64_t operation, const void* argument) {
  register std::uint64_t x0 asm("x0") = operation;
  register const void* x1 asm("x1") = argument;
  asm volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
  return x0;
}

}  // namespace

bool semihosting_answers() {
  return survives([] { call(kErrorNumber, nullptr); });
}

void semihosting_write(std::string_view text) {
  for (const char c : text)
    call(kWriteCharacter, &c);
}

void semihosting_write_line(std::string_view line) {
  semihosting_write(line);
  semihosting_write("\n");
}

void semihosting_exit(std::uint8_t status) {
  const std::uint64_t block[2] = {kApplicationExit, status};
  call(kExit, block);
}

}  // namespace socle::el2
