// SPDX-License-Identifier: Apache-2.0
#pragma once

// IORT: which device reaches memory through which SMMU, under which stream, and which ITS gets its
// interrupts. A graph of nodes that refer to each other by offset. Every reference is checked to
// lead to a node when the nodes are listed; nothing here follows more than one, so nothing loops.
//
// Source: Arm DEN 0049E.d, "IO Remapping Table"; Linux, drivers/acpi/arm64/iort.c.

#include "fw/acpi/tables.h"

namespace socle::fw::acpi {

enum class IortType : std::uint8_t {
  kItsGroup = 0,
  kNamedComponent = 1,
  kRootComplex = 2,
  kSmmu = 3,  // v1 and v2
  kSmmuV3 = 4,
  kPmcg = 5,
  kRmr = 6,
};

struct IortNode {
  std::uint8_t type = 0;  // an IortType, or one to come
  std::uint32_t offset = 0;
  Fields fields;
  std::uint32_t mapping_count = 0;  // all inside the node

  [[nodiscard]] bool is(IortType wanted) const { return type == static_cast<std::uint8_t>(wanted); }
};

// Input IDs [input, input + count) become IDs from `output` on at `target`. With `is_single` there
// is no input: the node itself has ID `output`.
struct IdMapping {
  std::uint32_t input = 0;
  std::uint64_t count = 0;
  std::uint32_t output = 0;
  std::uint32_t target = 0;  // offset of a node
  bool is_single = false;
};

class Iort {
 public:
  // Nodes in the table's order; a walk that breaks off has a line, what came before counts.
  // Errors: kNoMemory.
  static Result<Iort> read(const Table& table, Arena& arena, Diagnostics& notes);

  [[nodiscard]] std::span<const IortNode> nodes() const { return nodes_; }
  // Null if no node begins there.
  [[nodiscard]] const IortNode* node_at(std::uint32_t offset) const;

 private:
  std::span<const IortNode> nodes_;
};

IdMapping read_id_mapping(const IortNode& node, std::uint32_t index);

struct IortInterrupt {
  std::uint32_t gsiv = 0;  // 0: none
  bool is_edge = false;
};

struct RootComplex {
  std::uint32_t segment = 0;
  bool is_coherent = false;
};
RootComplex read_root_complex(const IortNode& node);

// The device's path in the DSDT's namespace ("\_SB.ETH0"); firmware's bytes.
std::string_view named_component_path(const IortNode& node);

struct Smmu {
  PaRange range;  // empty if it cannot be
  std::uint32_t context_interrupts = 0;
};
Smmu read_smmu(const IortNode& node);
IortInterrupt smmu_global_interrupt(const IortNode& node);
IortInterrupt smmu_context_interrupt(const IortNode& node, std::uint32_t index);

struct SmmuV3 {
  PaRange range;
  bool is_coherent = false;
  std::uint32_t model = 0;
  std::uint32_t event_gsiv = 0;
  std::uint32_t pri_gsiv = 0;
  std::uint32_t error_gsiv = 0;
  std::uint32_t sync_gsiv = 0;
};
SmmuV3 read_smmu_v3(const IortNode& node);

struct Pmcg {
  Pa page0;
  Pa page1;  // zero: there is none
  std::uint32_t gsiv = 0;
};
Pmcg read_pmcg(const IortNode& node);

// Memory that devices use from before the operating system on: their IOMMU has to map it as it is.
std::uint32_t rmr_count(const IortNode& node);
std::uint32_t rmr_flags(const IortNode& node);
PaRange read_rmr(const IortNode& node, std::uint32_t index);  // empty if it cannot be

}  // namespace socle::fw::acpi
