// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

#include <array>

#include "base/test.h"

namespace socle::policy {
namespace {

constexpr std::array<std::string_view, 1> kPlain = {"acme,uart"};
constexpr std::array<std::string_view, 2> kSram = {"acme,ocm", "mmio-sram"};

TEST(Policy, TheHardwareDomainsStageOneDecidesAboutItsDevices) {
  const Attributes attributes = device(DomainKind::kHardware, {.compatibles = kPlain});
  EXPECT_TRUE(attributes.type() == MemoryType::kNormalWriteBack);
  EXPECT_TRUE(attributes.permissions() == kReadWrite);
  EXPECT_TRUE(attributes.reason() == Reason::kDeviceRegisters);
}

TEST(Policy, OtherDomainsGetTheirDevicesAsDevice) {
  const Attributes attributes = device(DomainKind::kGuest, {.compatibles = kPlain});
  EXPECT_TRUE(attributes.type() == MemoryType::kDeviceNGnRE);
  EXPECT_FALSE(attributes.permissions().execute);
  EXPECT_TRUE(on_demand(DomainKind::kGuest).type() == MemoryType::kDeviceNGnRE);
}

TEST(Policy, WhatIsMappedOnDemandIsNeverExecutable) {
  EXPECT_TRUE(on_demand(DomainKind::kHardware).type() == MemoryType::kNormalWriteBack);
  EXPECT_FALSE(on_demand(DomainKind::kHardware).permissions().execute);
}

TEST(Policy, WithoutARequestADeviceIsWhatXenMakesOfIt) {
  const Attributes hardware = requested_device(DomainKind::kHardware, RequestedType::kDefault);
  EXPECT_TRUE(hardware.type() == MemoryType::kNormalWriteBack);
  EXPECT_TRUE(hardware.permissions() == kReadWrite);
  const Attributes guest = requested_device(DomainKind::kGuest, RequestedType::kDefault);
  EXPECT_TRUE(guest.type() == MemoryType::kDeviceNGnRE);
  EXPECT_TRUE(guest.permissions() == kReadWrite);
}

TEST(Policy, ARequestedTypeIsTheSameForEveryDomainAndNeverExecutable) {
  struct Expected {
    RequestedType requested;
    MemoryType type;
  };
  for (const Expected& expected :
       {Expected{RequestedType::kDeviceNGnRE, MemoryType::kDeviceNGnRE},
        Expected{RequestedType::kDeviceGRE, MemoryType::kDeviceGRE},
        Expected{RequestedType::kNormalNonCacheable, MemoryType::kNormalNonCacheable},
        Expected{RequestedType::kNormalWriteBack, MemoryType::kNormalWriteBack}}) {
    for (const DomainKind domain : {DomainKind::kHardware, DomainKind::kGuest}) {
      const Attributes attributes = requested_device(domain, expected.requested);
      EXPECT_TRUE(attributes.type() == expected.type);
      EXPECT_TRUE(attributes.permissions() == kReadWrite);
      EXPECT_TRUE(attributes.reason() == Reason::kOnDemand);
    }
  }
}

TEST(Policy, NumbersOfTypesThatAreNotDefinedAreNothing) {
  for (std::uint64_t number = 0; number <= 4; ++number)
    EXPECT_EQ(static_cast<std::uint64_t>(requested_type(number).value()), number);
  for (const std::uint64_t number :
       {std::uint64_t{5}, std::uint64_t{0x100}, std::uint64_t{0x1'0001}, std::uint64_t{1} << 32,
        ~std::uint64_t{0}})
    EXPECT_FALSE(requested_type(number).has_value());
}

TEST(Policy, TypesHaveNamesInAGuestsTree) {
  EXPECT_TRUE(requested_type("device-ngnre") == RequestedType::kDeviceNGnRE);
  EXPECT_TRUE(requested_type("device-gre") == RequestedType::kDeviceGRE);
  EXPECT_TRUE(requested_type("normal-nc") == RequestedType::kNormalNonCacheable);
  EXPECT_TRUE(requested_type("normal-wb") == RequestedType::kNormalWriteBack);
  EXPECT_EQ(requested_type_names().size(), 4u);
  for (const std::string_view name : requested_type_names())
    EXPECT_TRUE(requested_type(name).has_value());
  for (const std::string_view name : {"", "default", "Normal-wb", "normal-wb "})
    EXPECT_FALSE(requested_type(name).has_value());
}

TEST(Policy, OnChipSramIsMemoryUnlessItsBusCannotTakeIt) {
  const Attributes memory = device(DomainKind::kHardware, {.compatibles = kSram});
  EXPECT_TRUE(memory.type() == MemoryType::kNormalWriteBack);
  EXPECT_TRUE(memory.permissions() == kReadWriteExecute);
  EXPECT_TRUE(memory.reason() == Reason::kOnChipSram);
  const Attributes strict =
      device(DomainKind::kHardware, {.compatibles = kSram, .no_memory_wc = true});
  EXPECT_TRUE(strict.type() == MemoryType::kDeviceNGnRE);
  EXPECT_FALSE(strict.permissions().execute);
}

TEST(Policy, TheGicIsDeviceForEverybody) {
  for (const std::string_view compatible : {"arm,gic-v3-its", "arm,gic-v2m-frame", "arm,gic-400"}) {
    // Even if the node claims to be something else as well.
    const std::array<std::string_view, 2> names = {"mmio-sram", compatible};
    for (const DomainKind domain : {DomainKind::kHardware, DomainKind::kGuest})
      EXPECT_TRUE(device(domain, {.compatibles = names}) == interrupt_controller());
  }
  EXPECT_TRUE(interrupt_controller().type() == MemoryType::kDeviceNGnRE);
  EXPECT_FALSE(interrupt_controller().permissions().execute);
}

TEST(Policy, RegistersAndWindowsDifferInTheirReasonOnly) {
  const Attributes window = device(DomainKind::kHardware, {.is_pci_window = true});
  EXPECT_TRUE(window.reason() == Reason::kPciWindow);
  EXPECT_TRUE(window.same_mapping(device(DomainKind::kHardware, {.compatibles = kPlain})));
}

TEST(Policy, FrameBuffersCanBeWrittenInBurstsAndNeverRun) {
  constexpr std::array<std::string_view, 2> kNames = {"allwinner,simple-framebuffer",
                                                      "simple-framebuffer"};
  for (const DomainKind domain : {DomainKind::kHardware, DomainKind::kGuest}) {
    const Attributes attributes = device(domain, {.compatibles = kNames});
    EXPECT_TRUE(attributes == frame_buffer(domain));
    EXPECT_TRUE(attributes.reason() == Reason::kFrameBuffer);
    EXPECT_TRUE(attributes.permissions() == kReadWrite);
  }
  EXPECT_TRUE(frame_buffer(DomainKind::kHardware).type() == MemoryType::kNormalWriteBack);
  EXPECT_TRUE(frame_buffer(DomainKind::kGuest).type() == MemoryType::kNormalNonCacheable);
}

TEST(Policy, ADeviceOfAcpiAsksTheSameRules) {
  const Attributes bridge = device(DomainKind::kHardware, {.acpi_id = "PNP0A08"});
  EXPECT_TRUE(bridge == device(DomainKind::kHardware, {.is_pci_window = true}));
  EXPECT_TRUE(device(DomainKind::kGuest, {.acpi_id = "PNP0A03"}).type() ==
              MemoryType::kDeviceNGnRE);
  for (const DomainKind domain : {DomainKind::kHardware, DomainKind::kGuest})
    EXPECT_TRUE(device(domain, {.acpi_id = "LNRO0005"}) == device(domain, {.compatibles = kPlain}));
  // Names are those of their own world.
  EXPECT_TRUE(find_rule({.acpi_id = "mmio-sram"}) == nullptr);
  constexpr std::array<std::string_view, 1> kAcpiName = {"PNP0A08"};
  EXPECT_TRUE(find_rule({.compatibles = kAcpiName}) == nullptr);
  EXPECT_TRUE(find_rule({}) == nullptr);
}

TEST(Policy, EveryRuleCanBeReachedAndSaysWhy) {
  for (const Rule& rule : rules()) {
    EXPECT_TRUE(rule.why != nullptr);
    EXPECT_NE(rule.compatible.empty(), rule.acpi_id.empty());
    // Nobody but memory runs code, and nobody is weaker than the hardware domain.
    EXPECT_TRUE(!rule.permissions.execute || rule.reason == Reason::kOnChipSram);
    EXPECT_FALSE(rule.permissions.execute && is_device(rule.type));
    const std::array<std::string_view, 1> names = {rule.compatible};
    const DeviceTraits traits{.compatibles = names, .acpi_id = rule.acpi_id};
    const DeviceTraits strict{.compatibles = names, .acpi_id = rule.acpi_id, .no_memory_wc = true};
    EXPECT_TRUE(find_rule(traits) == &rule || find_rule(strict) == &rule);
  }
}

TEST(Policy, AReadOnlyGrantCannotBeWritten) {
  EXPECT_FALSE(grant_mapping(false).permissions().write);
  EXPECT_TRUE(grant_mapping(true).permissions().write);
}

TEST(Policy, ASharedPageTakesTheStricterTypeAndEveryPermission) {
  const Attributes sram = device(DomainKind::kHardware, {.compatibles = kSram});
  const Attributes registers = device(DomainKind::kHardware, {.compatibles = kPlain});
  const Attributes strict =
      device(DomainKind::kHardware, {.compatibles = kSram, .no_memory_wc = true});
  EXPECT_TRUE(combined(sram, registers).permissions().execute);
  EXPECT_TRUE(combined(sram, registers).reason() == Reason::kOnChipSram);
  EXPECT_TRUE(combined(sram, strict).type() == MemoryType::kDeviceNGnRE);
  EXPECT_TRUE(combined(strict, sram).type() == MemoryType::kDeviceNGnRE);
  EXPECT_FALSE(combined(sram, strict).permissions().execute);
}

TEST(Policy, CombiningIsTheSameInAnyOrderButForTheReason) {
  std::array<Attributes, 7> all = {domain_ram(),
                                   interrupt_controller(),
                                   reserved_memory(true),
                                   device(DomainKind::kHardware, {.compatibles = kSram}),
                                   device(DomainKind::kGuest, {.compatibles = kPlain}),
                                   grant_mapping(false),
                                   socle_code()};
  for (const Attributes& a : all) {
    EXPECT_TRUE(combined(a, a).same_mapping(a));
    for (const Attributes& b : all) {
      EXPECT_TRUE(combined(a, b).same_mapping(combined(b, a)));
      for (const Attributes& c : all)
        EXPECT_TRUE(combined(combined(a, b), c).type() == combined(a, combined(b, c)).type());
    }
  }
}

TEST(Policy, SoclesOwnMapNeverHasPagesThatCanBeWrittenAndRun) {
  for (const Attributes& attributes :
       {socle_code(), socle_constants(), socle_data(), socle_device()})
    EXPECT_FALSE(attributes.permissions().write && attributes.permissions().execute);
}

}  // namespace
}  // namespace socle::policy
