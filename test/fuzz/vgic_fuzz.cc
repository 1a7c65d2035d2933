// SPDX-License-Identifier: Apache-2.0

// The registers of the virtual GIC as a hostile guest uses them: any offset, size, value and order,
// from several vCPUs, between interrupts of the machine, on the model GIC that ends the run when a
// list register is misused.
//
// Input: records of 12 bytes: what, vCPU, size, place (4 bytes), value (5 bytes).

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "guest/vdev/vgic_machine_for_tests.h"

using socle::guest::GicMachine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kRecord = 12;
  constexpr std::size_t kMaxRecords = 300;
  constexpr unsigned kVcpus = 3;
  GicMachine::Options options;
  options.gic.cpus = kVcpus;
  options.gic.list_registers = 2;
  options.hardware = {32, 33, 40, 63, 64, 95};
  GicMachine machine(options);
  for (std::size_t n = 0; n < kMaxRecords && size >= kRecord; ++n) {
    const unsigned what = data[0] % 8;
    const unsigned vcpu = data[1] % kVcpus;
    const unsigned bytes = 1u << data[2] % 4;
    std::uint32_t place = 0;
    std::memcpy(&place, data + 3, sizeof place);
    std::uint64_t value = 0;
    std::memcpy(&value, data + 7, 5);
    data += kRecord;
    size -= kRecord;
    const std::uint64_t address = (place & 1u << 31) != 0
                                      ? machine.redistributor(0, place % (kVcpus * 0x2'0000))
                                      : machine.distributor(place % 0x1'0000);
    switch (what) {
      case 0:
      case 1:
      case 2:
        machine.write(vcpu, address, value << (place >> 24 & 0x1f), bytes);
        break;
      case 3:
        (void)machine.read(vcpu, address, bytes);
        break;
      case 4:
        machine.send_sgi(vcpu, value << (place & 0x1f));
        break;
      case 5:
        machine.wire(vcpu, 32 + place % 64, (value & 1) != 0);
        break;
      case 6: {
        const unsigned group = place & 1;
        const std::uint32_t taken = machine.acknowledge(vcpu, group);
        if (taken != socle::guest::kSpurious) machine.end(vcpu, taken, group);
        break;
      }
      default:
        machine.open(vcpu);
        break;
    }
  }
  return 0;
}
