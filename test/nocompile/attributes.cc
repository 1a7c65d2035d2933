// SPDX-License-Identifier: Apache-2.0
// Nobody but policy/ makes an Attributes, and nobody changes one.
#include "hw/attributes.h"

#include "policy/policy.h"

namespace socle {

void attributes(Attributes given) {
  const Attributes ram = policy::domain_ram();
  (void)ram;
  const Attributes none;  // refused: no matching constructor
  const auto type = MemoryType::kDeviceGRE;
  const auto reason = Reason::kSocle;
  const Attributes own(type, {}, reason);                  // refused: private constructor
  const Attributes braced{type, {}, reason};               // refused: private constructor
  (void)policy::AttributeFactory::make(type, {}, reason);  // refused: private member
  (void)policy::Maker::make(type, {}, reason);             // refused: no member named 'Maker'
  given.type_ = MemoryType::kDeviceGRE;                    // refused: private member
  (void)given.type();
}

}  // namespace socle

namespace socle::policy {

// Names of policy's own that a neighbour might take: none of them is a key.
struct Maker {
  static Attributes make() {
    return AttributeFactory::make(MemoryType::kDeviceGRE, {}, Reason::kSocle);  // refused: private
    return domain_ram();
  }
};
Attributes domain_ram(bool) {
  return AttributeFactory::make(MemoryType::kDeviceGRE, {}, Reason::kSocle);  // refused: private
  return domain_ram();
}

}  // namespace socle::policy
