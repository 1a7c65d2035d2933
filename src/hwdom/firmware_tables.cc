// SPDX-License-Identifier: Apache-2.0
#include "hwdom/firmware_tables.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "fw/acpi/fields.h"
#include "fw/acpi/madt.h"
#include "fw/acpi/named_memory.h"
#include "hwdom/crc32.h"

namespace socle::hwdom {
namespace {

using fw::acpi::Fields;
using fw::acpi::Table;
namespace header = fw::acpi::header;

// Tables with code may be anywhere; ours stand on the architecture's largest natural alignment.
constexpr std::size_t kAlignment = 8;

// --- Offsets that the specifications give ---

namespace rsdp {
constexpr std::size_t kSize = 36;
constexpr std::size_t kChecksum = 8;  // of the first 20 bytes
constexpr std::size_t kRevision = 15;
constexpr std::size_t kRsdt = 16;
constexpr std::size_t kLength = 20;
constexpr std::size_t kXsdt = 24;
constexpr std::size_t kExtendedChecksum = 32;
constexpr std::size_t kOldSize = 20;
}  // namespace rsdp

namespace fadt {
constexpr std::size_t kDsdt = 40;
constexpr std::size_t kPcBootFlags = 109;
constexpr std::uint64_t kNoMsi = 1 << 3;
constexpr std::size_t kArmBootFlags = 129;
constexpr std::size_t kFlags = 112;
constexpr std::uint64_t kHardwareReduced = 1 << 20;
constexpr std::size_t kExtendedDsdt = 140;
constexpr std::size_t kEnd = kExtendedDsdt + 8;  // of what is edited
constexpr std::uint64_t kPsciIsThere = 1 << 0;
constexpr std::uint64_t kPsciByHvc = 1 << 1;
}  // namespace fadt

namespace madt {
constexpr std::size_t kStructures = 44;
enum Type : std::uint8_t { kGicc = 0x0b, kGicd = 0x0c, kMsiFrame = 0x0d, kGicr = 0x0e };
namespace gicc {
constexpr std::size_t kInterfaceNumber = 4;
constexpr std::size_t kUid = 8;
constexpr std::size_t kFlags = 12;
constexpr std::size_t kParkingVersion = 16;
constexpr std::size_t kCpuInterface = 32;
constexpr std::size_t kVirtualInterface = 40;
constexpr std::size_t kMpidr = 68;
constexpr std::size_t kEnd = 76;
// After the MPIDR: efficiency class (stays), interrupts of the CPU's profiling and tracing.
constexpr std::size_t kProfiling = 78;
constexpr std::uint64_t kEnabled = 1;
}  // namespace gicc
constexpr std::size_t kGicdSize = 24;
constexpr std::size_t kGicrSize = 16;
}  // namespace madt

namespace gtdt {
constexpr std::size_t kSecure = 48;
constexpr std::size_t kPhysical = 56;
constexpr std::size_t kVirtual = 64;
constexpr std::size_t kHypervisor = 72;
constexpr std::size_t kHypervisorVirtual = 96;  // since revision 3
constexpr std::size_t kEnd = 96;                // before that
constexpr std::size_t kFullEnd = 104;
}  // namespace gtdt

namespace iort {
constexpr std::size_t kNodeCount = 36;
constexpr std::size_t kNodeOffset = 40;
constexpr std::size_t kOurNodes = 48;
enum Type : std::uint8_t { kNamedComponent = 1, kRootComplex = 2 };
constexpr std::size_t kNodeHeader = 16;
constexpr std::size_t kMappingCount = 8;
constexpr std::size_t kMappingOffset = 12;
}  // namespace iort

namespace spcr {
constexpr std::size_t kKind = 36;
constexpr std::uint8_t kUnknownKind = 0xff;
constexpr std::size_t kRegisters = 40;  // a generic address: space, width, offset, access, address
constexpr std::size_t kAddress = 44;
constexpr std::size_t kSize = 80;
}  // namespace spcr

namespace stao {
constexpr std::size_t kIgnoreUart = 36;
constexpr std::size_t kSize = 37;
}  // namespace stao

namespace efi {
constexpr std::uint64_t kSignature = 0x5453'5953'2049'4249;  // "IBI SYST"
constexpr std::uint32_t kRevision = (2 << 16) | 50;
constexpr std::size_t kSystemTableSize = 120;
constexpr std::size_t kHeaderSize = 12;
constexpr std::size_t kCrc = 16;
constexpr std::size_t kVendor = 24;
constexpr std::size_t kEntryCount = 104;
constexpr std::size_t kEntries = 112;
constexpr std::u16string_view kVendorName = u"Socle";
constexpr std::array<std::uint8_t, 16> kAcpi20 = {0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
                                                  0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81};
constexpr std::size_t kEntrySize = 24;
constexpr std::size_t kDescriptorSize = 40;
constexpr std::uint32_t kDescriptorVersion = 1;
}  // namespace efi

// --- The buffer ---

// A piece of the buffer under construction, by offset. Writes beyond the buffer are lost and
// remembered.
class Output {
 public:
  explicit Output(std::span<std::byte> buffer) : buffer_(buffer) {}

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool overflowed() const { return size_ > buffer_.size(); }

