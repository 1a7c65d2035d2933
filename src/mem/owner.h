// SPDX-License-Identifier: Apache-2.0
#pragma once

// Owner: who a frame of memory belongs to. Every frame of RAM has exactly one at any time.

#include <cstdint>

#include "base/check.h"
#include "base/types.h"

namespace socle::mem {

class Owner {
 public:
  // Not RAM, or not known to the frame table at all.
  static constexpr Owner none() { return Owner(kNone); }
  // RAM that firmware keeps, or that lies in a reservation of the device tree.
  static constexpr Owner reserved() { return Owner(kReserved); }
  // Socle's image, and what can never be given back.
  static constexpr Owner socle() { return Owner(kSocle); }
  // Holds a boot module (kernel, initrd, ...) until release_boot_modules().
  static constexpr Owner boot_module() { return Owner(kBootModule); }
  // Nobody's: may become a domain's or the heap's.
  static constexpr Owner free() { return Owner(kFree); }
  // Socle's heap, in use; and the heap's stock, which is mapped for Socle already.
  static constexpr Owner heap() { return Owner(kHeap); }
  static constexpr Owner heap_stock() { return Owner(kHeapStock); }
  static constexpr Owner domain(DomainId domain) {
    CHECK(is_valid_domain(domain));
    return Owner(static_cast<std::uint16_t>(domain));
  }

  // Numbers from here on have special meanings in Xen's ABI (DOMID_SELF, DOMID_IO, ...).
  static constexpr bool is_valid_domain(DomainId domain) {
    return static_cast<std::uint16_t>(domain) < kFirstSpecial;
  }

  [[nodiscard]] constexpr bool is_domain() const { return code_ < kFirstSpecial; }
  [[nodiscard]] constexpr DomainId domain_id() const {
    CHECK(is_domain());
    return DomainId{code_};
  }
  // How the frame table stores it.
  [[nodiscard]] constexpr std::uint16_t code() const { return code_; }
  static constexpr Owner from_code(std::uint16_t code) { return Owner(code); }

  constexpr bool operator==(const Owner&) const = default;

 private:
  enum : std::uint16_t {
    kFirstSpecial = 0x7ff0,
    kNone = 0xfff0,
    kReserved,
    kSocle,
    kBootModule,
    kFree,
    kHeap,
    kHeapStock,
  };
  constexpr explicit Owner(std::uint16_t code) : code_(code) {}

  std::uint16_t code_;
};

// For log lines: "free", "heap", "domain", ...
const char* to_string(Owner owner);

}  // namespace socle::mem
