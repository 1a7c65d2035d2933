// SPDX-License-Identifier: Apache-2.0
#include "sim/violation.h"

#include <cstdio>
#include <cstdlib>

namespace socle::sim {

namespace {
ViolationCapture* innermost = nullptr;
}  // namespace

std::string_view to_string(Rule rule) {
  switch (rule) {
    case Rule::kNotOwned:
      return "memory that is not mapped for Socle";
    case Rule::kWindow:
      return "misused PhysWindow";
    case Rule::kBreakBeforeMake:
      return "live entry changed without break-before-make";
    case Rule::kMakeBeforeFlush:
      return "entry made before the invalidation of its predecessor completed";
    case Rule::kUninitialised:
      return "table published before it was initialised";
    case Rule::kFreedTooEarly:
      return "frame freed before its flush was paid";
    case Rule::kContiguousHint:
      return "misprogrammed contiguous hint";
    case Rule::kNotCleaned:
      return "line not cleaned for a non-coherent walker";
    case Rule::kUnpublished:
      return "table write without a barrier";
    case Rule::kStaleTranslation:
      return "stale translation left behind";
    case Rule::kVmidAlias:
      return "one VMID for two address spaces";
    case Rule::kIllegalDescriptor:
      return "illegal descriptor";
    case Rule::kCleanedTooEarly:
      return "frame cleaned while a guest could still reach it";
    case Rule::kInterruptController:
      return "misused interrupt controller";
  }
  return "unknown rule";
}

void violate(Rule rule, const std::string& text) {
  if (innermost != nullptr) {
    innermost->violations_.push_back({rule, text});
    return;
  }
  const std::string_view name = to_string(rule);
  std::fprintf(stderr, "sim: %.*s: %s\n", static_cast<int>(name.size()), name.data(), text.c_str());
  std::abort();
}

ViolationCapture::ViolationCapture() : outer_(innermost) {
  innermost = this;
}
ViolationCapture::~ViolationCapture() {
  innermost = outer_;
}

bool ViolationCapture::contains(Rule rule) const {
  for (const Violation& violation : violations_) {
    if (violation.rule == rule) return true;
  }
  return false;
}

}  // namespace socle::sim