  void align() { size_ = align_up(size_, kAlignment); }
  // Zeros, to be filled in.
  std::size_t reserve(std::size_t size) {
    const std::size_t at = size_;
    size_ += size;
    if (!overflowed()) std::memset(buffer_.data() + at, 0, size);
    return at;
  }
  std::size_t append(std::span<const std::byte> bytes) {
    const std::size_t at = reserve(bytes.size());
    if (!overflowed() && !bytes.empty())
      std::memcpy(buffer_.data() + at, bytes.data(), bytes.size());
    return at;
  }
  void put(std::size_t at, std::uint64_t value, std::size_t bytes) {
    if (overflowed()) return;
    CHECK(at + bytes <= size_);
    for (std::size_t i = 0; i < bytes; ++i)
      buffer_[at + i] = static_cast<std::byte>(value >> (8 * i));
  }
  void put32(std::size_t at, std::uint64_t value) { put(at, value, 4); }
  void put64(std::size_t at, std::uint64_t value) { put(at, value, 8); }
  void clear(std::size_t at, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i)
      put(at + i, 0, 1);
  }
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t at, std::size_t size) const {
    return overflowed() ? std::span<const std::byte>() : std::span(buffer_).subspan(at, size);
  }
  // The byte at `at` makes the sum of [begin, begin + size) zero.
  void fix_checksum(std::size_t at, std::size_t begin, std::size_t size) {
    put(at, 0, 1);
    put(at, std::uint64_t{0x100} - fw::acpi::checksum(bytes(begin, size)), 1);
  }
  // A table that goes from `at` to the end: its length and checksum.
  void finish_table(std::size_t at) {
    put32(at + header::kLength, size_ - at);
    fix_checksum(at + header::kChecksum, at, size_ - at);
  }

 private:
  std::span<std::byte> buffer_;
  std::size_t size_ = 0;
};

constexpr std::array<std::string_view, 6> kReplaced = {"FACP", "APIC", "GTDT",
                                                       "IORT", "HEST", "SPCR"};

// An edited copy stands for it. Of several tables with one name the first counts, as for readers.
bool is_replaced(const Table& table) {
  return table.instance == 0 && std::ranges::find(kReplaced, table.signature()) != kReplaced.end();
}

bool is_visible(const Table& table, const DomainPlan& plan) {
  return std::ranges::any_of(plan.firmware_memory, [&](const FirmwareMemory& memory) {
    return memory.type != fw::EfiMemoryType::kReserved && memory.range.contains(table.range());
  });
}

