// SPDX-License-Identifier: Apache-2.0
#include "image/boot.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>

#include "abi/event_channel.h"
#include "base/log.h"
#include "drivers/console.h"
#include "drivers/gic.h"
#include "el2/address_map.h"
#include "el2/cpus.h"
#include "el2/crash.h"
#include "el2/early_boot.h"
#include "el2/log.h"
#include "el2/psci.h"
#include "fw/boot_modules.h"
#include "fw/cmdline.h"
#include "fw/dt/tree.h"
#include "guest/context.h"
#include "guest/domain.h"
#include "guest/power.h"
#include "guest/vcpu.h"
#include "guest/vdev/smccc.h"
#include "guest/vdev/vgic.h"
#include "guest/vdev/vtimer.h"
#include "guest/wallclock.h"
#include "hwdom/build.h"
#include "hwdom/plan.h"
#include "image/acpi.h"
#include "image/boot_phase.h"
#include "image/efi_runtime.h"
#include "image/keys.h"
#include "mem/layout.h"
#include "mem/memory.h"
#include "platform/platform.h"
#include "platform/requirements.h"
#include "port/clock.h"
#include "port/cpu.h"
#include "port/memory_features.h"
#include "port/phys_window.h"
#include "stage2/vmid.h"

namespace socle::image {
namespace {

// For what is learnt before there is a heap: the index of the tree, RAM, reservations.
constexpr std::size_t kEarlyArenaBytes = 384 * kKiB;
alignas(16) constinit std::byte early_memory[kEarlyArenaBytes];

// For the platform and the plan; from the heap, which has it back before the domain starts.
constexpr FrameCount kBootArena{512};
// The heap's size beyond what the frame table needs: a share of RAM for the tables of grants and
// foreign mappings and for other domains' descriptions, within bounds; and what each CPU needs.
constexpr std::uint64_t kHeapFloor = 3 * kMiB;
constexpr std::uint64_t kHeapCeiling = 64 * kMiB;
constexpr std::uint64_t kHeapShareOfRam = 512;
constexpr std::uint64_t kHeapPerCpu = 64 * kKiB;

// Written by the boot CPU, then published; the others wait for it in run_secondary().
constinit guest::Domain* hardware_domain = nullptr;
constinit std::atomic<bool> hardware_domain_is_ready{false};

class Boot {
 public:
  Boot(const PaRange& tree, const EarlyConsole& console) : tree_bytes_(tree), console_(console) {}

  // Each step logs what is wrong with it before it fails.
  Result<> run() {
    TRY(read_firmware());
    TRY(make_memory());
    TRY(read_platform());
    TRY(start_devices());
    TRY(start_cpus());
    TRY(plan_domain());
    TRY(build_domain());
    return {};
  }

  void show_notes() { shown_ = notes_.log(shown_); }

 private:
  Result<> read_firmware();
  void apply_options();
  Result<> read_memory();
  Result<> read_efi_map(const fw::EfiHandover& efi);
  Result<> make_memory();
  Result<> list_kept(const mem::MemoryLayout& layout);
  Result<> read_platform();
  [[nodiscard]] bool uses_acpi();
  Result<> read_acpi(Pa rsdp);
  Result<> start_devices();
  Result<> start_cpus();
  Result<> plan_domain();
  Result<> build_domain();
  Result<> make_stacks(guest::Domain& domain);
  void log_memory_kept() const;

  [[nodiscard]] static PaRange image() {
    return PaRange(Pa(reinterpret_cast<std::uint64_t>(el2::socle_text_start)),
                   Pa(reinterpret_cast<std::uint64_t>(el2::socle_image_end)));
  }

  const PaRange tree_bytes_;
  EarlyConsole console_;
  fw::Arena early_{early_memory};
  fw::Diagnostics notes_{early_};
  std::size_t shown_ = 0;

  const fw::dt::Tree* tree_ = nullptr;
  fw::BootInfo boot_;
  fw::Options options_;
  std::span<const fw::EfiMemoryRange> efi_memory_;  // empty without UEFI
  std::optional<platform::Console> acpi_console_;   // as they name it
  std::optional<fw::acpi::Tables> acpi_;            // if they describe the machine
  std::span<const platform::RamBank> ram_;
  std::span<const platform::ReservedRange> reserved_;
  PaRange heap_;

