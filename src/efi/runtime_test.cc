// SPDX-License-Identifier: Apache-2.0
#include "efi/runtime.h"

#include <cstring>
#include <string>
#include <vector>

#include "base/test.h"

namespace socle::efi {
namespace {

using Kind = RuntimeRange::Kind;
using fw::EfiMemoryRange;
using fw::EfiMemoryType;

// Not a CRC: of every byte and its place, so that a test need not know hwdom's.
std::uint32_t sum(std::uint32_t before, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes)
    before = before * 31 + std::to_integer<std::uint32_t>(byte) + 1;
  return before;
}

constexpr std::uint64_t kRt = fw::kEfiMemoryRuntime;
constexpr std::uint64_t kWb = fw::kEfiMemoryWriteBack;

// Memory of a machine: runtime code of four pages at 0x10000, runtime data of four at 0x20000, RAM
// at 0x30000, a device at 0x40000.
struct Machine {
  static constexpr std::uint64_t kCode = 0x10000;
  static constexpr std::uint64_t kData = 0x20000;
  static constexpr std::uint64_t kRam = 0x30000;
  static constexpr std::uint64_t kDevice = 0x40000;
  static constexpr std::uint64_t kSystem = kData;
  static constexpr std::uint64_t kServices = kData + 0x100;
  static constexpr std::uint64_t kTables = kData + 0x1000;
  static constexpr std::uint64_t kAttributes = kRam + 0x100;
  static constexpr std::uint64_t kProperties = kRam + 0x800;

  Machine() : memory(0x50000) {
    add(EfiMemoryType::kRuntimeServicesCode, kCode, 4, kRt | kWb);
    add(EfiMemoryType::kRuntimeServicesData, kData, 4, kRt | kWb);
    add(EfiMemoryType::kConventional, kRam, 4, kWb);
    add(EfiMemoryType::kMemoryMappedIo, kDevice, 1, kRt);
    system.header.signature = kSystemTableSignature;
    system.header.header_size = sizeof system;
    system.runtime_services = reinterpret_cast<void*>(kServices);
    system.tables = reinterpret_cast<const ConfigurationTable*>(kTables);
    header.signature = kRuntimeServicesSignature;
    header.header_size = 136;
    for (std::uint64_t i = 0; i < kRuntimeServices; ++i)
      functions[i] = kCode + 0x100 + 4 * i;
  }
  void add(EfiMemoryType type, std::uint64_t at, std::uint64_t pages, std::uint64_t attributes) {
    map.push_back({PaRange(Pa(at), Pa(at + pages * kFrameSize)), type, attributes});
  }
  template <typename T>
  void put(std::uint64_t at, const T& value) {
    std::memcpy(memory.data() + at, &value, sizeof value);
  }
  void put_sum(std::uint64_t at, std::size_t size) {
    put(at + 16, std::uint32_t{0});
    put(at + 16, sum(0, std::span(memory).subspan(at, size)));
  }
  // One range of the memory attributes table.
  void protect(EfiMemoryType type, std::uint64_t at, std::uint64_t pages,
               std::uint64_t attributes) {
    const std::uint64_t to = kAttributes + sizeof(MemoryAttributesTable) + 48 * attribute_entries;
    put(to, type);
    put(to + 8, at);
    put(to + 24, pages);
    put(to + 32, attributes | kRt);
    ++attribute_entries;
  }
  void publish(const Guid& guid, std::uint64_t at) {
    put(kTables + system.table_count++ * sizeof(ConfigurationTable),
        ConfigurationTable{guid, reinterpret_cast<void*>(at)});
  }
  void support(std::uint32_t services) {
    publish(kRuntimePropertiesTable, kProperties);
    put(kProperties, RuntimePropertiesTable{1, 8, services});
  }
  Result<RuntimeServices> run() {
    put(kServices, header);
    put(kServices + sizeof header, functions);
    if (header.header_size <= 200) put_sum(kServices, header.header_size);
    if (attribute_entries != 0) {
      publish(kAcpi20Table, 0);
      publish(kMemoryAttributesTable, kAttributes);
      put(kAttributes, MemoryAttributesTable{1, attribute_entries, 48, 0});
    }
    put(kSystem, system);
    put_sum(kSystem, sizeof system);
    if (spoil != 0) memory[spoil] ^= std::byte{1};
    const auto read = [&](Pa from, std::span<std::byte> to) {
      EXPECT_LE(from.value() + to.size(), memory.size());
      std::memcpy(to.data(), memory.data() + from.value(), to.size());
      return true;
    };
    return read_runtime_services(Pa(kSystem), map, {.read = read, .crc32 = sum}, arena, notes);
  }

