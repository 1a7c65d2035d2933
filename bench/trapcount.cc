// SPDX-License-Identifier: Apache-2.0
// A QEMU TCG plugin that counts the instructions a hypervisor executes at EL2, per kind of exit,
// for any hypervisor, unmodified. A CPU is at EL2 from the first instruction of a lower-EL vector
// of VBAR_EL2 until its next ERET.
//
// Guests delimit phases by executing `movz xzr, #0x5000+N` (begin of phase N) and `movz xzr,
// #0x5f00` (end): instructions that do nothing. Everything before the first mark is phase 0.
//
// Output (-d plugin -D FILE), one line per (phase, exit kind):
//   trap phase=P kind=K count=N instructions=I
// and `total phase=P entries=N instructions=I`. Idle loops at EL2 count: they are work of the exit
// that led there. Deterministic under -icount.
//
// Arguments: none. QEMU 10 (plugin API 4). Debian ships no qemu-plugin.h, so what is used of the
// API is declared here from its documentation.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

extern "C" {
using qemu_plugin_id_t = std::uint64_t;
struct qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_register;
struct GArray {
  char* data;
  unsigned len;
};
struct GByteArray {
  std::uint8_t* data;
  unsigned len;
};
struct qemu_plugin_reg_descriptor {
  qemu_plugin_register* handle;
  const char* name;
  const char* feature;
};
void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, unsigned));
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                           void (*)(qemu_plugin_id_t, qemu_plugin_tb*));
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void*), void*);
void qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_insn*, void (*)(unsigned, void*), int flags,
                                            void*);
void qemu_plugin_register_vcpu_tb_exec_cb(qemu_plugin_tb*, void (*)(unsigned, void*), int flags,
                                          void*);
std::size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb*);
qemu_plugin_insn* qemu_plugin_tb_get_insn(const qemu_plugin_tb*, std::size_t);
std::uint64_t qemu_plugin_insn_vaddr(const qemu_plugin_insn*);
std::size_t qemu_plugin_insn_data(const qemu_plugin_insn*, void*, std::size_t);
GArray* qemu_plugin_get_registers();
int qemu_plugin_read_register(qemu_plugin_register*, GByteArray*);
void qemu_plugin_outs(const char*);
GByteArray* g_byte_array_new();
GByteArray* g_byte_array_set_size(GByteArray*, unsigned);
__attribute__((visibility("default"))) int qemu_plugin_version = 4;
}

