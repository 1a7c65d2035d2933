// SPDX-License-Identifier: Apache-2.0
#include "mem/memory.h"

#include "mem/frame_table.h"

namespace socle::mem {
namespace {

constinit FrameTable the_frame_table;

}  // namespace

FrameTable& frame_table() {
  return the_frame_table;
}

Result<> init(const MemoryLayout& layout) {
  return the_frame_table.init(layout);
}
Result<Mfn> allocate(Order order) {
  return the_frame_table.allocate(order);
}
Result<Mfn> allocate_frames(FrameCount count) {
  return the_frame_table.allocate_frames(count);
}
void free(Mfn first, Order order) {
  the_frame_table.free(first, order);
}
void free_frames(Mfn first, FrameCount count) {
  the_frame_table.free_frames(first, count);
}
Result<> reserve_heap(FrameCount count) {
  return the_frame_table.reserve_heap(count);
}
Result<> assign(const MfnRange& frames, DomainId domain, Contents contents) {
  return the_frame_table.assign(frames, domain, contents);
}
Result<Mfn> allocate_for(DomainId domain, Order order, Contents contents) {
  return the_frame_table.allocate_for(domain, order, contents);
}
Result<> release(const MfnRange& frames, DomainId domain) {
  return the_frame_table.release(frames, domain);
}
void release_boot_modules() {
  the_frame_table.release_boot_modules();
}
Owner owner_of(Mfn frame) {
  return the_frame_table.owner_of(frame);
}
Result<> get_ref(Mfn frame, Owner owner) {
  return the_frame_table.get_ref(frame, owner);
}
void put_ref(Mfn frame) {
  the_frame_table.put_ref(frame);
}
Statistics statistics() {
  return the_frame_table.statistics();
}
std::size_t assignable_ranges(std::span<MfnRange> out) {
  return the_frame_table.assignable_ranges(out);
}

const char* to_string(Owner owner) {
  if (owner.is_domain()) return "domain";
  if (owner == Owner::reserved()) return "reserved";
  if (owner == Owner::socle()) return "socle";
  if (owner == Owner::boot_module()) return "boot module";
  if (owner == Owner::free()) return "free";
  if (owner == Owner::heap()) return "heap";
  if (owner == Owner::heap_stock()) return "heap stock";
  return "none";
}

}  // namespace socle::mem
