// SPDX-License-Identifier: Apache-2.0
#pragma once

// AcpiMachine: the tables of a small server, with parts to leave out or to break. Addresses are of
// no real machine.

#include <functional>

#include "test/support/acpi_builder.h"

namespace socle::test {

// A structure of two header bytes {type, length}, or three {type, length, length}.
inline AcpiBytes short_structure(std::uint8_t type, const AcpiBytes& body) {
  return AcpiBytes().u8(type).number(body.size() + 2, 1).append(body);
}
inline AcpiBytes long_structure(std::uint8_t type, const AcpiBytes& body) {
  return AcpiBytes().u8(type).number(body.size() + 3, 2).append(body);
}

struct GiccValues {
  std::uint32_t uid = 0;
  std::uint64_t mpidr = 0;
  std::uint32_t flags = 1;  // enabled
  std::uint64_t redistributor = 0;
  std::uint64_t cpu_interface = 0;
  std::uint64_t virtual_interface = 0;
  std::uint64_t hypervisor_interface = 0;
  std::uint32_t parking_version = 0;
  std::uint64_t parked = 0;
};
inline AcpiBytes gicc(const GiccValues& v) {
  AcpiBytes body;
  body.u16(0).u32(v.uid).u32(v.uid).u32(v.flags).u32(v.parking_version).u32(23).u64(v.parked);
  body.u64(v.cpu_interface).u64(v.virtual_interface).u64(v.hypervisor_interface).u32(25);
  body.u64(v.redistributor).u64(v.mpidr).u32(0);
  return short_structure(0x0b, body);
}
inline AcpiBytes gicd(std::uint64_t base, std::uint8_t version) {
  return short_structure(0x0c, AcpiBytes().u16(0).u32(0).u64(base).u32(0).u8(version).zeros(3));
}
inline AcpiBytes gicr(std::uint64_t base, std::uint32_t size) {
  return short_structure(0x0e, AcpiBytes().u16(0).u64(base).u32(size));
}
inline AcpiBytes its(std::uint32_t id, std::uint64_t base) {
  return short_structure(0x0f, AcpiBytes().u16(0).u32(id).u64(base).u32(0));
}
inline AcpiBytes msi_frame(std::uint32_t id, std::uint64_t base) {
  return short_structure(0x0d, AcpiBytes().u16(0).u32(id).u64(base).u32(1).u16(64).u16(80));
}

inline AcpiTable fadt(std::uint16_t arm_flags = 1, std::uint8_t revision = 6,
                      std::uint8_t minor = 3) {
  AcpiTable out = AcpiTable("FACP", revision).fill_to(276);
  out.put(112, 1U << 20, 4).put(129, arm_flags, 2).put(131, minor, 1);
  return out;
}

inline AcpiTable gtdt_head(std::uint32_t timer_count = 0, std::uint8_t revision = 3) {
  AcpiTable out("GTDT", revision);
  out.u64(~std::uint64_t{0}).u32(0).u32(29).u32(0).u32(30).u32(4).u32(27).u32(2).u32(26).u32(1);
  out.u64(~std::uint64_t{0}).u32(timer_count).u32(timer_count == 0 ? 0 : 104).u32(28).u32(0);
  return out;
}
inline AcpiBytes watchdog(std::uint64_t refresh, std::uint64_t control, std::uint32_t flags) {
  return long_structure(1, AcpiBytes().u8(0).u64(refresh).u64(control).u32(48).u32(flags));
}

inline AcpiTable spcr(std::uint8_t kind = 3, std::uint64_t base = 0x1c09'0000) {
  AcpiTable out("SPCR", 2);
  out.u8(kind).zeros(3).u8(0).u8(32).u8(0).u8(3).u64(base);
  out.u8(8).u8(0).u32(53).u8(7).u8(0).u8(1).u8(0).u8(3).u8(0).u16(0xffff).u16(0xffff);
  out.zeros(3).u32(0).u8(0).u32(0);
  return out;
}

inline AcpiTable mcfg() {
  AcpiTable out("MCFG", 1);
  out.u64(0).u64(0x40'0000'0000).u16(0).u8(0).u8(0xff).u32(0);
  return out;
}
inline AcpiBytes ecam(std::uint64_t base, std::uint16_t segment, std::uint8_t first,
                      std::uint8_t last) {
  return AcpiBytes().u64(base).u16(segment).u8(first).u8(last).u32(0);
}

// IORT: nodes know where they are.
class IortBuilder {
 public:
  IortBuilder() : table_("IORT", 5) { table_.u32(0).u32(48).u32(0); }

  struct Mapping {
    std::uint32_t input = 0;
    std::uint32_t count = 1;
    std::uint32_t output = 0;
    std::uint32_t target = 0;
    bool is_single = false;
  };

