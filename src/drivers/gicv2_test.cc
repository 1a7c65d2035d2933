// SPDX-License-Identifier: Apache-2.0
#include "hw/gicv2.h"

#include <array>
#include <optional>
#include <vector>

#include "base/test.h"
#include "drivers/gic.h"
#include "hw/gic.h"
#include "port/cpu.h"
#include "port/gich.h"
#include "port/irq.h"
#include "sim/host_seams.h"
#include "sim/register_model.h"

namespace socle {

extern std::vector<std::uint32_t> taken_by_guest;  // gicv3_test.cc

namespace {

namespace gicd = hw::gicd;
namespace gicd2 = hw::gicd2;
namespace gicc = hw::gicc;
using port::IrqState;

constexpr std::uint64_t kDistributor = 0xf901'0000;
constexpr std::uint64_t kInterface = 0xf902'0000;
constexpr std::uint64_t kHypervisor = 0xf904'0000;
constexpr unsigned kLines = 96;

unsigned here() {
  return index_of(port::current_cpu());
}
void be(unsigned cpu) {
  port::host_current_cpu = CpuIndex{static_cast<std::uint16_t>(cpu)};
}

// A GIC-400 as its manual and IHI 0048 describe it, as far as the driver touches it, without
// Security Extensions. Targets are not CPU numbers: CPU n has bit n + 1, so that mixing them up
// shows.
class Model {
 public:
  struct Irq {
    bool enabled = false;
    bool pending = false;
    bool active = false;
    bool edge = false;
    std::uint8_t priority = 0;
    std::uint8_t targets = 0;
    std::uint8_t sources = 0;  // of an SGI: target bits of the senders
  };
  explicit Model(unsigned cpus, bool wide = false)
      : cpus_(cpus),
        banks_(cpus),
        interfaces_(cpus),
        distributor_(*this),
        interface_(*this, wide) {}

  static std::uint8_t bit_of_cpu(unsigned cpu) { return static_cast<std::uint8_t>(2u << cpu); }
  Irq& at(unsigned cpu, unsigned number) {
    return number < 32 ? banks_[cpu][number] : shared_[number - 32];
  }
  [[nodiscard]] platform::Gic describe() const {
    platform::Gic gic;
    gic.version = platform::Gic::Version::kV2;
    gic.distributor = PaRange(Pa(kDistributor), Pa(kDistributor + gicd2::kSize));
    gic.cpu_interface = PaRange(Pa(kInterface), Pa(kInterface + interface_.range().size()));
    gic.hypervisor_interface = PaRange(Pa(kHypervisor), Pa(kHypervisor + 0x1000));
    gic.maintenance = platform::Interrupt{.id = IntId(25)};
    return gic;
  }
  bool distributor_is_on = false;
  unsigned wrong_ends = 0;
  struct Interface {
    std::uint32_t control = 0;
    std::uint32_t mask = 0;
    unsigned mask_writes = 0;
    std::vector<std::uint32_t> running;
  };
  Interface& interface_of(unsigned cpu) { return interfaces_[cpu]; }

 private:
  class Distributor : public sim::RegisterModel {
   public:
    explicit Distributor(Model& model)
        : RegisterModel(PaRange(Pa(kDistributor), Pa(kDistributor + 0x1000))), model_(model) {}
    std::uint64_t read(std::uint64_t offset, unsigned bytes) override;
    void write(std::uint64_t offset, unsigned bytes, std::uint64_t value) override;