  // After make_memory(): everything else.
  std::optional<fw::Arena> arena_;
  const platform::Platform* platform_ = nullptr;
  std::optional<platform::Console> port_;  // that the console uses
  hwdom::PlanInput input_;
  fw::ArenaVector<hwdom::KeptMemory> kept_{early_};
  std::array<std::uint16_t, kMaxCpus> cpu_order_{};
  const hwdom::DomainPlan* plan_ = nullptr;
};

constinit std::optional<Boot> the_boot;  // too large for a stack

Result<> Boot::read_firmware() {
  const auto* blob = reinterpret_cast<const std::byte*>(tree_bytes_.begin().value());
  tree_ = TRY(fw::dt::Tree::open(std::span(blob, tree_bytes_.size()), early_, notes_));
  TRY(fw::read_boot_info(*tree_, boot_));
  options_ = fw::parse_options(boot_.socle_command_line, notes_);
  apply_options();
  log_info("command line: {}", boot_.socle_command_line);
  return read_memory();
}

// What is RAM: UEFI's word, if it was UEFI that started us, else the tree's.
Result<> Boot::read_memory() {
  if (boot_.efi) TRY(read_efi_map(*boot_.efi));
  const bool has_map = !efi_memory_.empty();
  ram_ = TRY(has_map ? platform::read_ram(efi_memory_, early_, notes_)
                     : platform::read_ram(*tree_, early_, notes_));
  reserved_ = TRY(platform::read_reserved(*tree_, early_, notes_));
  if (has_map) reserved_ = TRY(platform::read_reserved(efi_memory_, reserved_, early_));
  return uses_acpi() ? read_acpi(*boot_.efi->rsdp) : Result<>();
}

// Copies it: nothing keeps the memory it lies in, and nothing but this reads it.
Result<> Boot::read_efi_map(const fw::EfiHandover& efi) {
  const PaRange& map = efi.memory_map;
  const std::uint64_t space = std::uint64_t{1} << port::memory_features().pa_bits;
  if (map.size() > fw::kMaxEfiMemoryMapBytes || map.end().value() > space)
    return notes_.error(Error::kOutOfRange, "EFI memory map: at {}, which cannot be", map);
  const std::span<std::byte> bytes = TRY(early_.allocate<std::byte>(map.size()));
  copy_from(map.begin(), bytes);
  efi_memory_ = TRY(fw::read_efi_memory_map({.bytes = bytes,
                                             .descriptor_size = efi.descriptor_size,
                                             .descriptor_version = efi.descriptor_version},
                                            early_, notes_));
  log_info("started by UEFI: {} ranges of memory", efi_memory_.size());
  return {};
}

void Boot::apply_options() {
  // Xen's default shows errors and warnings once the machine runs; boot messages are always wanted.
  if (options_.loglvl.has_value()) el2::set_log_level(*options_.loglvl);
  if (options_.loglvl_none) el2::set_log_level(LogLevel::kError);
  guest::set_no_reboot(options_.noreboot);
  el2::set_restart_after_crash(!options_.noreboot);
  console::set_synchronous(options_.sync_console);
}

Result<> Boot::make_memory() {
  fw::ArenaVector<PaRange> ram_bytes(early_);
  fw::ArenaVector<MfnRange> ram(early_);
  fw::ArenaVector<MfnRange> reserved(early_);
  fw::ArenaVector<MfnRange> modules(early_);
  std::uint64_t total = 0;
  for (const platform::RamBank& bank : ram_) {
    TRY(ram_bytes.push_back(bank.range));
    TRY(ram.push_back(frames_inside(bank.range)));
    total += bank.range.size();
  }
  const std::array<fw::Occupied, 2> occupied{
      {{"Socle", image()}, {"the device tree", tree_bytes_}}};
  TRY(fw::check_modules(boot_, ram_bytes.span(), occupied, notes_));
  for (const platform::ReservedRange& range : reserved_)
    TRY(reserved.push_back(frames_touched(range.range)));
  for (const fw::BootModule& module : boot_.modules)
    TRY(modules.push_back(frames_touched(module.range)));
  TRY(modules.push_back(frames_touched(tree_bytes_)));

  mem::MemoryLayout layout{.ram = ram.span(),
                           .reserved = reserved.span(),
                           .boot_modules = modules.span(),
                           .image = frames_touched(image()),
                           .bootstrap = {}};
  const std::uint64_t heap_bytes = kBootArena.bytes() + kMaxCpus / 8 * kHeapPerCpu +
                                   std::clamp(total / kHeapShareOfRam, kHeapFloor, kHeapCeiling);
  const FrameCount frames = mem::bootstrap_need(layout) + FrameCount::containing(heap_bytes);
  const Result<MfnRange> place = mem::place_bootstrap(layout, frames);
  if (!place.has_value()) {
    return notes_.error(place.error(), "no {} KiB of free RAM for Socle itself",
                        frames.bytes() >> 10);
  }
  layout.bootstrap = *place;
  TRY(list_kept(layout));
  heap_ = PaRange(Pa(place->begin()), Pa(place->end()));
  TRY(el2::map_identity(heap_, el2::Mapping::kReadWrite));
  TRY(mem::init(layout));
  el2::set_frame_source([] { return mem::allocate(kOrder4K); });
  const Mfn arena = TRY(mem::allocate_frames(kBootArena));
  arena_.emplace(std::span(port::owned_frame(arena), kBootArena.bytes()));
  return {};
}

// Also what the heap's ends make useless: dom0 cannot have it.
Result<> Boot::list_kept(const mem::MemoryLayout& layout) {
  const MfnRange heap = layout.bootstrap;
  TRY(kept_.push_back({"image", image()}));
  TRY(kept_.push_back({"heap", PaRange(Pa(heap.begin()), Pa(heap.end()))}));
  constexpr FrameCount kBlock = kOrder2M.count();
  const Mfn last(align_up(heap.end().value(), kBlock.value()));
  for (Mfn frame(align_down(heap.begin().value(), kBlock.value())); frame < last; ++frame) {
    if (frame == heap.begin()) frame = std::max(heap.begin(), heap.end() - FrameCount(1));
    if (!mem::is_lost(layout, frame)) continue;
    const PaRange lost(Pa(frame), Pa(frame + FrameCount(1)));
    PaRange& before = kept_.back().range;
    if (kept_.size() > 2 && before.end() == lost.begin()) {
      before = PaRange(before.begin(), lost.end());
    } else {
      TRY(kept_.push_back({"heap", lost}));
    }
  }
  return {};
}

// Which of firmware's two descriptions counts.
bool Boot::uses_acpi() {
  const bool has_tables = boot_.efi && boot_.efi->rsdp;
  const bool has_tree = fw::describes_machine(*tree_);
  if (!has_tables && options_.acpi == fw::Acpi::kForce)
    notes_.warning("acpi=force: firmware has no ACPI, ignored");
  if (has_tables && !has_tree && options_.acpi == fw::Acpi::kOff)
    notes_.warning("acpi=off: no tree describes this machine, ignored");
  return has_tables && (!has_tree || options_.acpi == fw::Acpi::kForce);
}

// With the tables comes the console that they name, if the tree named none.
Result<> Boot::read_acpi(Pa rsdp) {
  if (options_.efi_runtime) read_efi_runtime(boot_.efi->system_table, efi_memory_, early_, notes_);
  acpi_ = TRY(read_acpi_tables(rsdp, efi_memory_, early_, notes_));
  const bool wants_console = !console_.is_port && options_.console != "none";
  acpi_console_ = platform::read_acpi_console(*acpi_, {.efi_memory = efi_memory_},
                                              wants_console ? answers_at : nullptr, early_, notes_);
  if (wants_console && acpi_console_) {
    console_ = open_acpi_console(*acpi_console_, notes_);
    if (console_.is_port) log_info("console at {}, by {}", console_.registers, console_.origin);
  }
  log_info("ACPI: {} tables, RSDP at {}", acpi_->all.size(), rsdp);
  return {};
}

Result<> Boot::read_platform() {
  const platform::ReadOptions options{.dtuart = options_.dtuart,
                                      .boot_mpidr = el2::mpidr_of(CpuIndex{0}),
                                      .efi_memory = efi_memory_,
                                      .acpi_console = &acpi_console_};
  platform_ = TRY(acpi_ ? platform::read_acpi(*acpi_, {}, options, *arena_, notes_)
                        : platform::read(*tree_, options, *arena_, notes_));
  if (console_.is_port) port_ = platform::console_in_use(*platform_, console_.registers);
  show_notes();
  log_info("machine: {} CPUs, {} MiB of RAM, {} devices", platform_->cpus.size(),
           platform_->ram_bytes() >> 20, platform_->devices.size());
  return {};
}

Result<> Boot::start_devices() {
  const platform::Psci& psci = platform_->psci;
  el2::psci_init({.is_present = psci.conduit != platform::Psci::Conduit::kNone,
                  .by_hvc = psci.conduit == platform::Psci::Conduit::kHvc,
                  .cpu_on = psci.cpu_on_0_1});
  guest::smccc::discover_firmware(el2::psci_is_present());

  if (const auto missing = platform::find_missing(*platform_))
    return notes_.error(missing->error, "{}", missing->text);
  TRY(gic::init_distributor(platform_->gic));
  TRY(gic::init_cpu());

  const platform::Timer& timer = platform_->timer;
  guest::vtimer::set_interrupts(
      {.virtual_timer = timer.virt->id,
       .physical_timer = timer.physical ? timer.physical->id : IntId(30)});
  TRY(gic::set_handler(
      timer.hypervisor->id, [](IntId) { guest::vtimer::hypervisor_timer_fired(); }, false));
  map_efi_runtime(timer.hypervisor->id, notes_);
  if (port_ && port_->interrupt) {
    const platform::Interrupt line = *port_->interrupt;
    if (gic::set_handler(line.id, console::handle_interrupt, is_edge(line.trigger)).has_value()) {
      console::attach_interrupt();
    } else {
      log_warning("console: interrupt {} is not to be had: input is not read", line.id);
    }
  }
  return {};
}

Result<> Boot::start_cpus() {
  std::array<std::uint64_t, kMaxCpus> mpidrs{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < platform_->cpus.size(); ++i) {
    const std::uint64_t mpidr = platform_->cpus[i].mpidr;
    if (platform::can_start(*platform_, i)) {
      mpidrs[count++] = mpidr;
    } else {
      log_warning("CPU {#x}: PSCI cannot start it: it stays off", mpidr);
    }
  }
  const unsigned limit = std::min(options_.maxcpus.value_or(kMaxCpus), kMaxCpus);
  const unsigned up = el2::start_secondary_cpus(std::span(mpidrs).first(count), limit);
  log_info("CPUs: {} of {} are up", up, platform_->cpus.size());
  for (unsigned i = 0; i < up; ++i) {
    const std::uint64_t mpidr = el2::mpidr_of(CpuIndex{static_cast<std::uint16_t>(i)});
    const auto found = std::ranges::find(platform_->cpus, mpidr, &platform::Cpu::mpidr);
    CHECK(found != platform_->cpus.end());
    cpu_order_[i] = static_cast<std::uint16_t>(found - platform_->cpus.begin());
  }
  input_.cpus = std::span(cpu_order_).first(up);
  return {};
}

Result<> Boot::plan_domain() {
  fw::ArenaVector<PaRange> occupied(*arena_);
  for (const PaRange& range : {image(), heap_, tree_bytes_})
    TRY(occupied.push_back(range));
  const fw::BootPhase phase = BootPhaseMaker::begin();
  input_.kernel = TRY(hwdom::prepare_kernel(
      boot_, {.ram = ram_, .reserved = reserved_, .occupied = occupied.span()}, *arena_, phase,
      notes_));
  input_.tree = tree_;
  input_.platform = platform_;
  if (port_) input_.console = &*port_;
  if (acpi_) input_.acpi = &*acpi_;
  input_.efi_memory = efi_memory_;
  input_.options = &options_;
  input_.boot = &boot_;
  input_.kept = kept_.span();
  input_.host_tree = tree_bytes_;
  input_.ipa_bits = std::min(port::memory_features().pa_bits, 48u);
  plan_ = TRY(hwdom::plan(input_, *arena_, notes_));
  show_notes();
  return {};
}

Result<> Boot::make_stacks(guest::Domain& domain) {
  for (guest::Vcpu* vcpu : domain.vcpus) {
    std::byte* const top = TRY(el2::make_stack());
    vcpu->frame = reinterpret_cast<guest::CpuFrame*>(top - sizeof(guest::CpuFrame));
  }
  return {};
}

Result<> Boot::build_domain() {
  const fw::BootPhase phase = BootPhaseMaker::begin();
  stage2::machine_vmids.init(port::memory_features().vmid_bits);
  const hwdom::Built built = TRY(hwdom::build(
      {.plan_input = &input_, .plan = plan_, .gic_lines = gic::lines()}, phase, notes_));
  show_notes();
  guest::Domain& domain = *built.domain;
  TRY(make_stacks(domain));
  guest::publish_wallclock(domain);
  TRY(guest::set_up_vcpus(domain));
  guest::set_entry(*domain.vcpus[0], built.entry, built.tree.value());
  if (!hwdom::check(domain, *plan_)) {
    return notes_.error(Error::kCorrupt, "dom0: its stage-2 map is not what was planned");
  }
  log_info("dom0: the stage-2 map is the planned one, {} mappings", plan_->mappings.size());
  hwdom::log_coverage(domain, *plan_);
  log_info("dom0: {} vCPUs, kernel at {}, device tree at {}", domain.vcpus.size(), built.entry,
           built.tree);
  log_info("dom0: command line: {}", plan_->command_line);
  log_memory_kept();
  hardware_domain = built.domain;
  mem::release_boot_modules();
  return {};
}

void Boot::log_memory_kept() const {
  const std::uint64_t all = platform_->ram_bytes() >> 10;
  std::uint64_t given = plan_->ram_bytes >> 10;
  for (const MfnRange& reserved : plan_->reserved_ram)
    given += reserved.size() << (kFrameShift - 10);
  const std::uint64_t image_size = image().size() >> 10;
  std::uint64_t heap = 0;
  for (const hwdom::KeptMemory& kept : kept_.span().subspan(1))
    heap += kept.range.size() >> 10;
  log_info("RAM kept from dom0: {} KiB of {} KiB (image {}, heap {}, free {})", all - given, all,
           image_size, heap, all - given - image_size - heap);
}

// Until the next interrupt, kicks included: those that stop the machine, too.
void idle() {
  port::wait_for_interrupt();
  gic::dispatch_physical();
}

// The domain is complete: every CPU that has a vCPU of it runs it from here on.
[[noreturn]] void run_vcpu(guest::Domain& domain, CpuIndex cpu) {
  const unsigned number = index_of(cpu);
  while (number >= domain.vcpus.size())
    idle();
  guest::run(*domain.vcpus[number]);
}

void wake_the_others() {
  for (unsigned cpu = 1; cpu < port::online_cpus(); ++cpu)
    port::kick_cpu(CpuIndex(static_cast<std::uint16_t>(cpu)));
}

}  // namespace

void boot(const PaRange& tree, const EarlyConsole& console) {
  the_boot.emplace(tree, console);
  const Result<> done = the_boot->run();
  the_boot->show_notes();
  if (!done.has_value()) {
    log_error("cannot start a hardware domain: {}", done.error());
    return;
  }
  BootPhaseMaker::end();
  console::set_input_listener([] { guest::raise_virq(*hardware_domain, abi::Virq::kConsole); });
  register_keys(*hardware_domain);
  log_info("console: input goes to dom0 (three times Ctrl-A switches it to Socle)");
  hardware_domain_is_ready.store(true, std::memory_order_release);
  wake_the_others();
  run_vcpu(*hardware_domain, port::current_cpu());
}

void run_secondary(CpuIndex cpu) {
  const Result<> gic = gic::init_cpu();
  if (!gic.has_value())
    log_error("CPU {}: its interrupt controller does not start: {}", cpu, gic.error());
  while (!hardware_domain_is_ready.load(std::memory_order_acquire))
    idle();
  run_vcpu(*hardware_domain, cpu);
}

}  // namespace socle::image