// The domain is not to have it: it leads the operating system to memory that is not the domain's,
// and Linux does not survive the abort. PRMT: to code that runs only where UEFI's runtime services
// do.
bool is_left_out(const FirmwareTablesInput& input, const Table& table) {
  if (table.signature() == "PRMT") return true;
  return std::ranges::any_of(input.tables->named, [&](const fw::acpi::NamedMemory& named) {
    return named.source == 0 && named.signature == table.signature() &&
           !can_reach(*input.plan, named.range);
  });
}

// --- The tables ---

class TablesWriter {
 public:
  TablesWriter(const FirmwareTablesInput& input, std::span<std::byte> buffer,
               fw::Diagnostics& notes)
      : input_(input), out_(buffer), notes_(notes) {}

  Result<FirmwareTables> run() {
    copy_hidden();
    TRY(write_fadt());
    TRY(write_madt());
    TRY(write_gtdt());
    write_iort();
    write_hest();
    write_spcr();
    write_stao();
    const std::size_t root = write_rsdp(write_xsdt());
    FirmwareTables made;
    made.system_table = address_of(write_system_table(root));
    out_.align();
    const std::size_t map = write_memory_map();
    made.memory_map = address_of(map);
    made.memory_map_size = static_cast<std::uint32_t>(out_.size() - map);
    made.descriptor_size = efi::kDescriptorSize;
    made.descriptor_version = efi::kDescriptorVersion;
    made.size = out_.size();
    if (out_.overflowed() || made.size > input_.place.size())
      return notes_.error(Error::kTooLarge, "ACPI: dom0's tables need {} bytes", made.size);
    return made;
  }

 private:
  // A table of ours that stands for one of the host's; `host` null: an additional one.
  struct Made {
    const Table* host = nullptr;
    std::size_t at = 0;
  };

  [[nodiscard]] Ipa address_of(std::size_t at) const { return input_.place.begin() + at; }
  [[nodiscard]] const DomainPlan& plan() const { return *input_.plan; }

  Result<const Table*> needed(std::string_view signature, std::size_t size) {
    const Table* const table = input_.tables->find(signature);
    if (table == nullptr)
      return notes_.error(Error::kNotFound, "ACPI: no {}, so no domain can start", signature);
    if (table->fields.size() < size)
      return notes_.error(Error::kCorrupt, "ACPI: {}: {} bytes are too few", signature,
                          table->fields.size());
    return table;
  }

  std::size_t begin(const Table& host, std::span<const std::byte> bytes) {
    out_.align();
    const std::size_t at = out_.append(bytes);
    CHECK(made_.push_back({&host, at}).has_value());
    return at;
  }

  // Tables in memory that the domain does not see as firmware's.
  void copy_hidden() {
    for (const Table& table : input_.tables->all)
      if (!is_replaced(table) && !is_visible(table, plan()) && !is_left_out(input_, table))
        begin(table, table.fields.bytes());
  }

  Result<> write_fadt() {
    const Table& host = *TRY(needed("FACP", fw::acpi::kHeaderSize));
    const std::size_t at = begin(host, host.fields.bytes());
    if (host.fields.size() < fadt::kEnd) out_.reserve(fadt::kEnd - host.fields.size());
    out_.put32(at + fadt::kFlags, host.fields.u32(fadt::kFlags) | fadt::kHardwareReduced);
    out_.put(at + fadt::kArmBootFlags, fadt::kPsciIsThere | fadt::kPsciByHvc, 2);
    // Named for PCs, but Linux asks it everywhere; else it would try, and complain.
    if (!has_msi_frame())
      out_.put(at + fadt::kPcBootFlags, host.fields.u16(fadt::kPcBootFlags) | fadt::kNoMsi, 2);
    const Table* const dsdt = input_.tables->find("DSDT");
    if (dsdt != nullptr) {
      out_.put32(at + fadt::kDsdt, 0);
      out_.put64(at + fadt::kExtendedDsdt, address_for(*dsdt).value());
    }
    out_.finish_table(at);
    return {};
  }