   private:
    Model& model_;
  };
  class CpuInterface : public sim::RegisterModel {
   public:
    CpuInterface(Model& model, bool wide)
        : RegisterModel(PaRange(Pa(kInterface), Pa(kInterface + (wide ? 0x2'0000 : 0x2000)))),
          model_(model),
          wide_(wide) {}
    std::uint64_t read(std::uint64_t offset, unsigned bytes) override;
    void write(std::uint64_t offset, unsigned bytes, std::uint64_t value) override;

   private:
    Model& model_;
    bool wide_;
  };
  class Hypervisor : public sim::RegisterModel {
   public:
    Hypervisor() : RegisterModel(PaRange(Pa(kHypervisor), Pa(kHypervisor + 0x1000))) {}
    std::uint64_t read(std::uint64_t, unsigned) override { return 0; }
    void write(std::uint64_t, unsigned, std::uint64_t) override {}
  };

  std::uint32_t acknowledge(unsigned cpu);

  unsigned cpus_;
  std::vector<std::array<Irq, 32>> banks_;
  std::array<Irq, kLines - 32> shared_{};
  std::vector<Interface> interfaces_;
  Distributor distributor_;
  CpuInterface interface_;
  Hypervisor hypervisor_;
};

std::uint64_t Model::Distributor::read(std::uint64_t offset, unsigned bytes) {
  if (offset == gicd::kCTLR) return model_.distributor_is_on ? 1 : 0;
  if (offset == gicd::kTYPER) return (kLines / 32 - 1) | (model_.cpus_ - 1) << 5;
  std::uint64_t value = 0;
  if (offset >= gicd::kISENABLER && offset < gicd::kIPRIORITYR) {
    for (unsigned n = 0; n < 32; ++n) {
      const Irq& irq = model_.at(here(), static_cast<unsigned>(offset % 0x80) / 4 * 32 + n);
      const bool is = offset < gicd::kISPENDR     ? irq.enabled
                      : offset < gicd::kISACTIVER ? irq.pending
                                                  : irq.active;
      value |= std::uint64_t{is} << n;
    }
  }
  if (offset >= gicd::kIPRIORITYR && offset < gicd::kIPRIORITYR + kLines) {
    for (unsigned n = 0; n < bytes; ++n) {
      const auto number = static_cast<unsigned>(offset - gicd::kIPRIORITYR + n);
      value |= std::uint64_t{model_.at(here(), number).priority} << (n * 8);
    }
  }
  if (offset >= gicd::kITARGETSR && offset < gicd::kITARGETSR + kLines && model_.cpus_ > 1) {
    for (unsigned n = 0; n < bytes; ++n) {
      const auto number = static_cast<unsigned>(offset - gicd::kITARGETSR + n);
      const std::uint8_t targets = number < 32 ? bit_of_cpu(here()) : model_.at(0, number).targets;
      value |= std::uint64_t{targets} << (n * 8);
    }
  }
  if (offset >= gicd::kICFGR && offset < gicd::kICFGR + kLines / 4) {
    const auto first = static_cast<unsigned>(offset - gicd::kICFGR) * 4;
    for (unsigned n = 0; n < 16; ++n)
      value |= std::uint64_t{model_.at(here(), first + n).edge} << (2 * n + 1);
  }
  return value;
}

void Model::Distributor::write(std::uint64_t offset, unsigned bytes, std::uint64_t value) {
  if (offset == gicd::kCTLR) model_.distributor_is_on = (value & 1) != 0;
  if (offset == gicd2::kSGIR) {
    const auto word = static_cast<std::uint32_t>(value);
    EXPECT_EQ(gicd2::sgir::TargetListFilter::get(word), 0u);
    for (unsigned cpu = 0; cpu < model_.cpus_; ++cpu) {
      if ((gicd2::sgir::CPUTargetList::get(word) & bit_of_cpu(cpu)) == 0) continue;
      Irq& irq = model_.at(cpu, gicd2::sgir::SGIINTID::get(word));
      irq.pending = true;
      irq.sources |= bit_of_cpu(here());
    }
  }
  if (offset >= gicd::kISENABLER && offset < gicd::kIPRIORITYR) {
    for (unsigned n = 0; n < 32; ++n) {
      if ((value >> n & 1) == 0) continue;
      Irq& irq = model_.at(here(), static_cast<unsigned>(offset % 0x80) / 4 * 32 + n);
      const bool set = offset / 0x80 % 2 == 0;
      (offset < gicd::kISPENDR     ? irq.enabled
       : offset < gicd::kISACTIVER ? irq.pending
                                   : irq.active) = set;
      if (offset >= gicd::kICPENDR && offset < gicd::kISACTIVER) irq.sources = 0;
    }
  }
  if (offset >= gicd::kIPRIORITYR && offset < gicd::kIPRIORITYR + kLines) {
    for (unsigned n = 0; n < bytes; ++n) {
      model_.at(here(), static_cast<unsigned>(offset - gicd::kIPRIORITYR) + n).priority =
          static_cast<std::uint8_t>(value >> (n * 8));
    }
  }
  if (offset >= gicd::kITARGETSR + 32 && offset < gicd::kITARGETSR + kLines) {
    for (unsigned n = 0; n < bytes; ++n) {
      model_.at(0, static_cast<unsigned>(offset - gicd::kITARGETSR) + n).targets =
          static_cast<std::uint8_t>(value >> (n * 8));
    }
  }
  if (offset >= gicd::kICFGR && offset < gicd::kICFGR + kLines / 4) {
    const auto first = static_cast<unsigned>(offset - gicd::kICFGR) * 4;
    for (unsigned n = 0; n < 16; ++n)
      model_.at(here(), first + n).edge = (value >> (2 * n + 1) & 1) != 0;
  }
}

std::uint32_t Model::acknowledge(unsigned cpu) {
  if (!distributor_is_on || (interfaces_[cpu].control & 1) == 0 ||
      !interfaces_[cpu].running.empty())
    return 1023;
  for (unsigned n = 0; n < kLines; ++n) {
    Irq& irq = at(cpu, n);
    if (!irq.enabled || !irq.pending || irq.active) continue;
    if (irq.priority >= interfaces_[cpu].mask) continue;
    if (n >= 32 && cpus_ > 1 && (irq.targets & bit_of_cpu(cpu)) == 0) continue;
    irq.active = true;
    irq.pending = false;
    const std::uint32_t value =
        n | (n < 16 ? static_cast<std::uint32_t>(__builtin_ctz(irq.sources)) << 10 : 0);
    irq.sources = 0;
    interfaces_[cpu].running.push_back(value);
    return value;
  }
  return 1023;
}

std::uint64_t Model::CpuInterface::read(std::uint64_t offset, unsigned) {
  if (wide_ && offset < 0x1'0000) offset %= 0x1000;
  if (offset == gicc::kIAR) return model_.acknowledge(here());
  return offset == gicc::kIIDR ? 0x0202'143b : 0;
}

void Model::CpuInterface::write(std::uint64_t offset, unsigned, std::uint64_t value) {
  const auto word = static_cast<std::uint32_t>(value);
  Interface& own = model_.interfaces_[here()];
  if (offset == gicc::kCTLR) own.control = word;
  if (offset == gicc::kPMR) {
    own.mask = word;
    ++own.mask_writes;
  }
  if (offset == gicc::kEOIR) {
    if (own.running.empty() || own.running.back() != word)
      ++model_.wrong_ends;
    else
      own.running.pop_back();
  }
  if (offset == (wide_ ? 0x1'0000u : 0x1000u)) model_.at(here(), word & 0x3ff).active = false;
}

// A GIC that Socle has taken over, on all its CPUs.
struct Running {
  explicit Running(unsigned cpus, bool wide = false) : model(cpus, wide) {
    taken_by_guest.clear();
    be(0);
    good = gic::init_distributor(model.describe()).has_value();
    for (unsigned cpu = 0; cpu < cpus && good; ++cpu) {
      be(cpu);
      good = gic::init_cpu().has_value();
    }
    be(0);
  }
  ~Running() {
    be(0);
    port::set_kick_sender(nullptr);
  }
  void raise(unsigned number) { model.at(0, number).pending = true; }
  Model model;
  bool good = false;
};

void enable(std::uint32_t number) {
  port::irq_change(IrqState::kEnabled, port::current_cpu(), number / 32, 1u << (number % 32), true);
}

unsigned handled = 0;

TEST(Gicv2, OneInterruptCanBeTheOnlyOneThatIsSignalled) {
  Running running(2);
  ASSERT_TRUE(running.good);
  handled = 0;
  const auto handler = [](IntId id) { handled += id.value(); };
  ASSERT_TRUE(gic::set_handler(IntId(26), handler, false));
  ASSERT_TRUE(gic::set_handler(IntId(53), handler, true));
  gic::mask_all_but(IntId(26));
  running.raise(26);
  running.raise(53);
  gic::dispatch_physical();
  EXPECT_EQ(handled, 26u);
  gic::unmask_all();
  gic::dispatch_physical();
  EXPECT_EQ(handled, 26u + 53u);
}

TEST(Gicv2, LookingAgainIsAWriteThatChangesNothing) {
  Running running(2);
  ASSERT_TRUE(running.good);
  be(1);
  const Model::Interface before = running.model.interface_of(1);
  port::irq_look_again();
  EXPECT_EQ(running.model.interface_of(1).mask, before.mask);
  EXPECT_EQ(running.model.interface_of(1).mask_writes, before.mask_writes + 1);
  EXPECT_EQ(running.model.interface_of(0).mask_writes, 1u);
}

TEST(Gicv2, AHandlersInterruptComesToTheBootCpuAndMayComeAgain) {
  Running running(2);
  ASSERT_TRUE(running.good);
  EXPECT_EQ(gic::lines(), kLines);
  handled = 0;
  ASSERT_TRUE(gic::set_handler(IntId(53), [](IntId id) { handled += id.value(); }, true));
  EXPECT_EQ(running.model.at(0, 53).targets, Model::bit_of_cpu(0));
  EXPECT_TRUE(running.model.at(0, 53).edge);
  for (unsigned n = 1; n <= 3; ++n) {
    running.raise(53);
    gic::dispatch_physical();
    EXPECT_EQ(handled, 53 * n);
    EXPECT_FALSE(running.model.at(0, 53).active);
  }
  EXPECT_EQ(running.model.wrong_ends, 0u);
}

TEST(Gicv2, AGuestsInterruptStaysActiveUntilItIsDeactivated) {
  for (const bool wide : {false, true}) {
    Running running(2, wide);
    ASSERT_TRUE(port::irq_give_to_guest(IntId(40)));
    enable(40);
    running.raise(40);
    gic::dispatch_physical();
    EXPECT_EQ(taken_by_guest, std::vector<std::uint32_t>{40});
    EXPECT_TRUE(running.model.at(0, 40).active);
    EXPECT_TRUE(running.model.interface_of(0).running.empty());
    EXPECT_EQ(port::irq_read(IrqState::kActive, CpuIndex{0}, 1), 1u << 8);
    port::irq_deactivate(IntId(40));
    EXPECT_FALSE(running.model.at(0, 40).active);
  }
}

TEST(Gicv2, AKickReachesItsCpuAndIsEndedWithItsSender) {
  Running running(3);
  be(2);
  gic::kick(CpuIndex{1});
  EXPECT_FALSE(running.model.at(0, 0).pending);
  EXPECT_TRUE(running.model.at(1, 0).pending);
  be(1);
  gic::dispatch_physical();
  EXPECT_FALSE(running.model.at(1, 0).pending);
  EXPECT_FALSE(running.model.at(1, 0).active);
  EXPECT_EQ(running.model.wrong_ends, 0u);
}

TEST(Gicv2, AnSpiGoesWhereItIsSentByTheTargetsThatTheGicUses) {
  Running running(4);
  port::irq_set_target(IntId(33), CpuIndex{3});
  EXPECT_EQ(running.model.at(0, 33).targets, Model::bit_of_cpu(3));
  EXPECT_EQ(running.model.at(0, 32).targets, Model::bit_of_cpu(0));
}

TEST(Gicv2, WithOneCpuThereAreNoTargets) {
  Running running(1);
  ASSERT_TRUE(running.good);
  ASSERT_TRUE(port::irq_give_to_guest(IntId(50)));
  enable(50);
  running.raise(50);
  gic::dispatch_physical();
  EXPECT_EQ(taken_by_guest, std::vector<std::uint32_t>{50});
}

TEST(Gicv2, PrivateInterruptsOfAnotherCpuAreOutOfReach) {
  Running running(2);
  port::irq_change(IrqState::kEnabled, CpuIndex{1}, 0, 1u << 27, true);
  EXPECT_FALSE(running.model.at(0, 27).enabled);
  EXPECT_FALSE(running.model.at(1, 27).enabled);
  be(1);
  port::irq_change(IrqState::kEnabled, CpuIndex{1}, 0, 1u << 27, true);
  EXPECT_TRUE(running.model.at(1, 27).enabled);
}

TEST(Gicv2, WhatNobodyClaimedIsDisabledWithALine) {
  Running running(2);
  sim::LogCapture log;
  enable(60);
  running.raise(60);
  gic::dispatch_physical();
  EXPECT_TRUE(log.contains("60 has no handler"));
  EXPECT_FALSE(running.model.at(0, 60).enabled);
  EXPECT_FALSE(running.model.at(0, 60).active);
}

TEST(Gicv2, ADescriptionThatLacksAnythingIsRefused) {
  Model model(2);
  sim::LogCapture log;
  be(0);
  platform::Gic without = model.describe();
  without.hypervisor_interface = {};
  EXPECT_TRUE(gic::init_distributor(without).error() == Error::kUnsupported);
  EXPECT_TRUE(log.contains("GICH"));
  platform::Gic small = model.describe();
  small.cpu_interface = PaRange(Pa(kInterface), Pa(kInterface + 0x1000));
  EXPECT_TRUE(gic::init_distributor(small).error() == Error::kInvalid);
  platform::Gic none = model.describe();
  none.distributor = {};
  EXPECT_TRUE(gic::init_distributor(none).error() == Error::kInvalid);
  EXPECT_FALSE(gic::is_present());
}

TEST(Gich, AListRegisterMeansTheSameInBothLayouts) {
  namespace lr = hw::ich::lr;
  const std::uint64_t linked = lr::VINTID::make(77) | lr::PINTID::make(77) | lr::HW::kMask |
                               lr::Priority::make(0xa8) | lr::Group::kMask | lr::kPendingBit;
  EXPECT_EQ(port::gich::list_register_to_memory(linked), 0xda80'0000u | 77u << 10 | 77u);
  EXPECT_EQ(port::gich::list_register_from_memory(0xda80'0000u | 77u << 10 | 77u), linked);
  const std::uint64_t sgi =
      lr::VINTID::make(3) | lr::Source::make(5) | lr::EOI::kMask | lr::kActiveBit | lr::kPendingBit;
  EXPECT_EQ(port::gich::list_register_to_memory(sgi), 0x3000'0000u | 1u << 19 | 5u << 10 | 3u);
  EXPECT_EQ(port::gich::list_register_from_memory(port::gich::list_register_to_memory(sgi)), sgi);
}

TEST(Gich, SixteenListRegistersAreUsedAndTheirEndsCannotBeTrapped) {
  namespace vtr = hw::ich::vtr;
  const std::uint64_t gic400 = port::gich::type_from_memory(0x9000'0003);
  EXPECT_EQ(vtr::ListRegs::get(gic400), 3u);
  EXPECT_EQ(vtr::PRIbits::get(gic400), 4u);
  EXPECT_EQ(vtr::PREbits::get(gic400), 4u);
  EXPECT_EQ(vtr::TDS::get(port::gich::type_from_memory(0x900f'ffff)), 0u);
  EXPECT_EQ(vtr::ListRegs::get(port::gich::type_from_memory(0x9000'003f)), 15u);
}

}  // namespace
}  // namespace socle
