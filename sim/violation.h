// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the model hardware does when software breaks a rule of the architecture: the rule is named,
// and the test fails: at once with abort(), so that a debugger stands where it happened; or, while
// a ViolationCapture exists, by being recorded. The latter is how the tests of sim/ itself prove
// that each guard bites.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace socle::sim {

enum class Rule : std::uint8_t {
  kNotOwned,             // Socle touched memory that is not mapped for it
  kWindow,               // PhysWindow used out of order or too deep
  kBreakBeforeMake,      // a live entry was changed to another live one
  kMakeBeforeFlush,      // an entry became valid while a TLB could hold what was there before
  kUninitialised,        // a table was published before its contents were visible
  kFreedTooEarly,        // a frame was given back while a TLB or walker could still reach it
  kContiguousHint,       // entries with the hint that do not belong together
  kNotCleaned,           // an entry that a non-coherent walker cannot see
  kUnpublished,          // an operation ended and its writes are not ordered before what follows
  kStaleTranslation,     // an operation ended and a TLB still holds what was there before
  kVmidAlias,            // a VMID was loaded for one root while it tags translations of another
  kIllegalDescriptor,    // a reserved encoding in a live table
  kCleanedTooEarly,      // caches were cleaned of a frame that a guest could still write to
  kInterruptController,  // a GIC register used against its rules
};
std::string_view to_string(Rule rule);

struct Violation {
  Rule rule;
  std::string text;
};

void violate(Rule rule, const std::string& text);

class ViolationCapture {
 public:
  ViolationCapture();
  ~ViolationCapture();
  ViolationCapture(const ViolationCapture&) = delete;
  ViolationCapture& operator=(const ViolationCapture&) = delete;

  [[nodiscard]] const std::vector<Violation>& all() const { return violations_; }
  [[nodiscard]] bool contains(Rule rule) const;
  [[nodiscard]] bool empty() const { return violations_.empty(); }

 private:
  friend void violate(Rule rule, const std::string& text);
  std::vector<Violation> violations_;
  ViolationCapture* outer_;
};

}  // namespace socle::sim
