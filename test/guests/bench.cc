// SPDX-License-Identifier: Apache-2.0
// The events that bench/run counts: each is done kCount times between two marks that the QEMU
// plugin (bench/trapcount.cc) sees as they are executed. A mark is `movz xzr, #number`: it does
// nothing. The same file runs as the hardware domain of Socle and of Xen.
#include "guest.h"

namespace {

using guest::hypercall;

constexpr unsigned kCount = 200;
constexpr std::uint64_t kMemoryOp = 12;
constexpr std::uint64_t kXenVersion = 17;
constexpr std::uint64_t kEventChannelOp = 32;
constexpr std::uint16_t kSelf = 0x7ff0;
constexpr std::uint32_t kVirtualTimerPpi = 27;

template <unsigned Number>
void mark() {
  asm volatile("movz xzr, #%0" ::"i"(Number) : "memory");
}

// Between begin and end lies one measured phase. Numbers are known to bench/run.
template <unsigned Phase, typename Body>
void measure(Body body) {
  body();  // once unmeasured: first-use work is not an event's cost
  mark<0x5000 + Phase>();
  for (unsigned i = 0; i < kCount; ++i)
    body();
  mark<0x5f00>();
}

constinit volatile std::uint32_t interrupts_seen[1024] = {};
constinit volatile std::uint64_t remote_count = 0;
constinit std::uint64_t rtc = 0;
constinit std::uint32_t rtc_intid = 0;
constinit std::uint32_t event_ppi = 0;
constinit volatile std::uint8_t* shared_info = nullptr;

void set_timer(bool on) {
  if (on) {
    asm volatile("msr cntv_cval_el0, %0\n msr cntv_ctl_el0, %1\n isb" ::"r"(guest::counter()),
                 "r"(std::uint64_t{1}));
  } else {
    asm volatile("msr cntv_ctl_el0, %0\n isb" ::"r"(std::uint64_t{2}));
  }
}

void set_timer_later(std::uint64_t ticks) {
  asm volatile("msr cntv_cval_el0, %0\n msr cntv_ctl_el0, %1\n isb" ::"r"(guest::counter() + ticks),
               "r"(std::uint64_t{1}));
}

void on_interrupt(std::uint32_t intid) {
  interrupts_seen[intid] = interrupts_seen[intid] + 1;
  if (intid == kVirtualTimerPpi) set_timer(false);
  if (intid == rtc_intid) guest::write32(rtc + 0x1c, 1);  // RTCICR
  if (intid == event_ppi && shared_info != nullptr) {
    shared_info[0] = 0;  // vcpu_info[0].evtchn_upcall_pending
    auto* words =
        const_cast<std::uint64_t*>(reinterpret_cast<const volatile std::uint64_t*>(shared_info));
    words[1] = 0;  // vcpu_info[0].evtchn_pending_sel
    for (unsigned i = 0; i < 64; ++i)
      words[6 + i] = 0;  // evtchn_pending
  }
  if (intid == 1) remote_count = remote_count + 1;
}

void other_cpu(unsigned cpu) {
  guest::gic_init_cpu(cpu);
  remote_count = 1;
  guest::enable_interrupts();
  // YIELD lets an emulator that runs one CPU at a time (-icount) go on with the other.
  for (;;)
    asm volatile("yield");
}

void wait_for(std::uint32_t intid, std::uint32_t count) {
  while (interrupts_seen[intid] == count)
    asm volatile("yield");
}

void measure_sgi() {
  guest::start_cpu(1, other_cpu);
  while (remote_count == 0)
    asm volatile("yield");
  measure<3>([] {
    const std::uint64_t before = remote_count;
    guest::gic_send_sgi(1, 1);
    while (remote_count == before)
      asm volatile("yield");
  });
}

void measure_spi(const guest::Tree& tree) {
  const guest::Tree::Device device = tree.find("arm,pl031");
  if (!device.found) guest::fail("no arm,pl031 for the SPI measurement");
  rtc = device.reg[0];
  rtc_intid = device.interrupts[1] + 32;
  guest::write32(guest::gic_distributor() + 0xc00 + 4 * (rtc_intid / 16), 0);  // level
  guest::gic_enable(rtc_intid, 0);
  guest::write32(rtc + 0x10, 1);  // RTCIMSC
  measure<4>([] {
    const std::uint32_t before = interrupts_seen[rtc_intid];
    guest::write32(rtc + 0x04, guest::read32(rtc));  // RTCMR = now: the alarm goes off
    wait_for(rtc_intid, before);
  });
}

void measure_timer() {
  guest::gic_enable(kVirtualTimerPpi, 0);
  measure<5>([] {
    const std::uint32_t before = interrupts_seen[kVirtualTimerPpi];
    set_timer(true);
    wait_for(kVirtualTimerPpi, before);
  });
  measure<7>([] {
    const std::uint32_t before = interrupts_seen[kVirtualTimerPpi];
    guest::disable_interrupts();
    set_timer_later(2000);
    asm volatile("wfi" ::: "memory");
    guest::enable_interrupts();
    wait_for(kVirtualTimerPpi, before);
  });
}

alignas(4096) constinit std::uint8_t shared_info_page[4096] = {};

void measure_event(const guest::Tree& tree) {
  const guest::Tree::Device node = tree.find("xen,xen");
  if (!node.found) guest::fail("no xen,xen in the tree");
  event_ppi = node.interrupts[1] + 16;
  struct {
    std::uint16_t domid, size;
    std::uint32_t space;
    std::uint64_t index, gpfn;
  } map{kSelf, 0, 0, 0, reinterpret_cast<std::uint64_t>(shared_info_page) >> 12};
  if (hypercall(kMemoryOp, 7, reinterpret_cast<std::uint64_t>(&map)) != 0) {
    guest::fail("XENMEM_add_to_physmap of shared_info");
  }
  shared_info = shared_info_page;
  struct {
    std::uint16_t domain, remote;
    std::uint32_t port;
  } unbound{kSelf, kSelf, 0};
  if (hypercall(kEventChannelOp, 6, reinterpret_cast<std::uint64_t>(&unbound)) != 0) {
    guest::fail("EVTCHNOP_alloc_unbound");
  }
  struct {
    std::uint16_t remote;
    std::uint16_t pad;
    std::uint32_t remote_port, local_port;
  } bind{kSelf, 0, unbound.port, 0};
  if (hypercall(kEventChannelOp, 0, reinterpret_cast<std::uint64_t>(&bind)) != 0) {
    guest::fail("EVTCHNOP_bind_interdomain");
  }
  guest::gic_enable(event_ppi, 0);
  static constinit std::uint32_t send_port = 0;
  send_port = bind.local_port;
  measure<6>([] {
    const std::uint32_t before = interrupts_seen[event_ppi];
    hypercall(kEventChannelOp, 4, reinterpret_cast<std::uint64_t>(&send_port));
    wait_for(event_ppi, before);
  });
}

}  // namespace

void guest_main(const guest::Tree& tree) {
  guest::print("bench: start\n");
  guest::set_handler(on_interrupt);
  guest::gic_init_distributor(tree);
  guest::gic_init_cpu(0);
  guest::enable_interrupts();

  measure<1>([] { hypercall(kXenVersion, 0, 0); });
  measure<2>([] { guest::read32(guest::gic_distributor() + 4); });
  guest::print("bench: SPI\n");
  measure_spi(tree);
  guest::print("bench: timer\n");
  measure_timer();
  guest::print("bench: event channel\n");
  measure_event(tree);
  guest::print("bench: SGI\n");
  measure_sgi();
  guest::print("bench: done\n");
}
