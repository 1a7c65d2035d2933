// SPDX-License-Identifier: Apache-2.0
#pragma once

// RegisterModel: a device's registers for tests of its driver. While one exists, port::mmio_* reach
// it at its range of machine addresses. An access that no model answers, that crosses the end of
// one, or that is not aligned to its size ends the test.

#include <cstdint>

#include "base/range.h"

namespace socle::sim {

class RegisterModel {
 public:
  explicit RegisterModel(const PaRange& range);
  virtual ~RegisterModel();
  RegisterModel(const RegisterModel&) = delete;
  RegisterModel& operator=(const RegisterModel&) = delete;

  [[nodiscard]] const PaRange& range() const { return range_; }
  virtual std::uint64_t read(std::uint64_t offset, unsigned bytes) = 0;
  virtual void write(std::uint64_t offset, unsigned bytes, std::uint64_t value) = 0;

 private:
  const PaRange range_;
};

// What port/host calls.
std::uint64_t bus_read(Pa address, unsigned bytes);
void bus_write(Pa address, unsigned bytes, std::uint64_t value);
bool bus_has(const PaRange& range);

}  // namespace socle::sim