  std::vector<std::byte> memory;
  std::vector<EfiMemoryRange> map;
  SystemTable system{};
  TableHeader header{};  // of the runtime services
  std::array<std::uint64_t, kRuntimeServices> functions{};
  std::uint32_t attribute_entries = 0;
  std::uint64_t spoil = 0;
  std::vector<std::byte> room = std::vector<std::byte>(kMiB / 4);
  fw::Arena arena{room};
  fw::Diagnostics notes{arena};
};

std::string text_of(std::span<const RuntimeRange> ranges) {
  static constexpr const char* kNames[] = {"code", "read-only", "data", "device"};
  std::string out;
  char line[64];
  for (const RuntimeRange& range : ranges) {
    std::snprintf(line, sizeof line, "%llx-%llx %s\n",
                  static_cast<unsigned long long>(range.range.begin().value()),
                  static_cast<unsigned long long>(range.range.end().value()),
                  kNames[static_cast<unsigned>(range.kind)]);
    out += line;
  }
  return out;
}

TEST(RuntimeServices, WithoutAttributesAreAsTheMapSays) {
  Machine machine;
  const auto found = machine.run();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(text_of(found->ranges), "10000-14000 code\n20000-24000 data\n40000-41000 device\n");
  EXPECT_EQ(found->functions, machine.functions);
}

TEST(RuntimeServices, AttributesSayWhatIsCode) {
  Machine machine;
  machine.protect(EfiMemoryType::kRuntimeServicesCode, 0x10000, 2, fw::kEfiMemoryReadOnly);
  machine.protect(EfiMemoryType::kRuntimeServicesCode, 0x12000, 1, fw::kEfiMemoryExecuteProtect);
  machine.protect(EfiMemoryType::kRuntimeServicesData, 0x20000, 4,
                  fw::kEfiMemoryExecuteProtect | fw::kEfiMemoryReadOnly);
  machine.protect(EfiMemoryType::kRuntimeServicesData, 0x30000, 1, 0);  // not runtime memory
  machine.functions[3] = 0x12000;                                       // not in code
  machine.functions[5] = 0;
  const auto found = machine.run();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(text_of(found->ranges),
            "10000-12000 code\n12000-13000 data\n13000-14000 code\n20000-24000 read-only\n"
            "40000-41000 device\n");
  EXPECT_EQ(found->functions[0], machine.functions[0]);
  EXPECT_EQ(found->functions[3], 0u);
  EXPECT_EQ(found->functions[5], 0u);
}

TEST(RuntimeServices, ThatFirmwareDoesNotSupportAreNotThere) {
  Machine machine;
  machine.support(0x1 | 0x10 | 0x2000);  // GetTime, GetVariable, QueryVariableInfo
  const auto found = machine.run();
  ASSERT_TRUE(found.has_value());
  for (std::size_t i = 0; i < kRuntimeServices; ++i)
    EXPECT_EQ(found->functions[i], i == 0 || i == 6 || i == 13 ? machine.functions[i] : 0u);
  Machine none;
  none.support(0x180);  // SetVirtualAddressMap, ConvertPointer: at places 4 and 5
  EXPECT_EQ(none.run()->functions[4], none.functions[4]);
  EXPECT_EQ(none.run()->functions[6], 0u);
}

TEST(RuntimeServices, PropertiesThatCannotBeReadAreRefused) {
  Machine nowhere;
  nowhere.publish(kRuntimePropertiesTable, Machine::kDevice);
  EXPECT_EQ(nowhere.run().error(), Error::kInvalid);
  Machine cut;
  cut.support(~0u);
  cut.put(Machine::kProperties + 2, std::uint16_t{7});
  EXPECT_EQ(cut.run().error(), Error::kInvalid);
}

// The attributes table leaves out what else the map says of memory, so neighbours there may be one
// range, and the other way round.
TEST(RuntimeServices, AttributesAndTheMapMayCutMemoryAtDifferentPlaces) {
  constexpr std::uint64_t kUncached = 1;
  Machine machine;
  machine.map[1].range = PaRange(Pa(0x20000), Pa(0x22000));
  machine.add(EfiMemoryType::kRuntimeServicesData, 0x22000, 2, kRt | kWb | kUncached);
  std::swap(machine.map[2], machine.map.back());
  std::swap(machine.map[3], machine.map.back());
  machine.protect(EfiMemoryType::kRuntimeServicesCode, 0x10000, 4, fw::kEfiMemoryReadOnly);
  machine.protect(EfiMemoryType::kRuntimeServicesData, 0x20000, 2, fw::kEfiMemoryExecuteProtect);
  machine.protect(EfiMemoryType::kRuntimeServicesData, 0x22000, 1, fw::kEfiMemoryExecuteProtect);
  const auto found = machine.run();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(text_of(found->ranges),
            "10000-14000 code\n20000-22000 data\n22000-23000 data\n23000-24000 data\n"
            "40000-41000 device\n");
}

TEST(RuntimeServices, OfVersionOneHaveElevenFunctions) {
  Machine machine;
  machine.header.header_size = 112;
  const auto found = machine.run();
  ASSERT_TRUE(found.has_value());
  EXPECT_NE(found->functions[10], 0u);
  EXPECT_EQ(found->functions[11], 0u);
}

TEST(RuntimeServices, ABitThatIsWrongIsFound) {
  for (const std::uint64_t at :
       {Machine::kSystem, Machine::kSystem + 16, Machine::kSystem + 88, Machine::kServices,
        Machine::kServices + 16, Machine::kServices + 40}) {
    Machine machine;
    machine.spoil = at;
    EXPECT_FALSE(machine.run().has_value());
  }
}

TEST(RuntimeServices, SizesAreBounded) {
  for (const std::uint32_t size : {0u, 111u, 257u, ~0u}) {
    Machine machine;
    machine.header.header_size = size;
    const auto found = machine.run();
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error(), Error::kCorrupt);
  }
}

TEST(RuntimeServices, TablesMustBeInRuntimeMemory) {
  for (const std::uint64_t at : {std::uint64_t{0}, Machine::kRam, Machine::kDevice,
                                 Machine::kData + 4 * kFrameSize - 8, ~std::uint64_t{0} - 7}) {
    Machine machine;
    machine.system.runtime_services = reinterpret_cast<void*>(at);
    EXPECT_FALSE(machine.run().has_value());
  }
}

TEST(RuntimeServices, NoFunctionInCodeIsNoServices) {
  Machine machine;
  machine.functions.fill(Machine::kRam);
  const auto found = machine.run();
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error(), Error::kNotFound);
}

TEST(RuntimeServices, AListOfTablesThatLeadsNowhereIsNoList) {
  Machine machine;
  machine.system.table_count = ~std::uint64_t{0};
  machine.system.tables = reinterpret_cast<const ConfigurationTable*>(~std::uint64_t{0} - 31);
  EXPECT_TRUE(machine.run().has_value());
}

}  // namespace
}  // namespace socle::efi