namespace {

constexpr int kReadsRegisters = 1;  // QEMU_PLUGIN_CB_R_REGS
constexpr std::uint32_t kEret = 0xd69f03e0;
constexpr unsigned kMaxCpus = 512;

struct Cpu {
  bool at_el2 = false;
  std::uint64_t instructions = 0;  // at EL2, so far
  std::uint64_t entered_at = 0;
  std::string kind;
  unsigned phase = 0;  // of the entry
};

struct Count {
  std::uint64_t entries = 0;
  std::uint64_t instructions = 0;
};

// Never destroyed: QEMU reports after the destructors of global objects have run.
auto& cpus = *new std::array<Cpu, kMaxCpus>;
auto& counts = *new std::map<std::pair<unsigned, std::string>, Count>;
std::mutex counts_mutex;
unsigned phase = 0;
qemu_plugin_register* esr = nullptr;
qemu_plugin_register* hpfar = nullptr;
qemu_plugin_register* vbar = nullptr;

std::uint64_t read_register(qemu_plugin_register* handle) {
  static thread_local GByteArray* buffer = g_byte_array_new();
  if (handle == nullptr) return 0;
  g_byte_array_set_size(buffer, 0);
  const int size = qemu_plugin_read_register(handle, buffer);
  std::uint64_t value = 0;
  if (size > 0) std::memcpy(&value, buffer->data, size > 8 ? 8 : static_cast<std::size_t>(size));
  return value;
}

// What made the CPU enter EL2, in words that a report can group by.
std::string kind_of_exit(std::uint64_t vector_offset) {
  char text[64];
  switch (vector_offset & 0x180) {
    case 0x080:
      return "irq";
    case 0x100:
      return "fiq";
    case 0x180:
      return "serror";
    default:
      break;
  }
  const std::uint64_t syndrome = read_register(esr);
  const unsigned exception_class = (syndrome >> 26) & 0x3f;
  switch (exception_class) {
    case 0x01:
      return (syndrome & 1) != 0 ? "wfe" : "wfi";
    case 0x16:
    case 0x17:
      std::snprintf(text, sizeof text, "%s:%llx", exception_class == 0x16 ? "hvc" : "smc",
                    static_cast<unsigned long long>(syndrome & 0xffff));
      return text;
    case 0x18:
      std::snprintf(text, sizeof text, "sysreg:%llu_%llu_c%llu_c%llu_%llu:%c",
                    static_cast<unsigned long long>((syndrome >> 20) & 3),
                    static_cast<unsigned long long>((syndrome >> 14) & 7),
                    static_cast<unsigned long long>((syndrome >> 10) & 15),
                    static_cast<unsigned long long>((syndrome >> 1) & 15),
                    static_cast<unsigned long long>((syndrome >> 17) & 7),
                    (syndrome & 1) != 0 ? 'r' : 'w');
      return text;
    case 0x20:
    case 0x24:
      std::snprintf(text, sizeof text, "%s:%llx",
                    exception_class == 0x20 ? "instruction-abort" : "data-abort",
                    static_cast<unsigned long long>((read_register(hpfar) & 0xfffffffff0) << 8));
      return text;
    default:
      std::snprintf(text, sizeof text, "class:%x", exception_class);
      return text;
  }
}

// Candidate for a lower-EL vector: executed instructions at 128-byte boundaries.
void maybe_entry(unsigned index, void* address) {
  const std::uint64_t offset = reinterpret_cast<std::uint64_t>(address) - read_register(vbar);
  if (offset < 0x400 || offset >= 0x800) return;
  Cpu& cpu = cpus[index];
  if (cpu.at_el2) return;
  cpu.at_el2 = true;
  cpu.entered_at = cpu.instructions;
  cpu.kind = kind_of_exit(offset);
  cpu.phase = phase;
}

void leave(unsigned index, void*) {
  Cpu& cpu = cpus[index];
  if (!cpu.at_el2) return;
  cpu.at_el2 = false;
  const std::lock_guard guard(counts_mutex);
  Count& count = counts[{cpu.phase, cpu.kind}];
  ++count.entries;
  count.instructions += cpu.instructions - cpu.entered_at;
}

void instruction(unsigned index, void*) {
  if (cpus[index].at_el2) ++cpus[index].instructions;
}

void mark(unsigned, void* number) {
  const auto value = reinterpret_cast<std::uintptr_t>(number);
  phase = value == 0x5f00 ? 0xf00u : static_cast<unsigned>(value - 0x5000);
}

void translate(qemu_plugin_id_t, qemu_plugin_tb* block) {
  const std::size_t size = qemu_plugin_tb_n_insns(block);
  for (std::size_t i = 0; i < size; ++i) {
    qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(block, i);
    const std::uint64_t address = qemu_plugin_insn_vaddr(insn);
    std::uint32_t opcode = 0;
    qemu_plugin_insn_data(insn, &opcode, sizeof opcode);
    if ((address & 0x7f) == 0) {
      qemu_plugin_register_vcpu_insn_exec_cb(insn, maybe_entry, kReadsRegisters,
                                             reinterpret_cast<void*>(address));
    }
    qemu_plugin_register_vcpu_insn_exec_cb(insn, instruction, 0, nullptr);
    if (opcode == kEret) qemu_plugin_register_vcpu_insn_exec_cb(insn, leave, 0, nullptr);
    const std::uint32_t immediate = (opcode >> 5) & 0xffff;
    if ((opcode & 0xffe0001f) == 0xd280001f && (immediate & 0xf000) == 0x5000) {
      qemu_plugin_register_vcpu_insn_exec_cb(
          insn, mark, 0, reinterpret_cast<void*>(static_cast<std::uintptr_t>(immediate)));
    }
  }
}

void find_registers(qemu_plugin_id_t, unsigned) {
  if (esr != nullptr) return;
  const GArray* list = qemu_plugin_get_registers();
  const auto* registers = reinterpret_cast<const qemu_plugin_reg_descriptor*>(list->data);
  for (unsigned i = 0; i < list->len; ++i) {
    const std::string name = registers[i].name;
    if (name == "ESR_EL2") esr = registers[i].handle;
    if (name == "HPFAR_EL2") hpfar = registers[i].handle;
    if (name == "VBAR_EL2") vbar = registers[i].handle;
  }
  if (esr == nullptr || vbar == nullptr) qemu_plugin_outs("error: no EL2 registers\n");
}

void finish(qemu_plugin_id_t, void*) {
  std::map<unsigned, Count> totals;
  char line[256];
  for (const auto& [key, count] : counts) {
    std::snprintf(line, sizeof line, "trap phase=%u kind=%s count=%llu instructions=%llu\n",
                  key.first, key.second.c_str(), static_cast<unsigned long long>(count.entries),
                  static_cast<unsigned long long>(count.instructions));
    qemu_plugin_outs(line);
    totals[key.first].entries += count.entries;
    totals[key.first].instructions += count.instructions;
  }
  for (const auto& [number, count] : totals) {
    std::snprintf(line, sizeof line, "total phase=%u entries=%llu instructions=%llu\n", number,
                  static_cast<unsigned long long>(count.entries),
                  static_cast<unsigned long long>(count.instructions));
    qemu_plugin_outs(line);
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id,
                                                                          const qemu_info_t*, int,
                                                                          char**) {
  qemu_plugin_register_vcpu_init_cb(id, find_registers);
  qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
  qemu_plugin_register_atexit_cb(id, finish, nullptr);
  return 0;
}
