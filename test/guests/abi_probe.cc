// SPDX-License-Identifier: Apache-2.0

// Asks a hypervisor for the corner cases of its ABI and prints what it answers, one line each:
//   probe <what> = <result>
// Run on Xen it records the contract (test/qemu/abi_probe.xen); run on Socle it is held against it.
// The order matters: earlier probes leave state behind, which both hypervisors then share.

#include "abi_probe.h"

#include "guest.h"

namespace probe {
namespace {

alignas(4096) constinit std::uint8_t page_a[4096] = {};
alignas(4096) constinit std::uint8_t page_b[4096] = {};
alignas(4096) constinit std::uint8_t page_c[4096] = {};
alignas(4096) constinit std::uint8_t page_d[4096] = {};
alignas(4096) constinit std::uint8_t page_e[4096] = {};
alignas(4096) constinit std::uint8_t page_f[4096] = {};
alignas(16) constinit std::uint8_t buffer[2048] = {};

std::int64_t call(std::uint64_t number, std::uint64_t a0 = 0, std::uint64_t a1 = 0,
                  std::uint64_t a2 = 0, std::uint64_t a3 = 0, std::uint64_t a4 = 0) {
  return guest::hypercall(number, a0, a1, a2, a3, a4);
}

// Field access without unaligned instructions (the MMU is off).
void put(unsigned offset, unsigned bytes, std::uint64_t value) {
  for (unsigned i = 0; i < bytes; ++i)
    const_cast<volatile std::uint8_t&>(buffer[offset + i]) =
        static_cast<std::uint8_t>(value >> (8 * i));
}
std::uint64_t get(unsigned offset, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    value |= std::uint64_t{const_cast<const volatile std::uint8_t&>(buffer[offset + i])} << (8 * i);
  return value;
}
void clear() {
  for (unsigned i = 0; i < 256; ++i)
    put(i, 1, 0);
}

void versions() {
  for (std::uint64_t command = 0; command <= 12; ++command) {
    clear();
    put(0, 4, command == 10 ? 64 : 0);
    // A build id is there or not, and its length is its owner's business.
    if (command != 10)
      show("xen_version", command, call(17, command, command == 7 ? 0 : address_of(buffer)));
  }
  clear();
  call(17, 6, address_of(buffer));
  show("features submap", 0, static_cast<std::int64_t>(get(4, 4)));
  put(0, 4, 1);
  show("features of submap", 1, call(17, 6, address_of(buffer)));
  show("pagesize with argument", 0, call(17, 7, address_of(buffer)));
  for (std::uint64_t command = 1; command <= 9; ++command)
    show("xen_version bad address", command, call(17, command, kBadAddress));
}

void console() {
  show("console unknown", 2, call(18, 2, 1, address_of(buffer)));
  show("console write none", 0, call(18, 0, 0, kBadAddress));
  show("console write bad", 0, call(18, 0, 1, kBadAddress));
  show("console read none", 0, call(18, 1, 0, address_of(buffer)));
  show("console read empty", 0, call(18, 1, 16, address_of(buffer)));
  show("console read empty bad", 0, call(18, 1, 16, kBadAddress));
  show("console read too much", 0, call(18, 1, 0x80000000, address_of(buffer)));
}

std::int64_t add_to_physmap(std::uint64_t domid, std::uint64_t space, std::uint64_t index,
                            std::uint64_t frame) {
  clear();
  put(0, 2, domid);
  put(4, 4, space);
  put(8, 8, index);
  put(16, 8, frame);
  return call(12, 7, address_of(buffer));
}
std::int64_t remove_from_physmap(std::uint64_t domid, std::uint64_t frame) {
  clear();
  put(0, 2, domid);
  put(8, 8, frame);
  return call(12, 15, address_of(buffer));
}
std::int64_t reservation(std::uint64_t operation, std::uint64_t domid, std::uint64_t list,
                         std::uint64_t count, std::uint64_t order, std::uint64_t flags = 0) {
  clear();
  put(0, 8, list);
  put(8, 8, count);
  put(16, 4, order);
  put(20, 4, flags);
  put(24, 2, domid);
  return call(12, operation, address_of(buffer));
}
std::int64_t batch(std::uint64_t space, std::uint64_t size, std::uint64_t index,
                   std::uint64_t frame, std::uint64_t extra) {
  clear();
  put(0, 2, kSelf);
  put(2, 2, space);
  put(4, 2, size);
  put(6, 2, extra);
  put(8, 8, address_of(buffer) + 64);
  put(16, 8, address_of(buffer) + 72);
  put(24, 8, address_of(buffer) + 80);
  put(64, 8, index);
  put(72, 8, frame);
  put(80, 4, 0x5a5a);
  return call(12, 23, address_of(buffer));
}
std::int64_t first_batch_error() {
  return static_cast<std::int32_t>(get(80, 4));
}

void memory() {
  for (std::uint64_t operation = 0; operation < 32; ++operation)
    // maximum_ram_page without argument is the machine's business.
    if (operation != 2) show("memory_op null", operation, call(12, operation, 0));
  show("memory_op bad", 3, call(12, 3, kBadAddress));
  show("memory_op bad", 7, call(12, 7, kBadAddress));
  show("memory_op bad", 23, call(12, 23, kBadAddress));
  clear();
  put(0, 2, kNobody);
  show("current_reservation of nobody", 0, call(12, 3, address_of(buffer)));
  show("maximum_reservation of nobody", 0, call(12, 4, address_of(buffer)));
  show("maximum_gpfn of nobody", 0, call(12, 14, address_of(buffer)));
  show("maximum_ram_page with argument", 0, call(12, 2, address_of(buffer)));

  show("shared_info index 1", 0, add_to_physmap(kSelf, 0, 1, frame_of(page_a)));
  show("shared_info of nobody", 0, add_to_physmap(kNobody, 0, 0, frame_of(page_a)));
  show("shared_info", 0, add_to_physmap(kSelf, 0, 0, frame_of(page_a)));
  show("shared_info again", 0, add_to_physmap(kSelf, 0, 0, frame_of(page_a)));
  show("shared_info elsewhere", 0, add_to_physmap(kSelf, 0, 0, frame_of(page_b)));
  show("grant frame 0", 0, add_to_physmap(kSelf, 1, 0, frame_of(page_c)));
  show("grant frame 0 again", 0, add_to_physmap(kSelf, 1, 0, frame_of(page_c)));
  show("grant frame 0 elsewhere", 0, add_to_physmap(kSelf, 1, 0, frame_of(page_b)));
  show("grant frame 63", 0, add_to_physmap(kSelf, 1, 63, frame_of(page_d)));
  show("grant frame 64", 0, add_to_physmap(kSelf, 1, 64, frame_of(page_d)));
  show("grant frame huge", 0, add_to_physmap(kSelf, 1, 0x7fffffff, frame_of(page_d)));
  show("grant status frame", 0, add_to_physmap(kSelf, 1, 0x80000000, frame_of(page_d)));
  show("space gmfn", 0, add_to_physmap(kSelf, 2, frame_of(page_e), frame_of(page_d)));
  show("space gmfn_range", 0, add_to_physmap(kSelf, 3, frame_of(page_e), frame_of(page_d)));
  show("space foreign", 0, add_to_physmap(kSelf, 4, 0, frame_of(page_d)));
  show("space unknown", 0, add_to_physmap(kSelf, 6, 0, frame_of(page_d)));
  show("shared_info at frame beyond", 0, add_to_physmap(kSelf, 0, 0, 0xffff'ffff'ff));
  show("grant frame 5 beyond", 0, add_to_physmap(kSelf, 1, 5, 0xffff'ffff'ff));

  show("batch none", 0, batch(1, 0, 6, frame_of(page_d), 0));
  show("batch grant", 0, batch(1, 1, 6, frame_of(page_d), 0));
  show("batch grant error", 0, first_batch_error());
  show("batch grant 99", 0, batch(1, 1, 99, frame_of(page_d), 0));
  show("batch grant 99 error", 0, first_batch_error());
  show("batch grant extra", 0, batch(1, 1, 7, frame_of(page_d), 1));
  show("batch foreign nobody", 0, batch(4, 1, 0, frame_of(page_d), kNobody));
  show("batch foreign nobody error", 0, first_batch_error());
  show("batch foreign self", 0, batch(4, 1, 0, frame_of(page_d), 0));
  show("batch foreign self error", 0, first_batch_error());
  show("batch gmfn_range", 0, batch(3, 1, 0, frame_of(page_d), 0));
  show("batch unknown space", 0, batch(6, 1, 0, frame_of(page_d), 0));
  show("batch unknown space error", 0, first_batch_error());
  show("batch dev_mmio extra", 0, batch(5, 1, 0x9000, 0x9000, 1));

  show("remove nobody", 0, remove_from_physmap(kNobody, frame_of(page_e)));
  show("remove beyond", 0, remove_from_physmap(kSelf, 0xffff'ffff'ff));
  show("remove shared_info", 0, remove_from_physmap(kSelf, frame_of(page_a)));
  show("remove shared_info again", 0, remove_from_physmap(kSelf, frame_of(page_a)));
  show("shared_info after remove", 0, add_to_physmap(kSelf, 0, 0, frame_of(page_a)));

  put(128, 8, frame_of(page_e));
  const std::uint64_t list = address_of(buffer) + 128;
  // The reservation structure ends before byte 128, which clear() clears: put the frame again.
  const auto with_list = [&](std::uint64_t operation, std::uint64_t domid, std::uint64_t count,
                             std::uint64_t order, std::uint64_t frame) {
    clear();
    put(300, 8, frame);
    (void)list;
    return reservation(operation, domid, address_of(buffer) + 300, count, order);
  };
  show("decrease none", 0, with_list(1, kSelf, 0, 0, 0));
  show("decrease of nobody", 0, with_list(1, kNobody, 1, 0, frame_of(page_e)));
  show("decrease beyond", 0, with_list(1, kSelf, 1, 0, 0xffff'ffff'ff));
  show("decrease", 0, with_list(1, kSelf, 1, 0, frame_of(page_e)));
  show("decrease again", 0, with_list(1, kSelf, 1, 0, frame_of(page_e)));
  show("populate", 0, with_list(6, kSelf, 1, 0, frame_of(page_e)));
  show("populate again", 0, with_list(6, kSelf, 1, 0, frame_of(page_e)));
  show("populate beyond", 0, with_list(6, kSelf, 1, 0, 0xffff'ffff'ff));
  show("populate not mine", 0, with_list(6, kSelf, 1, 0, 1));
  show("populate order 20", 0, with_list(6, kSelf, 1, 20, 0));
  show("populate order 40", 0, with_list(6, kSelf, 1, 40, 0));
  show("populate of nobody", 0, with_list(6, kNobody, 1, 0, frame_of(page_e)));
  show("populate bad list", 0, reservation(6, kSelf, kBadAddress, 1, 0));
  show("decrease bad list", 0, reservation(1, kSelf, kBadAddress, 1, 0));
  show("increase", 0, reservation(0, kSelf, 0, 1, 0));
  show("populate huge count", 0, reservation(6, kSelf, address_of(buffer), ~0ull, 0));
}

std::int64_t event(std::uint64_t operation) {
  return call(32, operation, address_of(buffer));
}

std::int64_t alloc_unbound(std::uint64_t domid, std::uint64_t remote) {
  clear();
  put(0, 2, domid);
  put(2, 2, remote);
  const std::int64_t result = event(6);
  return result != 0 ? result : static_cast<std::int64_t>(get(4, 4));
}
std::int64_t bind_interdomain(std::uint64_t domid, std::uint64_t port) {
  clear();
  put(0, 2, domid);
  put(4, 4, port);
  const std::int64_t result = event(0);
  return result != 0 ? result : static_cast<std::int64_t>(get(8, 4));
}
std::int64_t bind_virq(std::uint64_t virq, std::uint64_t vcpu) {
  clear();
  put(0, 4, virq);
  put(4, 4, vcpu);
  const std::int64_t result = event(1);
  return result != 0 ? result : static_cast<std::int64_t>(get(8, 4));
}
std::int64_t bind_ipi(std::uint64_t vcpu) {
  clear();
  put(0, 4, vcpu);
  const std::int64_t result = event(7);
  return result != 0 ? result : static_cast<std::int64_t>(get(4, 4));
}
std::int64_t on_port(std::uint64_t operation, std::uint64_t port) {
  clear();
  put(0, 4, port);
  return event(operation);
}
std::int64_t with_port(std::uint64_t operation, std::uint64_t port, std::uint64_t value) {
  clear();
  put(0, 4, port);
  put(4, 4, value);
  return event(operation);
}
// status * 1000000 + vcpu * 10000 + what is in the union
std::int64_t status(std::uint64_t domid, std::uint64_t port) {
  clear();
  put(0, 2, domid);
  put(4, 4, port);
  const std::int64_t result = event(5);
  if (result != 0) return result;
  const std::uint64_t state = get(8, 4);
  const std::uint64_t detail = state == 2   ? get(16, 2) * 100 + get(20, 4)
                               : state == 1 ? get(16, 2)
                               : state == 4 ? get(16, 4)
                                            : 0;
  return static_cast<std::int64_t>(state * 1000000 + get(12, 4) * 10000 + detail);
}
std::int64_t init_control(std::uint64_t frame, std::uint64_t offset, std::uint64_t vcpu) {
  clear();
  put(0, 8, frame);
  put(8, 4, offset);
  put(12, 4, vcpu);
  const std::int64_t result = event(11);
  return result != 0 ? result : static_cast<std::int64_t>(get(16, 1));
}
std::int64_t expand_array(std::uint64_t frame) {
  clear();
  put(0, 8, frame);
  return event(12);
}

void events_two_level() {
  for (std::uint64_t operation = 0; operation < 18; ++operation)
    show("event_channel_op null", operation, call(32, operation, 0));
  for (std::uint64_t operation = 0; operation < 18; ++operation)
    show("event_channel_op bad", operation, call(32, operation, kBadAddress));
  show("alloc_unbound self", 0, alloc_unbound(kSelf, kSelf));
  show("alloc_unbound for 5", 0, alloc_unbound(kSelf, 5));
  show("alloc_unbound own number", 0, alloc_unbound(0, 0));
  show("alloc_unbound nobody", 0, alloc_unbound(kNobody, 0));
  show("alloc_unbound for 0x7ff5", 0, alloc_unbound(kSelf, 0x7ff5));
  show("bind_interdomain nobody", 0, bind_interdomain(kNobody, 1));
  show("bind_interdomain closed", 0, bind_interdomain(kSelf, 77));
  show("bind_interdomain port 0", 0, bind_interdomain(kSelf, 0));
  show("bind_interdomain huge", 0, bind_interdomain(kSelf, 0xffffffff));
  show("bind_interdomain not for us", 0, bind_interdomain(kSelf, 2));
  show("bind_interdomain", 0, bind_interdomain(kSelf, 1));
  show("bind_interdomain taken", 0, bind_interdomain(kSelf, 1));
  show("bind_virq 24", 0, bind_virq(24, 0));
  show("bind_virq huge", 0, bind_virq(0xffffffff, 0));
  show("bind_virq console vcpu 1", 0, bind_virq(2, 1));
  show("bind_virq console vcpu 99", 0, bind_virq(2, 99));
  show("bind_virq console", 0, bind_virq(2, 0));
  show("bind_virq console again", 0, bind_virq(2, 0));
  show("bind_virq timer vcpu 1", 0, bind_virq(0, 1));
  show("bind_virq timer vcpu 99", 0, bind_virq(0, 99));
  show("bind_virq debug", 0, bind_virq(1, 0));
  show("bind_virq 5", 0, bind_virq(5, 0));
  show("bind_virq pmu vcpu 1", 0, bind_virq(13, 1));
  show("bind_virq 14", 0, bind_virq(14, 0));
  show("bind_virq arch 16 vcpu 1", 0, bind_virq(16, 1));
  show("bind_ipi 0", 0, bind_ipi(0));
  show("bind_ipi 1", 0, bind_ipi(1));
  show("bind_ipi 99", 0, bind_ipi(99));
  clear();
  show("bind_pirq 0", 0, event(2));
  put(0, 4, 0xffff);
  show("bind_pirq 65535", 0, event(2));
  for (std::uint64_t port = 0; port <= 14; ++port)
    show("status", port, status(kSelf, port));
  show("status nobody", 0, status(kNobody, 1));
  show("status huge", 0, status(kSelf, 0xffffffff));
  show("status 4095", 0, status(kSelf, 4095));
  show("status 4096", 0, status(kSelf, 4096));
  for (std::uint64_t port = 0; port <= 14; ++port)
    show("send", port, on_port(4, port));
  show("send huge", 0, on_port(4, 0xffffffff));
  for (std::uint64_t port = 0; port <= 14; ++port)
    show("unmask", port, on_port(9, port));
  show("unmask huge", 0, on_port(9, 0xffffffff));
  for (std::uint64_t port = 0; port <= 14; ++port)
    show("bind_vcpu 1", port, with_port(8, port, 1));
  show("bind_vcpu 99", 0, with_port(8, 1, 99));
  show("bind_vcpu huge port", 0, with_port(8, 0xffffffff, 0));
  show("set_priority 2-level", 0, with_port(13, 1, 3));
  show("set_priority 2-level bad", 0, with_port(13, 77, 99));
  show("set_priority 2-level huge", 0, with_port(13, 0xffffffff, 3));
  show("expand_array 2-level", 0, expand_array(frame_of(page_d)));
  show("close 0", 0, on_port(3, 0));
  show("close 1", 0, on_port(3, 1));
  show("close 1 again", 0, on_port(3, 1));
  show("close huge", 0, on_port(3, 0xffffffff));
  show("status of the other end", 0, status(kSelf, 5));
  show("alloc_unbound lowest", 0, alloc_unbound(kSelf, kSelf));
  clear();
  put(0, 2, kNobody);
  show("reset nobody", 0, event(10));
}

void events_fifo() {
  show("init_control vcpu 99", 0, init_control(frame_of(page_d), 0, 99));
  show("init_control offset 4", 0, init_control(frame_of(page_d), 4, 0));
  show("init_control offset 4096", 0, init_control(frame_of(page_d), 4096, 0));
  show("init_control offset 4032", 0, init_control(frame_of(page_d), 4032, 0));
  show("init_control no frame", 0, init_control(0xffff'ffff'ff, 0, 0));
  show("init_control", 0, init_control(frame_of(page_e), 0, 0));
  show("init_control again", 0, init_control(frame_of(page_e), 128, 0));
  show("expand_array no frame", 0, expand_array(0xffff'ffff'ff));
  show("expand_array", 0, expand_array(frame_of(page_b)));
  show("set_priority", 0, with_port(13, 2, 3));
  show("set_priority 15", 0, with_port(13, 2, 15));
  show("set_priority 16", 0, with_port(13, 2, 16));
  show("set_priority closed", 0, with_port(13, 60, 3));
  show("set_priority closed 16", 0, with_port(13, 60, 16));
  show("set_priority port 0", 0, with_port(13, 0, 3));
  show("status fifo 2", 0, status(kSelf, 2));
  show("send fifo", 0, on_port(4, 1));
  clear();
  put(0, 2, kSelf);
  show("reset", 0, event(10));
  show("status after reset", 0, status(kSelf, 2));
  show("expand_array after reset", 0, expand_array(frame_of(page_b)));
  show("init_control after reset", 0, init_control(frame_of(page_e), 0, 0));
  show("alloc_unbound after reset", 0, alloc_unbound(kSelf, kSelf));
}

void vcpus() {
  for (std::uint64_t operation = 0; operation < 16; ++operation)
    show("vcpu_op null", operation, call(24, operation, 0, 0));
  for (std::uint64_t operation = 0; operation < 16; ++operation)
    show("vcpu_op vcpu 99", operation, call(24, operation, 99, 0));
  show("vcpu_op bad", 5, call(24, 5, 0, kBadAddress));
  show("vcpu_op bad", 10, call(24, 10, 0, kBadAddress));
  const auto register_info = [](std::uint64_t vcpu, std::uint64_t frame, std::uint64_t offset) {
    clear();
    put(0, 8, frame);
    put(8, 4, offset);
    return call(24, 10, vcpu, address_of(buffer));
  };
  show("vcpu_info offset 4", 0, register_info(0, frame_of(page_f), 4));
  show("vcpu_info offset 4096", 0, register_info(0, frame_of(page_f), 4096));
  show("vcpu_info offset 4056", 0, register_info(0, frame_of(page_f), 4056));
  show("vcpu_info no frame", 0, register_info(0, 0xffff'ffff'ff, 0));
  show("vcpu_info", 0, register_info(0, frame_of(page_f), 0x580));
  show("vcpu_info again", 0, register_info(0, frame_of(page_f), 0x580));
  show("vcpu_info of an offline vcpu", 0, register_info(1, frame_of(page_f), 0x600));
  const auto register_runstate = [](std::uint64_t vcpu, std::uint64_t address) {
    clear();
    put(0, 8, address);
    return call(24, 5, vcpu, address_of(buffer));
  };
  show("runstate area 0", 0, register_runstate(0, 0));
  show("runstate area bad", 0, register_runstate(0, kBadAddress));
  show("runstate area unaligned", 0, register_runstate(0, address_of(page_f) + 4));
  show("runstate area", 0, register_runstate(0, address_of(page_f)));
  show("runstate state", 0, static_cast<std::int64_t>(guest::read32(address_of(page_f))));
  show("runstate area of an offline vcpu", 0, register_runstate(1, kBadAddress));
  show("runstate area remove", 0, register_runstate(0, 0));
}

void scheduling() {
  for (const std::uint64_t operation : {2, 3, 4, 5, 6, 7, 8, 99})
    show("sched_op null", operation, call(29, operation, 0));
  for (const std::uint64_t operation : {2, 3, 4, 5, 6, 7})
    show("sched_op bad", operation, call(29, operation, kBadAddress));
  show("yield", 0, call(29, 0, 0));
  const auto poll = [](std::uint64_t ports, std::uint64_t count, std::uint64_t timeout) {
    clear();
    put(0, 8, ports);
    put(8, 4, count);
    put(16, 8, timeout);
    put(64, 4, 99999999);
    return call(29, 3, address_of(buffer));
  };
  show("poll 129", 0, poll(address_of(page_a), 129, 1));
  show("poll bad list", 0, poll(kBadAddress, 1, 1));
  show("poll bad port", 0, poll(address_of(buffer) + 64, 1, 1));
  show("poll none timeout", 0, poll(0, 0, 1));
  const auto watchdog = [](std::uint64_t id, std::uint64_t timeout) {
    clear();
    put(0, 4, id);
    put(4, 4, timeout);
    return call(29, 6, address_of(buffer));
  };
  show("watchdog 1 10", 0, watchdog(1, 10));
  show("watchdog 3 10", 0, watchdog(3, 10));
  show("watchdog 99 10", 0, watchdog(99, 10));
  show("watchdog new", 0, watchdog(0, 1000));
  show("watchdog new", 1, watchdog(0, 1000));
  show("watchdog new", 2, watchdog(0, 1000));
  show("watchdog set", 0, watchdog(1, 900));
  show("watchdog stop", 1, watchdog(1, 0));
  show("watchdog stop", 2, watchdog(2, 0));
  show("watchdog stop again", 2, watchdog(2, 0));
  clear();
  put(0, 2, kNobody);
  show("remote shutdown nobody", 0, call(29, 4, address_of(buffer)));
  clear();
  put(0, 4, 0);
  show("shutdown_code", 0, call(29, 5, address_of(buffer)));
}

void parameters() {
  for (std::uint64_t operation = 0; operation < 30; ++operation)
    show("hvm_op null", operation, call(34, operation, 0));
  const auto param = [](std::uint64_t operation, std::uint64_t domid, std::uint64_t index) {
    clear();
    put(0, 2, domid);
    put(4, 4, index);
    put(8, 8, 0);
    return call(34, operation, address_of(buffer));
  };
  for (std::uint64_t index = 0; index < 41; ++index)
    show("get_param", index, param(1, kSelf, index));
  for (std::uint64_t index = 0; index < 41; ++index)
    show("set_param", index, param(0, kSelf, index));
  show("get_param nobody", 0, param(1, kNobody, 0));
  show("get_param nobody 99", 0, param(1, kNobody, 99));
  param(1, kSelf, 0);
  // The interrupt differs between machines; type and flags do not.
  show("callback type and flags", 0, static_cast<std::int64_t>(get(8, 8) >> 8));
  for (const std::uint64_t type : {0, 1, 2, 3, 4, 5, 6, 31, 32, 63, 64, 1000})
    show("vm_assist enable", type, call(21, 0, type));
  show("vm_assist unknown command", 0, call(21, 2, 5));
  show("vm_assist disable", 0, call(21, 1, 5));
}

void machine() {
  const auto platform = [](std::uint64_t command, std::uint64_t version) {
    clear();
    put(0, 4, command);
    put(4, 4, version);
    return call(7, address_of(buffer));
  };
  show("platform_op null", 0, call(7, 0));
  show("platform_op bad", 0, call(7, kBadAddress));
  show("platform_op wrong version", 0, platform(62, 1));
  for (std::uint64_t command = 17; command < 70; ++command)
    if (command != 51) show("platform_op", command, platform(command, 0x03000001));
  clear();
  put(0, 4, 62);
  put(4, 4, 0x03000001);
  put(20, 4, 1);
  show("settime64 mbz", 0, call(7, address_of(buffer)));
  for (std::uint64_t command = 0; command < 36; ++command)
    show("physdev_op", command, call(33, command, address_of(buffer)));
  show("physdev_op null", 25, call(33, 25, 0));
  clear();
  put(0, 4, 3);
  put(4, 4, 0x99);
  show("sysctl wrong version", 0, call(35, address_of(buffer)));
  show("domctl wrong version", 0, call(36, address_of(buffer)));
  show("sysctl bad", 0, call(35, kBadAddress));
  show("domctl bad", 0, call(36, kBadAddress));
  put(0, 4, 999);
  put(4, 4, 0x15);
  show("sysctl unknown", 0, call(35, address_of(buffer)));
  show("domctl unknown", 0, call(36, address_of(buffer)));
}

void many() {
  const auto entry = [](unsigned index, std::uint64_t number, std::uint64_t a0, std::uint64_t a1) {
    for (unsigned i = 0; i < 64; ++i)
      put(512 + index * 64 + i, 1, 0);
    put(512 + index * 64, 8, number);
    put(512 + index * 64 + 8, 8, 0x77);
    put(512 + index * 64 + 16, 8, a0);
    put(512 + index * 64 + 24, 8, a1);
  };
  const std::uint64_t list = address_of(buffer) + 512;
  const auto result = [](unsigned index) {
    return static_cast<std::int64_t>(get(512 + index * 64 + 8, 8));
  };
  show("multicall none", 0, call(13, kBadAddress, 0));
  show("multicall bad", 0, call(13, kBadAddress, 1));
  entry(0, 17, 0, 0);
  entry(1, 13, 0, 0);
  entry(2, 63, 0, 0);
  entry(3, 1000, 0, 0);
  show("multicall", 0, call(13, list, 4));
  for (unsigned i = 0; i < 4; ++i)
    show("multicall result", i, result(i));
  for (const std::uint64_t number :
       {0,  1,  2,  3,  4,  5,  8,  9,  10, 11, 14, 15, 22, 23, 25, 26, 28, 30, 31, 37,
        38, 40, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 63, 64, 65, 1000})
    show("hypercall", number, call(number, 0, 0));
  show("sched_op_compat unknown", 6, call(6, 99, 0));
  show("event_channel_op_compat null", 16, call(16, 0));
  show("physdev_op_compat null", 19, call(19, 0));
  show("hypercall huge number", 0, call(0xffff'ffff'0000'0011, 0, 0));
}

}  // namespace
}  // namespace probe

void guest_main(const guest::Tree& tree) {
  probe::versions();
  probe::console();
  probe::memory();
  probe::events_two_level();
  probe::events_fifo();
  probe::vcpus();
  probe::scheduling();
  probe::parameters();
  probe::machine();
  probe::many();
  probe::grants();
  probe::devices(tree);
  guest::print("probe: done\n");
}
