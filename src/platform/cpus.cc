// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "platform/read.h"

namespace socle::platform {

using fw::dt::Node;

namespace {

Cpu::EnableMethod enable_method(const Node& node) {
  const auto property = node.property("enable-method");
  if (!property) return Cpu::EnableMethod::kNone;
  if (property->contains("psci")) return Cpu::EnableMethod::kPsci;
  if (property->contains("spin-table")) return Cpu::EnableMethod::kSpinTable;
  return Cpu::EnableMethod::kOther;
}

bool is_cpu(const Node& node) {
  const auto type = node.property("device_type");
  if (!type || type->string_at(0) != "cpu") return false;
  // "disabled" means "not running yet" for a CPU; "fail" means broken.
  const auto status = node.property("status");
  const auto text = status ? status->string_at(0) : std::nullopt;
  return !text || !text->starts_with("fail");
}

std::optional<Cpu> read_cpu(const Reader& reader, const Node& node) {
  const auto reg = fw::dt::raw_reg(node, 0);
  if (!reg || (reg->address & ~kAffinityMask) != 0) {
    reader.notes.warning("{}: reg: no usable CPU number, the CPU is ignored", node.path().view());
    return std::nullopt;
  }
  Cpu cpu;
  cpu.mpidr = reg->address;
  cpu.enable_method = enable_method(node);
  cpu.node = node.id();
  if (const auto release = node.property("cpu-release-addr"))
    cpu.release_address = release->as_number().value_or(0);
  return cpu;
}

}  // namespace

bool has_cpu(const Platform& platform, std::uint64_t mpidr) {
  return std::ranges::any_of(platform.cpus, [mpidr](const Cpu& cpu) { return cpu.mpidr == mpidr; });
}

Result<> add_cpu(const Cpu& cpu, std::optional<std::uint64_t> boot_mpidr, Platform& out) {
  const bool is_boot_cpu = boot_mpidr && cpu.mpidr == (*boot_mpidr & kAffinityMask);
  if (is_boot_cpu && out.cpus.full()) {
    out.cpus.truncate(kMaxCpus - 1);
    ++out.cpus_left_out;
  }
  if (is_boot_cpu) return out.cpus.insert(0, cpu);
  if (!out.cpus.push_back(cpu)) ++out.cpus_left_out;
  return {};
}

Result<> read_cpus(const Reader& reader, const ReadOptions& options, Platform& out) {
  const Node cpus = reader.tree.root().child("cpus");
  if (!cpus) return reader.notes.error(Error::kNotFound, "device tree: no /cpus");
  for (const Node node : cpus.children()) {
    if (!is_cpu(node)) continue;
    const auto cpu = read_cpu(reader, node);
    if (!cpu) continue;
    if (has_cpu(out, cpu->mpidr)) {
      reader.notes.warning("{}: reg: CPU {#x} is named twice, ignored", node.path().view(),
                           cpu->mpidr);
      continue;
    }
    TRY(add_cpu(*cpu, options.boot_mpidr, out));
  }
  if (out.cpus.empty()) return reader.notes.error(Error::kNotFound, "/cpus: no CPU");
  if (options.boot_mpidr && out.cpus[0].mpidr != (*options.boot_mpidr & kAffinityMask))
    return reader.notes.error(Error::kNotFound, "/cpus: none of them is the one that runs ({#x})",
                              *options.boot_mpidr & kAffinityMask);
  if (out.cpus_left_out != 0)
    reader.notes.warning("/cpus: {} CPUs more than the {} that Socle can use", out.cpus_left_out,
                         kMaxCpus);
  return {};
}

void read_psci(const Reader& reader, Platform& out) {
  const auto version_of = [](const Node& node) {
    if (node.is_compatible("arm,psci-1.0")) return Psci::Version::k1_0;
    if (node.is_compatible("arm,psci-0.2")) return Psci::Version::k0_2;
    if (node.is_compatible("arm,psci")) return Psci::Version::k0_1;
    return Psci::Version::kNone;
  };
  for (std::uint32_t i = 0; i < reader.tree.node_count(); ++i) {
    const Node node = reader.tree.node(NodeId{i});
    // The binding puts it below the root or /firmware.
    if (node.depth() > 2 || node.depth() == 0 || !node.is_enabled()) continue;
    const Psci::Version version = version_of(node);
    if (version == Psci::Version::kNone) continue;
    out.psci.node = node.id();
    out.psci.version = version;
    const auto method = node.string("method").value_or(std::string_view());
    if (method == "smc") out.psci.conduit = Psci::Conduit::kSmc;
    if (method == "hvc") out.psci.conduit = Psci::Conduit::kHvc;
    if (out.psci.conduit == Psci::Conduit::kNone)
      reader.notes.warning("{}: method: neither smc nor hvc", node.path().view());
    out.psci.cpu_on_0_1 = node.cell("cpu_on").value_or(0);
    out.psci.cpu_off_0_1 = node.cell("cpu_off").value_or(0);
    return;
  }
}

}  // namespace socle::platform
