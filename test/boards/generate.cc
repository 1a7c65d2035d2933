// SPDX-License-Identifier: Apache-2.0
#include "test/boards/generate.h"

#include <array>
#include <random>
#include <vector>

#include "test/support/virt_machine.h"

namespace socle::test {

namespace {

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  void run(GeneratedMachine& out) {
    VirtMachine machine;
    machine.cpus = 1 + static_cast<unsigned>(below(4));
    machine.gic_v2 = chance(3);
    machine.with_smmu = chance(3);
    machine.with_console = !chance(8);
    choose_ram(machine);
    if (chance(4)) machine.reservations = {{0x4000'0000 + below(512) * kMiB, 1 + below(0x10'0000)}};
    if (chance(2)) machine.in_reserved = [this](TreeBuilder& b) { write_reserved(b); };
    machine.more = [this](TreeBuilder& b) { write_devices(b); };
    machine.write(out.tree);
    out.command_line = choose_command_line();
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool chance(unsigned one_in) { return below(one_in) == 0; }
  template <std::size_t N>
  const char* one_of(const std::array<const char*, N>& all) {
    return all[below(N)];
  }

  // Banks that touch, overlap, are not whole pages, or lie high.
  void choose_ram(VirtMachine& machine) {
    const std::uint64_t first = (256 + below(2048)) * kMiB;
    machine.ram = {{0x4000'0000, first}};
    if (chance(3)) machine.ram.emplace_back(0x4000'0000 + first, (1 + below(64)) * kMiB);
    if (chance(3)) machine.ram.emplace_back(0x4000'0000 + first - kMiB, 3 * kMiB + below(0x2000));
    if (chance(2)) machine.ram.emplace_back(0x80'8000'0000, (1 + below(4096)) * kMiB + below(3));
  }

  std::string choose_command_line() {
    std::string line =
        one_of<4>({"", "dom0_mem=128M", "dom0_mem=200M,max:300M", "dom0_mem=77777K"});
    line += one_of<4>({"", " mmio-fault=map", " mmio-fault=log", " mmio-fault=deny"});
    line += one_of<3>({"", " dom0_max_vcpus=1", " maxcpus=2"});
    return line;
  }

  // Where devices are, or ought not to be: pages of others, RAM, Socle's devices, the end.
  std::uint64_t choose_address() {
    switch (below(8)) {
      case 0:
        return 0x900'0000 + below(0x2000);  // the console's pages
      case 1:
        return 0x800'0000 + below(0x20'0000);  // the GIC
      case 2:
        return 0x4000'0000 + below(1024) * kMiB;  // RAM
      case 3:
        return 0xffff'ffff'f000 - below(4) * 0x1000;  // the end of 48 bits
      case 4:
        return ~std::uint64_t{0} - below(0x3000);  // the end of numbers
      default:
        return 0x1'0000'0000 + below(64) * 0x800;  // one another
    }
  }
  std::uint64_t choose_size() {
    switch (below(6)) {
      case 0:
        return 0;
      case 1:
        return 1 + below(0x100);
      case 2:
        return 0x1000;
      case 3:
        return below(64) * 0x1000 + below(2) * 0x800;
      case 4:
        return below(8) * kMiB;
      default:
        return 0x800 + below(0x4000);
    }
  }

  void write_reserved(TreeBuilder& b) {
    for (unsigned i = 0; i < 1 + below(4); ++i) {
      const std::uint64_t at = 0x4000'0000 + below(768) * kMiB + below(2) * 0x800;
      b.begin(("r@" + VirtMachine::hex(at) + "-" + std::to_string(i)).c_str());
      b.wide("reg", {at, 0x800 + below(0x20'0000)});
      if (chance(2)) b.flag("no-map");
      b.end();
    }
  }

  void write_devices(TreeBuilder& b) {
    for (unsigned i = 0; i < 2 + below(24); ++i) {
      b.begin(("device@" + std::to_string(i)).c_str());
      const char* const compatible =
          one_of<6>({"acme,uart", "acme,dma", "mmio-sram", "arm,armv7-timer-mem",
                     "simple-framebuffer", "arm,cortex-a57-pmu"});
      b.text("compatible", compatible);
      if (chance(2)) {
        b.wide("reg", {choose_address(), choose_size()});
      } else {
        b.wide("reg", {choose_address(), choose_size(), choose_address(), choose_size()});
      }
      const std::uint32_t interrupt = static_cast<std::uint32_t>(below(256));
      b.cells("interrupts", {static_cast<std::uint32_t>(below(2)), interrupt % 224, 4});
      if (chance(4)) b.text("status", one_of<3>({"disabled", "okay", "fail"}));
      if (chance(8)) b.flag("no-memory-wc");
      if (chance(10)) b.flag("xen,passthrough");
      if (chance(5)) b.flag("dma-coherent");
      if (chance(6)) b.cells("#iommu-cells", {1}).cells("phandle", {0x2000 + i});
      write_pools(b);
      b.end();
    }
  }

  // Children: parts of on-chip memory, or a bus whose registers span its devices'.
  void write_pools(TreeBuilder& b) {
    if (!chance(3)) return;
    b.cells("#address-cells", {2}).cells("#size-cells", {2}).flag("ranges");
    for (unsigned i = 0; i < 1 + below(3); ++i) {
      b.begin(("part@" + std::to_string(i)).c_str()).text("compatible", "acme,part");
      b.wide("reg", {choose_address(), choose_size()}).end();
    }
  }

  std::mt19937 random_;
};

}  // namespace

void generate_machine(unsigned seed, GeneratedMachine& out) {
  Generator(seed).run(out);
}

}  // namespace socle::test