  // Answers with the node's offset. Mappings go behind the body.
  std::uint32_t node(std::uint8_t type, const AcpiBytes& body,
                     std::initializer_list<Mapping> mappings = {}) {
    const auto at = static_cast<std::uint32_t>(table_.size());
    table_.u8(type).number(16 + body.size() + mappings.size() * 20, 2).u8(1).u32(0);
    table_.number(mappings.size(), 4).number(mappings.size() == 0 ? 0 : 16 + body.size(), 4);
    table_.append(body);
    for (const Mapping& mapping : mappings)
      table_.u32(mapping.input)
          .u32(mapping.count - 1)
          .u32(mapping.output)
          .u32(mapping.target)
          .u32(mapping.is_single ? 1 : 0);
    table_.put(36, ++count_, 4);
    return at;
  }
  std::uint32_t its_group() { return node(0, AcpiBytes().u32(1).u32(0)); }
  std::uint32_t smmu_v3(std::uint64_t base, std::uint32_t its) {
    AcpiBytes body;
    body.u64(base).u32(1).u32(0).u64(0).u32(0).u32(106).u32(107).u32(109).u32(108).u32(0).u32(0);
    return node(4, body, {{0, 0x1'0000, 0, its, false}});
  }
  std::uint32_t smmu(std::uint64_t base, std::uint64_t span,
                     std::initializer_list<std::uint32_t> contexts) {
    AcpiBytes body;
    body.u64(base).u64(span).u32(3).u32(0).u32(60).number(contexts.size(), 4).u32(76).u32(0);
    body.u32(0).u32(200).u32(0).u32(0).u32(0);
    for (const std::uint32_t gsiv : contexts)
      body.u32(gsiv).u32(0);
    return node(3, body);
  }
  std::uint32_t root_complex(std::uint32_t segment, std::initializer_list<Mapping> mappings) {
    return node(2, AcpiBytes().u32(1).u32(0).u32(0).u32(segment).u8(48).zeros(3), mappings);
  }
  std::uint32_t named_component(std::string_view path, std::initializer_list<Mapping> mappings) {
    return node(1, AcpiBytes().u32(0).u64(0).u8(48).text(path, path.size() + 1), mappings);
  }
  std::uint32_t pmcg(std::uint64_t page0, std::uint64_t page1, std::uint32_t smmu) {
    return node(5, AcpiBytes().u64(page0).u32(140).u32(smmu).u64(page1));
  }
  std::uint32_t rmr(std::uint64_t base, std::uint64_t size,
                    std::initializer_list<Mapping> mappings) {
    AcpiBytes body;
    body.u32(1).u32(1).u32(28).u64(base).u64(size).u32(0);
    return node(6, body, mappings);
  }
  [[nodiscard]] AcpiTable& table() { return table_; }

 private:
  AcpiTable table_;
  std::uint32_t count_ = 0;
};

// Two CPUs, GICv3 with an ITS, PL011, one PCI segment.
struct AcpiMachine {
  AcpiTable fadt_table = fadt();
  AcpiBytes madt_body = AcpiBytes()
                            .append(gicc({.uid = 5, .mpidr = 0x100}))
                            .append(gicc({.uid = 6, .mpidr = 0x101}))
                            .append(gicd(0x3000'0000, 3))
                            .append(gicr(0x3010'0000, 0x20'0000))
                            .append(its(0, 0x3004'0000));
  AcpiTable gtdt_table = gtdt_head();
  std::optional<AcpiTable> spcr_table = spcr();
  std::optional<AcpiTable> mcfg_table = mcfg();
  std::vector<AcpiTable> more;

  void put_into(FirmwareMemory& memory) const {
    memory.add(fadt_table);
    AcpiTable madt("APIC", 5);
    madt.u32(0).u32(0).append(madt_body);
    memory.add(madt);
    memory.add(gtdt_table);
    if (spcr_table) memory.add(*spcr_table);
    if (mcfg_table) memory.add(*mcfg_table);
    for (const AcpiTable& table : more)
      memory.add(table);
  }
};

// That machine with a GICv2 and a frame for messages.
inline AcpiMachine gicv2_machine(std::uint64_t virtual_interface = 0x2c06'0000) {
  AcpiMachine machine;
  machine.madt_body = AcpiBytes();
  machine.madt_body
      .append(gicc({.cpu_interface = 0x2c00'0000,
                    .virtual_interface = virtual_interface,
                    .hypervisor_interface = 0x2c04'0000}))
      .append(gicd(0x2c01'0000, 2))
      .append(msi_frame(3, 0x2c1c'0000));
  return machine;
}

}  // namespace socle::test