  // Without an ITS, GICv2m frames are what can take a message.
  [[nodiscard]] bool has_msi_frame() const {
    return plan().gic.version == platform::Gic::Version::kV2 &&
           std::ranges::any_of(input_.platform->devices, [](const platform::Device& device) {
             return device.origin == platform::Device::Origin::kMsiFrame;
           });
  }

  // --- MADT ---

  // The first structure for which `wanted` says yes, of those that platform/ reads; without bytes
  // if there is none.
  template <typename Predicate>
  static Fields find_structure(const Table& host, Predicate wanted) {
    std::size_t at = madt::kStructures;
    for (std::size_t left = fw::acpi::kMaxMadtStructures; left != 0 && host.fields.has(at, 2);
         --left) {
      const std::size_t size = host.fields.u8(at + 1);
      if (size < 2 || !host.fields.has(at, size)) break;
      const Fields found = host.fields.part(at, size);
      if (wanted(found)) return found;
      at += size;
    }
    return Fields();
  }

  // The host's structure of that CPU. Sockets that are empty may have some, too, of any number, so
  // one that is not enabled counts only if there is no other, as for platform/.
  static Fields find_gicc(const Table& host, std::uint64_t mpidr) {
    const auto find = [&host, mpidr](std::uint64_t flags) {
      return find_structure(host, [mpidr, flags](const Fields& found) {
        return found.u8(0) == madt::kGicc && found.size() >= madt::gicc::kEnd &&
               (found.u32(madt::gicc::kFlags) & flags) == flags &&
               found.u64(madt::gicc::kMpidr) == mpidr;
      });
    };
    const Fields enabled = find(madt::gicc::kEnabled);
    return enabled.size() != 0 ? enabled : find(0);
  }

  Result<> write_madt() {
    const Table& host = *TRY(needed("APIC", madt::kStructures));
    const std::size_t at = begin(host, host.fields.bytes().first(madt::kStructures));
    for (std::size_t i = 0; i < plan().vcpus.size(); ++i)
      TRY(add_gicc(host, i));
    add_gicd();
    for (const VirtualGic::RedistributorRegion& region : plan().gic.redistributors)
      add_gicr(region);
    keep_msi_frames(host);
    out_.finish_table(at);
    return {};
  }

  // The numbers by which tables and AML know the CPU stay: those of the CPU that the vCPU is on.
  Result<> add_gicc(const Table& host, std::size_t vcpu) {
    const std::uint64_t mpidr = input_.platform->cpus[plan().vcpus[vcpu].cpu].mpidr;
    const Fields cpu = find_gicc(host, mpidr);
    namespace gicc = madt::gicc;
    const std::size_t at = out_.append(cpu.bytes());
    if (cpu.size() == 0) {  // the boot CPU, which the host's table does not know
      out_.reserve(gicc::kEnd);
      out_.put(at, madt::kGicc, 1);
      out_.put(at + 1, gicc::kEnd, 1);
      out_.put32(at + gicc::kUid, platform::Cpu::kNoUid);
    }
    out_.put32(at + gicc::kInterfaceNumber, vcpu);
    out_.put32(at + gicc::kFlags, gicc::kEnabled);
    // Parking and the PMU's interrupt; GICV, GICH, its interrupt, the redistributor.
    out_.clear(at + gicc::kParkingVersion, gicc::kCpuInterface - gicc::kParkingVersion);
    out_.put64(at + gicc::kCpuInterface, plan().gic.cpu_interface.value());
    out_.clear(at + gicc::kVirtualInterface, gicc::kMpidr - gicc::kVirtualInterface);
    out_.put64(at + gicc::kMpidr, plan().vcpus[vcpu].vmpidr);
    if (cpu.size() > gicc::kProfiling)
      out_.clear(at + gicc::kProfiling, cpu.size() - gicc::kProfiling);
    return {};
  }

  void add_gicd() {
    const bool is_v2 = plan().gic.version == platform::Gic::Version::kV2;
    const std::size_t at = out_.reserve(madt::kGicdSize);
    out_.put(at, madt::kGicd, 1);
    out_.put(at + 1, madt::kGicdSize, 1);
    out_.put64(at + 8, plan().gic.distributor.value());
    out_.put(at + 20, is_v2 ? 2 : 3, 1);
  }

