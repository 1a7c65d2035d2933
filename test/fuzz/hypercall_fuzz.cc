// SPDX-License-Identifier: Apache-2.0

// Hypercalls with any arguments, between any writes of the guest to its own memory and to the pages
// that it shares with Socle. An input is a program: a byte says what happens next, the bytes after
// it how. What must hold: no CHECK, no sanitizer report, no access outside the guest's RAM
// (sim::Memory), no stale translation (sim::Mmu), and every piece of work between two continuations
// is short (libFuzzer's timeout).

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "abi/domctl.h"
#include "abi/event_channel.h"
#include "abi/grant_table.h"
#include "abi/hypercall.h"
#include "abi/memory.h"
#include "abi/platform.h"
#include "abi/sched.h"
#include "abi/socle.h"
#include "abi/vcpu.h"
#include "guest/mmio_faults.h"
#include "hypercall/test_caller.h"

namespace socle::hypercall {
namespace {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  [[nodiscard]] bool empty() const { return left_ == 0; }
  template <typename T>
  T take() {
    T value{};
    const std::size_t bytes = left_ < sizeof value ? left_ : sizeof value;
    std::memcpy(&value, data_, bytes);
    data_ += bytes;
    left_ -= bytes;
    return value;
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

constexpr unsigned kNumbers[] = {7, 12, 13, 17, 18, 20, 21, 24, 29, 32, 33, 34, 35, 36, 55};
// A piece of a guest page on which things are built.
constexpr std::uint64_t kPages = 8;

class Run {
 public:
  explicit Run(Input input) : input_(input) {
    guest_.domain().mmio_faults = &faults_;
    for (std::uint64_t i = 0; i < 150; ++i)
      (void)faults_.add(guest::MmioFaults::Outcome::kMapped,
                        {.frames = GfnRange(Gfn(i * 4), Gfn(i * 4 + 1)), .count = 1});
    port::host_interrupt_pending = true;  // long calls are cut wherever they can be
    guest_.between = [this] {
      // A call that is cut for ever costs the guest its time, not us ours.
      if (++cuts_ > 300) throw Enough{};
    };
  }
  void run() {
    for (unsigned step = 0; step < 200 && !input_.empty(); ++step) {
      one_step();
    }
    guest_.expect_settled();
  }

 private:
  struct Enough {};

  Gfn page() { return TestCaller::ram(0x100 + input_.take<std::uint8_t>() % kPages); }
  std::uint64_t address() {
    return TestCaller::address(page(), input_.take<std::uint16_t>() % kFrameSize);
  }
  // Numbers that mean something more often than random ones do.
  std::uint64_t number() {
    switch (input_.take<std::uint8_t>() % 8) {
      case 0:
        return input_.take<std::uint64_t>();
      case 1:
        return address();
      case 2:
        return page().value();
      case 3:
        return DOMID_SELF;
      case 4:
        return input_.take<std::uint16_t>();
      case 5:
        return std::uint64_t{input_.take<std::uint8_t>()} << 6 | input_.take<std::uint8_t>() % 32;
      default:
        return input_.take<std::uint8_t>() % 32;
    }
  }

  // --- Calls that mean something: without them random bytes seldom get behind the first check.

  unsigned below(unsigned limit) { return input_.take<std::uint8_t>() % limit; }
  std::uint32_t port() { return below(16) == 0 ? input_.take<std::uint32_t>() : below(8); }
  std::uint16_t self() {
    static constexpr std::uint16_t kNames[] = {DOMID_SELF, 0, 0, 0, DOMID_SELF, 5};
    return kNames[below(std::size(kNames))];
  }
  Gfn place() { return below(4) == 0 ? Gfn(0x70000 + below(4)) : page(); }

  // The call with this structure as its argument, now and then with a word of it spoilt.
  template <typename T>
  void make_with(unsigned which, std::uint64_t operation, T request, bool is_third = false,
                 std::uint64_t other = 1) {
    const Gfn where = page();
    const std::size_t offset = below(32) * 64;
    if (below(8) == 0 && sizeof request >= 8) {
      const std::uint64_t spoilt = number();
      std::memcpy(reinterpret_cast<std::byte*>(&request) + below(sizeof request / 8) * 8, &spoilt,
                  8);
    }
    std::memcpy(&guest_.at<std::byte>(where, offset), &request, sizeof request);
    const std::uint64_t address = TestCaller::address(where, offset);
    make(which, operation, is_third ? other : address, is_third ? address : other);
  }

  void event_call() {
    constexpr unsigned kNumber = 32;
    const unsigned operation = below(16);
    switch (operation) {
      case EVTCHNOP_bind_interdomain:
        return make_with(kNumber, operation, abi::EventBindInterdomain{self(), port(), 0});
      case EVTCHNOP_alloc_unbound:
        return make_with(kNumber, operation, abi::EventAllocUnbound{self(), self(), 0});
      case EVTCHNOP_status: {
        abi::EventStatus request{};
        request.dom = self();
        request.port = port();
        return make_with(kNumber, operation, request);
      }
      case EVTCHNOP_init_control:
        return make_with(kNumber, operation,
                         abi::EventInitControl{place().value(), below(8) * 8, below(3), 0, {}});
      case EVTCHNOP_expand_array:
        return make_with(kNumber, operation, abi::EventExpandArray{place().value()});
      case EVTCHNOP_reset:
        return make_with(kNumber, below(4) == 0 ? operation : 4u, abi::EventReset{self()});
      default:
        return make_with(kNumber, operation, abi::EventBindVirq{port(), below(20), 0});
    }
  }

  void grant_call() {
    constexpr unsigned kNumber = 20;
    const std::uint64_t host = Ipa(place()).value();
    const std::uint32_t ref = below(8);
    switch (below(6)) {
      case 0: {
        abi::GrantMap request{};
        request.host_addr = host;
        request.flags = below(4) == 0 ? below(32) : GNTMAP_host_map | (below(2) << 2);
        request.ref = ref;
        return make_with(kNumber, GNTTABOP_map_grant_ref, request);
      }
      case 1: {
        abi::GrantUnmap request{};
        request.host_addr = host;
        request.handle = below(4);
        return make_with(kNumber, GNTTABOP_unmap_grant_ref, request);
      }
      case 2: {
        abi::GrantCopy request{};
        request.flags = static_cast<std::uint16_t>(below(4));
        request.source.u.gmfn = (request.flags & 1) != 0 ? ref : page().value();
        request.dest.u.gmfn = (request.flags & 2) != 0 ? below(8) : page().value();
        request.source.domid = self();
        request.dest.domid = self();
        request.source.offset = input_.take<std::uint16_t>() % 5000;
        request.dest.offset = input_.take<std::uint16_t>() % 5000;
        request.len = input_.take<std::uint16_t>() % 5000;
        return make_with(kNumber, GNTTABOP_copy, request);
      }
      case 3: {
        abi::GrantCacheFlush request{};
        request.a.dev_bus_addr = Ipa(page()).value();
        request.offset = static_cast<std::uint16_t>(below(200));
        request.length = input_.take<std::uint16_t>() % 4200;
        request.op = below(4);
        return make_with(kNumber, GNTTABOP_cache_flush, request);
      }
      case 4:
        return make_with(kNumber, GNTTABOP_swap_grant_ref, abi::GrantSwap{ref, below(8), 0});
      default: {
        abi::GrantSetupTable request{};
        request.dom = self();
        request.nr_frames = below(80);
        request.frame_list.q = address();
        return make_with(kNumber, GNTTABOP_setup_table, request);
      }
    }
  }

  // Frames of devices, permitted and not, shown where nothing is and where something is.
  std::uint64_t device() {
    return TestCaller::kDevice.value() - 1 + input_.take<std::uint16_t>() % 0x102;
  }
  std::uint64_t shown() { return below(2) == 0 ? place().value() : device(); }
  void device_batch() {
    abi::AddToPhysmapBatch request{};
    request.domid = self();
    request.space = XENMAPSPACE_dev_mmio;
    request.size = static_cast<std::uint16_t>(1 + below(4));
    request.u.res0 = static_cast<std::uint16_t>(below(6));
    const Gfn lists = page();
    for (unsigned i = 0; i < request.size; ++i) {
      guest_.at<std::uint64_t>(lists, 0x800 + 8 * i) = device();
      guest_.at<std::uint64_t>(lists, 0x900 + 8 * i) = shown();
    }
    request.idxs.q = TestCaller::address(lists, 0x800);
    request.gpfns.q = TestCaller::address(lists, 0x900);
    request.errs.q = TestCaller::address(lists, 0xa00);
    make_with(12, XENMEM_add_to_physmap_batch, request);
  }
  void memory_mapping() {
    abi::Domctl request{};
    request.command = abi::kDomctlMemoryMapping;
    request.interface_version = abi::kDomctlVersion;
    const std::uint64_t count = below(8) == 0 ? number() : below(70);
    const std::uint32_t tag = below(2) == 0 ? abi::kSocleTypeTag : 0;
    request.u.memory_mapping = {shown(), device(), count, below(2), tag + below(6)};
    const Gfn where = page();
    const std::size_t offset = below(32) * 64;
    std::memcpy(&guest_.at<std::byte>(where, offset), &request, sizeof request);
    make(36, TestCaller::address(where, offset), 0, 0);
  }

  void device_call() { return below(2) == 0 ? device_batch() : memory_mapping(); }

  void memory_call() {
    constexpr unsigned kNumber = 12;
    switch (below(5)) {
      case 0: {
        abi::MemoryReservation request{};
        request.extent_start.q = address() & ~std::uint64_t{7};
        request.nr_extents = below(20);
        request.extent_order = below(4) == 0 ? below(12) : 0;
        request.domid = self();
        return make_with(kNumber, below(2) == 0 ? 1 : 6, request);
      }
      case 1:
        return make_with(kNumber, XENMEM_remove_from_physmap,
                         abi::RemoveFromPhysmap{self(), place().value()});
      case 2: {
        abi::AddToPhysmapBatch request{};
        request.domid = self();
        request.space = static_cast<std::uint16_t>(below(7));
        request.size = static_cast<std::uint16_t>(below(8));
        request.idxs.q = address() & ~std::uint64_t{7};
        request.gpfns.q = address() & ~std::uint64_t{7};
        request.errs.q = address();
        return make_with(kNumber, XENMEM_add_to_physmap_batch, request);
      }
      case 3:
        return make_with(kNumber, 3 + below(2) * 11, abi::MemoryDomain{self()});
      default:
        return make_with(kNumber, XENMEM_add_to_physmap,
                         abi::AddToPhysmap{self(), 0, below(3), below(70), place().value()});
    }
  }

  abi::SocleMmioFaults faults_request() {
    abi::SocleMmioFaults request{};
    request.outcome = below(3);
    request.capacity = below(4) == 0 ? ~0u : below(200);
    request.records = address();
    request.from = number() << kFrameShift;
    return request;
  }

  // Firmware answers anything, and says of sizes what it likes.
  void efi_call() {
    test_efi().answer = [this](guest::EfiService, const guest::EfiArguments&) {
      for (unsigned i = 0; i < 16; ++i) {
        const std::uint64_t word = number();
        std::memcpy(test_efi().buffer.data() + 8 * i, &word, sizeof word);
      }
      return below(2) == 0 ? 0 : guest::kEfiUnsupported;
    };
    abi::PlatformOp request{};
    request.cmd = XENPF_efi_runtime_call;
    request.interface_version = abi::kPlatformVersion;
    ::xenpf_efi_runtime_call& op = request.u.efi_runtime_call;
    op.function = below(13);
    op.misc = below(4) == 0 ? below(8) : 0;
    if (op.function == XEN_EFI_get_next_variable_name) {
      op.u.get_next_variable_name.size = number();
      op.u.get_next_variable_name.name.q = number();
    } else {
      op.u.get_variable.name.q = number();
      op.u.get_variable.size = number();
      op.u.get_variable.data.q = number();
    }
    const Gfn where = page();
    const std::size_t offset = below(30) * 128;
    std::memcpy(&guest_.at<std::byte>(where, offset), &request, sizeof request);
    make(7, TestCaller::address(where, offset), 0, 0);
  }

  void other_call() {
    switch (below(8)) {
      case 7:
        return efi_call();
      case 5:
        return make_with(abi::kSocleCall, abi::kSocleMmioFaults, faults_request());
      case 4:
        return make_with(abi::kSocleCall, abi::kSocleTranslate,
                         abi::SocleTranslate{number(), below(2), 0, 0});
      case 0:
        return make_with(24, VCPUOP_register_vcpu_info,
                         abi::RegisterVcpuInfo{place().value(), below(16) * 8, 0}, true, below(3));
      case 1: {
        abi::RegisterRunstateArea request{};
        request.addr.p = address();
        return make_with(24, VCPUOP_register_runstate_memory_area, request, true, below(3));
      }
      case 2: {
        abi::SchedPoll request{};
        request.ports.q = address();
        request.nr_ports = below(5);
        request.timeout = below(2);
        return make_with(29, SCHEDOP_poll, request);
      }
      case 3: {
        // The list of calls is whatever lies there.
        return make(13, address() & ~std::uint64_t{7}, below(6), 0);
      }
      default: {
        abi::MulticallEntry entry{};
        entry.op = kNumbers[below(std::size(kNumbers))];
        entry.args[0] = number();
        entry.args[1] = address();
        entry.args[2] = below(4);
        const Gfn where = page();
        std::memcpy(&guest_.at<std::byte>(where, below(32) * 64), &entry, sizeof entry);
        return make(13, TestCaller::address(where), 1 + below(32), 0);
      }
    }
  }

  void hypercall() {
    const unsigned which = kNumbers[input_.take<std::uint8_t>() % std::size(kNumbers)];
    const std::uint64_t operation = number();
    const std::uint64_t x1 = number();
    const std::uint64_t x2 = number();
    make(which, operation, x1, x2);
  }

  void make(unsigned which, std::uint64_t x0, std::uint64_t x1, std::uint64_t x2) {
    cuts_ = 0;
    try {
      (void)guest_.call(which, {x0, x1, x2});
    } catch (const Enough&) {
      guest_.frame().pc = TestCaller::kBehindHvc;
    }
  }
  // The guest writes a word, aligned or not, into a page of arguments or of doorbells.
  void write() {
    const std::uint64_t value = number();
    const Gfn where = page();
    const std::size_t offset = input_.take<std::uint16_t>() % (kFrameSize - 8);
    std::memcpy(&guest_.at<std::byte>(where, offset), &value, sizeof value);
  }
  void write_shared_info() {
    const std::size_t offset = input_.take<std::uint16_t>() % (sizeof(abi::SharedInfo) - 8);
    const std::uint64_t value = number();
    std::memcpy(reinterpret_cast<std::byte*>(&guest_.shared_info()) + offset, &value, sizeof value);
  }
  void write_grant_entry() {
    const Mfn frame = guest_.domain().grant_table.frame(0).value();
    const unsigned flags = below(4) == 0 ? below(256) : 1 | (below(4) == 0 ? 4u : 0u);
    port::owned_frame_as<abi::GrantEntry>(frame)[below(8)] = {
        static_cast<std::uint16_t>(flags), 0, static_cast<std::uint32_t>(page().value())};
  }

  void one_step() {
    switch (input_.take<std::uint8_t>() % 16) {
      case 0:
        write_shared_info();
        break;
      case 1:
        write_grant_entry();
        break;
      case 2:
        guest_.caller = input_.take<std::uint8_t>() % 2;
        port::host_current_cpu = CpuIndex{static_cast<std::uint16_t>(guest_.caller)};
        break;
      case 3:
        guest::raise_virq(guest_.vcpu(), abi::Virq::kConsole);
        break;
      case 4:
        test_console().typed = "typed";
        break;
      case 5:
      case 6:
        write();
        break;
      case 7:
        device_call();
        break;
      case 8:
        hypercall();
        break;
      case 9:
      case 10:
      case 11:
        event_call();
        break;
      case 12:
      case 13:
        grant_call();
        break;
      case 14:
        memory_call();
        break;
      default:
        other_call();
        break;
    }
  }

  Input input_;
  guest::MmioFaults faults_{guest::MmioFaults::Policy::kMap};
  TestCaller guest_;
  unsigned cuts_ = 0;
};

}  // namespace
}  // namespace socle::hypercall

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  socle::hypercall::Run(socle::hypercall::Input(data, size)).run();
  return 0;
}
