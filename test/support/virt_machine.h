// SPDX-License-Identifier: Apache-2.0
#pragma once

// A machine like QEMU's "virt" in a few lines, to be changed by each test: fields first, then
// write(), which also calls `more` inside the root, then the whole way to a plan.

#include <functional>
#include <string>
#include <vector>

#include "fw/boot_phase_host.h"
#include "hwdom/plan.h"
#include "hwdom/plan_check.h"

#include "test/support/plan_whole.h"
#include "test/support/tree_builder.h"

namespace socle::test {

struct Module {
  const char* kind;
  std::uint64_t begin;
  std::uint64_t size;
  const char* command_line = "";
};

struct VirtMachine {
  static constexpr std::uint32_t kGic = 0x8001;
  static constexpr std::uint32_t kIts = 0x8002;
  static constexpr std::uint32_t kSmmu = 0x8003;
  static constexpr std::uint32_t kClock = 0x8004;

  unsigned cpus = 2;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ram = {{0x4000'0000, 2 * kGiB}};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> reservations = {};
  std::uint64_t redistributors_size = 0xf6'0000;
  std::uint64_t virtual_interface = 0x804'0000;
  bool gic_v2 = false;
  bool with_gic = true;
  bool with_smmu = false;
  bool with_console = true;
  std::vector<Module> modules = {};
  std::string command_line = {};                       // Socle's
  std::function<void(TreeBuilder&)> more = {};         // inside the root
  std::function<void(TreeBuilder&)> in_reserved = {};  // inside /reserved-memory
  std::function<void(TreeBuilder&)> in_chosen = {};    // inside /chosen

  void write(TreeBuilder& b) const {
    for (const auto& [begin, size] : reservations)
      b.reserve(begin, size);
    b.cells("#address-cells", {2}).cells("#size-cells", {2}).cells("interrupt-parent", {kGic});
    b.text("compatible", "linux,dummy-virt");
    write_cpus(b);
    for (const auto& [begin, size] : ram) {
      b.begin(("memory@" + hex(begin)).c_str()).text("device_type", "memory");
      b.wide("reg", {begin, size}).end();
    }
    write_gic(b);
    b.begin("timer").text("compatible", "arm,armv8-timer").flag("always-on");
    b.cells("interrupts", {1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4}).end();
    b.begin("psci").texts("compatible", {"arm,psci-1.0", "arm,psci-0.2"}).text("method", "smc");
    b.end();
    b.begin("pmu").text("compatible", "arm,armv8-pmuv3").cells("interrupts", {1, 7, 4}).end();
    b.begin("clk").cells("phandle", {kClock}).cells("clock-frequency", {24'000'000}).end();
    b.begin("pl011@9000000").texts("compatible", {"arm,pl011", "arm,primecell"});
    b.wide("reg", {0x900'0000, 0x1000}).cells("interrupts", {0, 1, 4}).cells("clocks", {kClock});
    b.end();
    b.begin("pl031@9010000").text("compatible", "arm,pl031").wide("reg", {0x901'0000, 0x1000});
    b.cells("interrupts", {0, 2, 4}).end();
    for (std::uint32_t i = 0; i < 8; ++i) {
      const std::uint64_t at = 0xa00'0000 + 0x200 * i;
      b.begin(("virtio_mmio@" + hex(at)).c_str()).text("compatible", "virtio,mmio");
      b.wide("reg", {at, 0x200}).cells("interrupts", {0, 16 + i, 1}).flag("dma-coherent").end();
    }
    write_pci(b);
    if (with_smmu) {
      b.begin("smmuv3@9050000").text("compatible", "arm,smmu-v3").cells("phandle", {kSmmu});
      b.cells("#iommu-cells", {1}).wide("reg", {0x905'0000, 0x2'0000});
      b.cells("interrupts", {0, 74, 1}).end();
    }
    if (in_reserved) {
      b.begin("reserved-memory").cells("#address-cells", {2}).cells("#size-cells", {2});
      b.flag("ranges");
      in_reserved(b);
      b.end();
    }
    if (more) more(b);
    b.begin("aliases").text("serial0", "/pl011@9000000").end();
    write_chosen(b);
  }

  static std::string hex(std::uint64_t value) {
    char text[20];
    std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
    return text;
  }

 private:
  void write_cpus(TreeBuilder& b) const {
    b.begin("cpus").cells("#address-cells", {1}).cells("#size-cells", {0});
    for (std::uint32_t i = 0; i < cpus; ++i) {
      const std::uint32_t mpidr = ((i / 8) << 8) | (i % 8);
      b.begin(("cpu@" + hex(mpidr)).c_str()).text("device_type", "cpu").cells("reg", {mpidr});
      b.text("compatible", i % 2 == 0 ? "arm,cortex-a57" : "arm,cortex-a53");
      b.text("enable-method", "psci").cells("phandle", {0x100 + i}).end();
    }
    b.end();
  }

  void write_gic(TreeBuilder& b) const {
    if (!with_gic) {
      b.begin("nvic").flag("interrupt-controller").cells("#interrupt-cells", {3});
      b.cells("phandle", {kGic}).end();
      return;
    }
    b.begin("intc@8000000").flag("interrupt-controller").cells("#interrupt-cells", {3});
    b.cells("phandle", {kGic}).cells("#address-cells", {2}).cells("#size-cells", {2});
    b.flag("ranges").cells("interrupts", {1, 9, 4});
    if (gic_v2) {
      b.text("compatible", "arm,gic-400");
      b.wide("reg", {0x800'0000, 0x1'0000, 0x801'0000, 0x2000, 0x803'0000, 0x2000,  //
                     virtual_interface, 0x2000});
      b.begin("v2m@8020000").text("compatible", "arm,gic-v2m-frame").flag("msi-controller");
      b.wide("reg", {0x802'0000, 0x1000}).cells("phandle", {kIts}).end();
    } else {
      b.text("compatible", "arm,gic-v3");
      b.wide("reg", {0x800'0000, 0x1'0000, 0x80a'0000, redistributors_size});
      b.begin("its@8080000").text("compatible", "arm,gic-v3-its").flag("msi-controller");
      b.wide("reg", {0x808'0000, 0x2'0000}).cells("phandle", {kIts}).end();
    }
    b.end();
  }

  void write_pci(TreeBuilder& b) const {
    b.begin("pcie@10000000").text("compatible", "pci-host-ecam-generic");
    b.text("device_type", "pci").cells("#address-cells", {3}).cells("#size-cells", {2});
    b.wide("reg", {0x40'1000'0000, 0x1000'0000});
    b.cells("ranges", {0x0100'0000, 0, 0, 0, 0x3eff'0000, 0, 0x1'0000, 0x0200'0000, 0, 0x1000'0000,
                       0, 0x1000'0000, 0, 0x2eff'0000});
    b.cells("#interrupt-cells", {1}).cells("interrupt-map-mask", {0x1800, 0, 0, 7});
    b.cells("interrupt-map", {0, 0, 0, 1, kGic, 0, 0, 0, 3, 4, 0, 0, 0, 2, kGic, 0, 0, 0, 4, 4});
    b.cells("msi-map", {0, kIts, 0, 0x1'0000});
    if (with_smmu) b.cells("iommu-map", {0, kSmmu, 0, 0x1'0000});
    b.end();
  }

  void write_chosen(TreeBuilder& b) const {
    b.begin("chosen").cells("#address-cells", {2}).cells("#size-cells", {2});
    if (with_console) b.text("stdout-path", "/pl011@9000000:115200n8");
    b.wide("kaslr-seed", {0x1234}).text("bootargs", "stale").text("xen,xen-bootargs", command_line);
    if (in_chosen) in_chosen(b);
    for (const Module& module : modules) {
      b.begin(("module@" + hex(module.begin)).c_str());
      b.texts("compatible", {module.kind, "multiboot,module"});
      b.wide("reg", {module.begin, module.size}).text("bootargs", module.command_line).end();
    }
    b.end();
  }
};

// Socle in the virt machine: image at 0x4020'0000, heap behind it.
inline constexpr std::uint64_t kImageBegin = 0x4020'0000;
inline constexpr std::uint64_t kHeapEnd = 0x4140'0000;

struct Planned {
  using NodeId = fw::dt::NodeId;

  explicit Planned(const VirtMachine& machine, hwdom::PlanInput given = {}) : Planned(given) {
    machine.write(builder);
    run(builder.blob());
  }

  [[nodiscard]] const hwdom::DomainPlan& plan() const { return **result; }
  [[nodiscard]] bool ok() const { return result.has_value(); }
  [[nodiscard]] bool said(std::string_view part) const { return notes.mentions(part); }
  [[nodiscard]] NodeId node(std::string_view path) const { return tree->find(path).id(); }
  // The mapping of the frame at a guest address, if there is one.
  [[nodiscard]] const hwdom::Mapping* at(std::uint64_t address) const {
    for (const hwdom::Mapping& mapping : plan().mappings)
      if (mapping.gfns().contains(Ipa(address).frame())) return &mapping;
    return nullptr;
  }
  [[nodiscard]] bool routes(std::uint32_t spi) const {
    for (const hwdom::InterruptRoute& route : plan().interrupts)
      if (route.interrupt.id == IntId(spi)) return true;
    return false;
  }
  [[nodiscard]] bool is_consistent() {
    const auto good = hwdom::proofread(input, plan(), arena, notes);
    return good && *good;
  }

  // The domain's tree, opened.
  [[nodiscard]] Opened domain_tree() {
    std::vector<std::uint64_t> out(hwdom::tree_size_bound(input) / 8 + 1);
    const auto phase = image::BootPhaseMaker::make();
    const auto size =
        hwdom::write_tree(input, plan(), std::as_writable_bytes(std::span(out)), phase, notes);
    return Opened(std::as_bytes(std::span(out)).first(size.value_or(0)));
  }

  TreeBuilder builder;
  std::vector<std::byte> memory = std::vector<std::byte>(512 * kKiB);
  fw::Arena arena{std::span(memory)};
  fw::Diagnostics notes{arena};
  const fw::dt::Tree* tree = nullptr;
  const platform::Platform* machine = nullptr;
  std::optional<platform::Console> console;
  fw::BootInfo boot;
  fw::Options options;
  hwdom::PlanInput input;
  hwdom::KeptMemory kept[2] = {
      {"image", PaRange(Pa(kImageBegin), Pa(kImageBegin + 2 * kMiB))},
      {"heap", PaRange(Pa(kImageBegin + 2 * kMiB), Pa(kHeapEnd))},
  };
  Result<const hwdom::DomainPlan*> result = fail(Error::kNotFound);

 private:
  explicit Planned(const hwdom::PlanInput& given) : input(given) {}

  Result<> read(std::span<const std::byte> blob) {
    tree = TRY(fw::dt::Tree::open(blob, arena, notes));
    TRY(fw::read_boot_info(*tree, boot));
    options = fw::parse_options(boot.socle_command_line, notes);
    auto read = platform::read(*tree, {.dtuart = options.dtuart}, arena, notes);
    machine = TRY(std::move(read));
    return {};
  }

  void run(std::span<const std::byte> blob) {
    if (const auto done = read(blob); !done) {
      result = fail(done.error());
      return;
    }
    input.tree = tree;
    input.platform = machine;
    if (options.console != "none") console = platform::choose_console(*machine, tree, notes);
    input.console = console ? &*console : nullptr;
    input.options = &options;
    if (boot.find(fw::ModuleKind::kKernel) != nullptr) input.boot = &boot;
    if (input.kept.empty()) input.kept = kept;
    if (input.ipa_bits == 0) input.ipa_bits = 40;
    result = hwdom::plan(input, arena, notes);
  }
};

}  // namespace socle::test
