// SPDX-License-Identifier: Apache-2.0
// Verbs that change UEFI's own tables. Source: UEFI Specification 2.10, 4.2, 4.3, 4.6.

#include "damage.h"

namespace socle::test {

namespace {

struct NamedGuid {
  std::string_view name;
  const efi::Guid& guid;
};
constexpr NamedGuid kGuids[] = {{"acpi10", efi::kAcpi10Table},
                                {"acpi20", efi::kAcpi20Table},
                                {"tree", efi::kDeviceTreeTable},
                                {"attributes", efi::kMemoryAttributesTable}};

bool publish(Words words) {
  const auto place = words[1] == "nothing" ? 0 : to_place(words[1]);
  if (!place) return false;
  for (const NamedGuid& known : kGuids)
    if (known.name == words[0])
      return system_table().boot_services->install_configuration_table(
                 &known.guid, reinterpret_cast<void*>(*place)) == efi::kSuccess ||
             fail("firmware refuses");
  return fail("no such name");
}

bool spoil_crc(Words words) {
  auto& system = const_cast<efi::SystemTable&>(system_table());
  if (words[0] == "system") {
    ++system.header.crc32;
  } else if (words[0] == "runtime") {
    ++static_cast<efi::TableHeader*>(system.runtime_services)->crc32;
  } else {
    return fail("no such table");
  }
  return true;
}

constexpr Verb kVerbs[] = {
    {"publish", 2, "acpi10|acpi20|tree|attributes PLACE|nothing (configuration table)", publish},
    {"crc", 1, "system|runtime (wrong from now on)", spoil_crc},
};

}  // namespace

std::span<const Verb> firmware_verbs() {
  return kVerbs;
}

}  // namespace socle::test