  void add_gicr(const VirtualGic::RedistributorRegion& region) {
    const std::size_t at = out_.reserve(madt::kGicrSize);
    out_.put(at, madt::kGicr, 1);
    out_.put(at + 1, madt::kGicrSize, 1);
    out_.put64(at + 4, region.base.value());
    out_.put32(at + 12, region.count * (128 * kKiB));
  }

  void keep_msi_frames(const Table& host) {
    find_structure(host, [this](const Fields& found) {
      if (found.u8(0) == madt::kMsiFrame) out_.append(found.bytes());
      return false;
    });
  }

  // --- GTDT ---

  Result<> write_gtdt() {
    const Table& host = *TRY(needed("GTDT", fw::acpi::kHeaderSize));
    const std::size_t at = begin(host, host.fields.bytes());
    if (host.fields.size() < gtdt::kEnd) out_.reserve(gtdt::kFullEnd - host.fields.size());
    out_.put64(at + gtdt::kSecure, 0);
    out_.put32(at + gtdt::kPhysical, plan().timer.physical.value());
    out_.put32(at + gtdt::kVirtual, plan().timer.virt.value());
    out_.put64(at + gtdt::kHypervisor, 0);
    if (host.revision() >= 3 && host.fields.has(gtdt::kHypervisorVirtual, 8))
      out_.put64(at + gtdt::kHypervisorVirtual, 0);
    out_.finish_table(at);
    return {};
  }

  // --- IORT ---

  // Nodes that describe devices of the domain, cut off before the mappings, which lead to others.
  void write_iort() {
    const Table* const host = input_.tables->find("IORT");
    if (host == nullptr || host->fields.size() < iort::kOurNodes) return;
    const std::size_t table = begin(*host, host->fields.bytes().first(iort::kOurNodes));
    std::uint32_t kept = 0;
    std::size_t at = host->fields.u32(iort::kNodeOffset);
    for (std::uint32_t left = host->fields.u32(iort::kNodeCount); left != 0; --left) {
      const std::size_t size = host->fields.u16(at + 1);
      if (size < iort::kNodeHeader || !host->fields.has(at, size)) break;
      kept += add_iort_node(host->fields.part(at, size)) ? 1 : 0;
      at += size;
    }
    out_.put32(table + iort::kNodeCount, kept);
    out_.put32(table + iort::kNodeOffset, iort::kOurNodes);
    out_.finish_table(table);
  }

  bool add_iort_node(const Fields& node) {
    const std::uint8_t type = node.u8(0);
    if (type != iort::kNamedComponent && type != iort::kRootComplex) return false;
    std::size_t size = node.size();
    const std::size_t mappings = node.u32(iort::kMappingOffset);
    if (node.u32(iort::kMappingCount) != 0 && mappings >= iort::kNodeHeader)
      size = std::min(size, mappings);
    // No padding: what follows is aligned where the host's nodes are made of whole words.
    const std::size_t at = out_.append(node.bytes().first(size));
    out_.put(at + 1, size, 2);
    out_.put64(at + iort::kMappingCount, 0);
    return true;
  }

  // --- HEST ---

  // Error sources whose records lie where the domain cannot read are not in use.
  void write_hest() {
    const Table* const host = input_.tables->find("HEST");
    if (host == nullptr) return;
    const std::size_t at = begin(*host, host->fields.bytes());
    for (const fw::acpi::NamedMemory& named : input_.tables->named)
      if (named.source != 0 && !can_reach(plan(), named.range))
        out_.put(at + named.source + fw::acpi::kHestSourceEnabled, 0, 1);
    out_.finish_table(at);
  }

  // --- Those that no host has ---

