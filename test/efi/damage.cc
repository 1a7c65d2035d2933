// SPDX-License-Identifier: Apache-2.0
#include "damage.h"

namespace socle::test {

namespace {

using Group = std::span<const Verb> (*)();
constexpr Group kGroups[] = {acpi_verbs, firmware_verbs, runtime_verbs};

bool show_usage() {
  print("damage.efi VERB ARGUMENTS\n");
  for (const Group group : kGroups)
    for (const Verb& verb : group()) {
      print("  ");
      print(verb.name);
      print(" ");
      print(verb.usage);
      print("\n");
    }
  return false;
}

}  // namespace

bool run(Words words) {
  if (words.empty()) return show_usage();
  for (const Group group : kGroups)
    for (const Verb& verb : group()) {
      if (verb.name != words[0]) continue;
      if (verb.arguments != words.size() - 1) return show_usage();
      if (!verb.run(words.subspan(1))) return false;
      print("damage: done: ");
      for (const std::string_view word : words) {
        print(word);
        print(" ");
      }
      print("\n");
      return true;
    }
  return show_usage();
}

}  // namespace socle::test
