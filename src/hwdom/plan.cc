// SPDX-License-Identifier: Apache-2.0
#include "hwdom/plan.h"

#include "hwdom/plan_parts.h"

namespace socle::hwdom {

Result<const DomainPlan*> plan(const PlanInput& input, fw::Arena& arena, fw::Diagnostics& notes) {
  DomainPlan* out = TRY(arena.make<DomainPlan>());
  Planner planner{.input = input, .arena = arena, .notes = notes, .out = *out};
  TRY(plan_vcpus(planner));
  TRY(plan_gic(planner));
  TRY(decide_nodes(planner));
  TRY(plan_kept(planner));
  TRY(plan_memory(planner));
  TRY(plan_devices(planner));
  TRY(plan_interrupts(planner));
  TRY(plan_placements(planner));
  TRY(plan_free_space(planner));
  TRY(plan_permitted(planner));
  if (input.boot != nullptr) out->command_line = input.boot->dom0_command_line;
  return out;
}

}  // namespace socle::hwdom