  std::size_t begin_new(std::string_view signature, std::uint8_t revision) {
    out_.align();
    const Fields root = input_.tables->root.fields;
    const std::size_t at = out_.reserve(fw::acpi::kHeaderSize);
    for (std::size_t i = 0; i < signature.size(); ++i)
      out_.put(at + i, static_cast<std::uint8_t>(signature[i]), 1);
    out_.put(at + header::kRevision, revision, 1);
    // Who made it, as the root table says.
    for (std::size_t i = header::kOemId; i < fw::acpi::kHeaderSize; ++i)
      out_.put(at + i, root.u8(i), 1);
    return at;
  }

  // The port that Socle uses; empty if it uses none.
  [[nodiscard]] PaRange console() const {
    for (const KeptDevice& kept : plan().kept_devices)
      if (kept.reason == NodeReason::kConsole) return kept.region.range;
    return {};
  }

  // Linux finds the UART that STAO hides by SPCR's address, so that has to be the console's:
  // another table may have named it. The kind keeps Linux from making it a console of its own.
  void write_spcr() {
    const Table* const host = input_.tables->find("SPCR");
    const PaRange taken = console();
    if (host != nullptr &&
        (taken.empty() || taken.contains(Pa(host->fields.u64(spcr::kAddress))))) {
      begin(*host, host->fields.bytes());
      return;
    }
    if (taken.empty()) return;
    const std::size_t at = begin_new("SPCR", 2);
    out_.reserve(spcr::kSize - fw::acpi::kHeaderSize);
    out_.put(at + spcr::kKind, spcr::kUnknownKind, 1);
    out_.put32(at + spcr::kRegisters, 0x0300'2000);  // memory, 32 bits wide and read
    out_.put64(at + spcr::kAddress, taken.begin().value());
    out_.finish_table(at);
    CHECK(made_.push_back({host, at}).has_value());
  }

  void write_stao() {
    if (console().empty()) return;
    const std::size_t at = begin_new("STAO", 1);
    out_.reserve(stao::kSize - stao::kIgnoreUart);
    out_.put(at + stao::kIgnoreUart, 1, 1);
    out_.finish_table(at);
    CHECK(made_.push_back({nullptr, at}).has_value());
  }

  [[nodiscard]] Ipa address_for(const Table& host) const {
    const auto made = std::ranges::find(made_, &host, &Made::host);
    return made == made_.end() ? direct_mapped(host.address) : address_of(made->at);
  }

  std::size_t write_xsdt() {
    const std::size_t at = begin_new("XSDT", 1);
    for (const Table& table : input_.tables->all)
      if (table.in_root && !is_left_out(input_, table))
        out_.put64(out_.reserve(8), address_for(table).value());
    for (const Made& made : made_)
      if (made.host == nullptr) out_.put64(out_.reserve(8), address_of(made.at).value());
    out_.finish_table(at);
    return at;
  }

  std::size_t write_rsdp(std::size_t xsdt) {
    out_.align();
    const std::size_t at = out_.append(
        input_.tables->rsdp.bytes().first(std::min(rsdp::kOldSize, input_.tables->rsdp.size())));
    out_.reserve(at + rsdp::kSize - out_.size());
    out_.put(at + rsdp::kRevision, 2, 1);
    out_.put32(at + rsdp::kRsdt, 0);
    out_.put32(at + rsdp::kLength, rsdp::kSize);
    out_.put64(at + rsdp::kXsdt, address_of(xsdt).value());
    out_.fix_checksum(at + rsdp::kChecksum, at, rsdp::kOldSize);
    out_.fix_checksum(at + rsdp::kExtendedChecksum, at, rsdp::kSize);
    return at;
  }

  // --- EFI ---

  std::size_t write_system_table(std::size_t root) {
    out_.align();
    const std::size_t vendor = out_.reserve(2 * (efi::kVendorName.size() + 1));
    for (std::size_t i = 0; i < efi::kVendorName.size(); ++i)
      out_.put(vendor + 2 * i, efi::kVendorName[i], 2);
    out_.align();
    const std::size_t entry = out_.append(std::as_bytes(std::span(efi::kAcpi20)));
    out_.put64(out_.reserve(efi::kEntrySize - efi::kAcpi20.size()), address_of(root).value());
    const std::size_t at = out_.reserve(efi::kSystemTableSize);
    out_.put64(at, efi::kSignature);
    out_.put32(at + 8, efi::kRevision);
    out_.put32(at + efi::kHeaderSize, efi::kSystemTableSize);
    out_.put64(at + efi::kVendor, address_of(vendor).value());
    out_.put64(at + efi::kEntryCount, 1);
    out_.put64(at + efi::kEntries, address_of(entry).value());
    out_.put32(at + efi::kCrc, crc32_of(0, out_.bytes(at, efi::kSystemTableSize)));
    return at;
  }

  void add_descriptor(fw::EfiMemoryType type, std::uint64_t begin, std::uint64_t end,
                      std::uint64_t attributes = fw::kEfiMemoryWriteBack) {
    if (begin >= end) return;
    const std::size_t at = out_.reserve(efi::kDescriptorSize);
    out_.put32(at, static_cast<std::uint32_t>(type));
    out_.put64(at + 8, begin);
    out_.put64(at + 24, (end - begin) >> kFrameShift);
    out_.put64(at + 32, attributes);
  }

  // The banks without our tables, those, and firmware's; nothing needs them to be in order. Linux
  // takes the memory type of what it reads for error records and AML from here.
  std::size_t write_memory_map() {
    const std::size_t at = out_.size();
    const std::uint64_t ours = input_.place.begin().value();
    const std::uint64_t ours_end = input_.place.end().value();
    for (const MfnRange& bank : plan().ram) {
      const std::uint64_t begin = Pa(bank.begin()).value();
      const std::uint64_t end = Pa(bank.end()).value();
      if (ours >= end || ours_end <= begin) {
        add_descriptor(fw::EfiMemoryType::kConventional, begin, end);
        continue;
      }
      add_descriptor(fw::EfiMemoryType::kConventional, begin, ours);
      add_descriptor(fw::EfiMemoryType::kAcpiReclaim, ours, ours_end);
      add_descriptor(fw::EfiMemoryType::kConventional, ours_end, end);
    }
    for (const FirmwareMemory& memory : plan().firmware_memory) {
      const MfnRange frames = frames_touched(memory.range);
      add_descriptor(memory.type, Pa(frames.begin()).value(), Pa(frames.end()).value(),
                     memory.attributes & ~fw::kEfiMemoryRuntime);
    }
    return at;
  }

  const FirmwareTablesInput& input_;
  Output out_;
  fw::Diagnostics& notes_;
  InplaceVector<Made, fw::acpi::kMaxTables + 3> made_;
};

}  // namespace

std::size_t firmware_tables_bound(const fw::acpi::Tables& tables, const DomainPlan& plan) {
  std::size_t bound = 0;
  for (const Table& table : tables.all)
    if (is_replaced(table) || !is_visible(table, plan)) bound += table.fields.size() + kAlignment;
  constexpr std::size_t kLargestGicc = 255;
  bound += plan.vcpus.size() * kLargestGicc + madt::kGicdSize +
           plan.gic.redistributors.size() * madt::kGicrSize;
  bound += fadt::kEnd + gtdt::kFullEnd;
  bound +=
      fw::acpi::kHeaderSize + 8 * (tables.all.size() + 2) + stao::kSize + spcr::kSize + rsdp::kSize;
  bound += efi::kSystemTableSize + efi::kEntrySize + 2 * (efi::kVendorName.size() + 1);
  bound += efi::kDescriptorSize * (plan.ram.size() + plan.firmware_memory.size() + 2);
  return bound + 8 * kAlignment;
}

Result<FirmwareTables> write_firmware_tables(const FirmwareTablesInput& input,
                                             std::span<std::byte> buffer, fw::Diagnostics& notes) {
  return TablesWriter(input, buffer, notes).run();
}

}  // namespace socle::hwdom
