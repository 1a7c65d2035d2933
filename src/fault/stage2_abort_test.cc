// SPDX-License-Identifier: Apache-2.0
#include "fault/stage2_abort.h"

#include <random>

#include "base/test.h"
#include "fault/map_on_demand.h"
#include "fault/mmio_decode.h"
#include "guest/cpu_doubles_for_tests.h"
#include "guest/exits.h"
#include "guest/mmio_faults.h"
#include "hw/esr.h"
#include "port/at.h"
#include "port/clock.h"
#include "sim/host_seams.h"

namespace socle::fault {

namespace {

using guest::CpuFrame;
using guest::MmioAccess;
using guest::TestGuest;
using hw::DataAbort;
using hw::Esr;
using hw::ExceptionClass;
using hw::Pstate;

constexpr std::uint64_t kVectors = 0xffff'8000'1000'0800;
constexpr std::uint64_t kPc = 0x8'0000;
constexpr std::uint64_t kDevice = 0x0800'0000;
constexpr std::uint64_t kDeviceWithReader = 0x0a00'0000;
constexpr std::uint64_t kTranslationFault = 0x07;
constexpr std::uint64_t kPermissionFault = 0x0f;

MmioAccess last_access;
bool device_answers = true;
unsigned short_reads = 0;

Touch resolved;
Resolution answer = Resolution::kDenied;
unsigned resolutions = 0;

bool device(guest::Vcpu&, MmioAccess& access) {
  last_access = access;
  if (!access.is_write) access.value = 0xabcd'ef01;
  return device_answers;
}

std::uint32_t read_device(guest::Vcpu&, std::uint64_t offset) {
  ++short_reads;
  last_access = {.address = Ipa(kDeviceWithReader + offset), .value = 0xabcd'ef01};
  return 0xabcd'ef01;
}

class Machine {
 public:
  Machine() {
    guest::set_register<hw::VBAR_EL1>(kVectors);
    (void)guest.domain().mmio.add(*Range<Ipa>::from_size(Ipa(kDevice), 0x1'0000), device);
    (void)guest.domain().mmio.add(*Range<Ipa>::from_size(Ipa(kDeviceWithReader), 0x1'0000), device,
                                  read_device);
    last_access = {};
    device_answers = true;
    short_reads = 0;
    resolved = {};
    answer = Resolution::kDenied;
    resolutions = 0;
  }
  // The domain has a policy for such faults.
  void record_faults() { guest.domain().mmio_faults = &faults; }
  void abort(ExceptionClass ec, std::uint64_t address, std::uint64_t iss) {
    guest::set_register<hw::FAR_EL2>(0xffff'0000'0000'0000 | (address & 0xfff));
    guest::set_register<hw::HPFAR_EL2>(hw::HPFAR_EL2::FIPA::make(address >> 12));
    guest.frame().pc = kPc;
    guest.frame().esr = Esr::make(ec, true, iss);
    guest::stage2_abort_entry(guest.vcpu(), guest.frame());
  }
  void data_abort(std::uint64_t address, std::uint64_t iss) {
    abort(ExceptionClass::kDataAbortLower, address, iss);
  }
  void map(std::uint64_t address, Permissions permissions) {
    guest::doubles().mapped[address >> 12] = stage2::Translation{
        .mfn = Mfn(1),
        .attributes = {.type = MemoryType::kNormalWriteBack, .permissions = permissions},
        .block = kOrder4K};
  }
  [[nodiscard]] bool was_injected() { return guest.frame().pc == kVectors + 0x200; }
  [[nodiscard]] bool will_retry() { return guest.frame().pc == kPc; }
  [[nodiscard]] bool was_done() { return guest.frame().pc == kPc + 4; }

  TestGuest guest;
  guest::MmioFaults faults{guest::MmioFaults::Policy::kMap};
  sim::LogCapture log;
};

constexpr std::uint64_t load_to(std::uint64_t rt) {
  return DataAbort::ISV::kMask | DataAbort::SAS::make(2) | DataAbort::SRT::make(rt) |
         kTranslationFault;
}

}  // namespace

// What map_on_demand.cc would do.
Resolution resolve(guest::Domain&, const Touch& touch) {
  ++resolutions;
  resolved = touch;
  return answer;
}

TEST(Stage2Abort, LoadFromAnEmulatedRegisterIsDone) {
  Machine machine;
  machine.data_abort(kDevice + 0xffc, load_to(7));
  EXPECT_TRUE(machine.was_done());
  EXPECT_EQ(machine.guest.frame().x[7], 0xabcd'ef01u);
  EXPECT_EQ(last_access.address.value(), kDevice + 0xffc);
  EXPECT_EQ(last_access.bytes, 4u);
  EXPECT_FALSE(last_access.is_write);
}

TEST(Stage2Abort, StoreToAnEmulatedRegisterIsDone) {
  Machine machine;
  machine.guest.frame().x[9] = 0x1'2345'6789;
  machine.data_abort(kDevice, load_to(9) | DataAbort::WnR::kMask);
  EXPECT_TRUE(machine.was_done());
  EXPECT_TRUE(last_access.is_write);
  EXPECT_EQ(last_access.value, 0x2345'6789u);
}

TEST(Stage2Abort, RefusedAccessBecomesAnExternalAbort) {
  Machine machine;
  device_answers = false;
  machine.guest.frame().x[7] = 5;
  machine.data_abort(kDevice, load_to(7));
  EXPECT_TRUE(machine.was_injected());
  EXPECT_EQ(machine.guest.frame().x[7], 5u);
  EXPECT_EQ(machine.log.lines().size(), 1u);
}

TEST(Stage2Abort, AccessWithoutSyndromeBecomesAnExternalAbort) {
  Machine machine;
  machine.data_abort(kDevice, kTranslationFault);
  EXPECT_TRUE(machine.was_injected());
  EXPECT_TRUE(machine.log.contains("without syndrome"));
  EXPECT_EQ(DataAbort::DFSC::get(guest::get_register<hw::ESR_EL1>()), 0x10u);
}

TEST(Stage2Abort, FetchOrTableWalkInDeviceRegistersAborts) {
  Machine machine;
  machine.abort(ExceptionClass::kInstructionAbortLower, kDevice, kTranslationFault);
  EXPECT_TRUE(machine.was_injected());
  EXPECT_EQ(Esr::exception_class(guest::get_register<hw::ESR_EL1>()),
            ExceptionClass::kInstructionAbortSame);
  machine.guest.frame().pstate = Pstate::kEl1h;
  machine.data_abort(kDevice, load_to(1) | DataAbort::S1PTW::kMask);
  EXPECT_TRUE(machine.was_injected());
  EXPECT_EQ(DataAbort::DFSC::get(guest::get_register<hw::ESR_EL1>()), 0x17u);
}

TEST(Stage2Abort, CacheMaintenanceOfDeviceRegistersDoesNothing) {
  Machine machine;
  machine.data_abort(kDevice, DataAbort::CM::kMask | DataAbort::WnR::kMask | kTranslationFault);
  EXPECT_TRUE(machine.was_done());
  EXPECT_EQ(last_access.address.value(), 0u);
}

TEST(Stage2Abort, FrameThatIsMappedMeanwhileIsTriedAgain) {
  Machine machine;
  machine.map(0x4000'0000, {.read = true, .write = true, .execute = true});
  machine.data_abort(0x4000'0123, load_to(1));
  EXPECT_TRUE(machine.will_retry());
  machine.data_abort(0x4000'0000, kTranslationFault | DataAbort::S1PTW::kMask);
  EXPECT_TRUE(machine.will_retry());
  machine.abort(ExceptionClass::kInstructionAbortLower, 0x4000'0000, kTranslationFault);
  EXPECT_TRUE(machine.will_retry());
  EXPECT_TRUE(machine.log.lines().empty());
}

TEST(Stage2Abort, FrameMappedWithoutThePermissionIsNotTriedForever) {
  Machine machine;
  machine.map(0x4000'0000, {.read = true, .write = false, .execute = false});
  machine.data_abort(0x4000'0123, load_to(1) | DataAbort::WnR::kMask);
  EXPECT_TRUE(machine.was_injected());
  machine.guest.frame().pstate = Pstate::kEl1h;
  machine.data_abort(0x4000'0123, DataAbort::ISV::kMask | DataAbort::WnR::kMask | kPermissionFault);
  EXPECT_TRUE(machine.was_injected());
}

TEST(Stage2Abort, UnmappedAddressIsTheGuestsProblemWithOneLine) {
  Machine machine;
  machine.data_abort(0x3000'0abc, load_to(1));
  EXPECT_TRUE(machine.was_injected());
  EXPECT_EQ(guest::get_register<hw::FAR_EL1>(), 0xffff'0000'0000'0abcu);
  EXPECT_EQ(guest::get_register<hw::ELR_EL1>(), kPc);
  EXPECT_EQ(machine.log.lines().size(), 1u);
  EXPECT_TRUE(machine.log.contains("0x30000abc"));
}

// Requirement 1.5.
TEST(Stage2Abort, WithoutAPolicyNothingOfMappingOnDemandRuns) {
  Machine machine;
  answer = Resolution::kRetry;
  machine.data_abort(0x3000'0abc, load_to(1));
  EXPECT_TRUE(machine.was_injected());
  EXPECT_EQ(resolutions, 0u);
  EXPECT_EQ(machine.faults.totals(guest::MmioFaults::Outcome::kDenied).faults, 0u);
}

TEST(Stage2Abort, TheOrderIsEmulatedThenMappedMeanwhileThenOnDemand) {
  Machine machine;
  machine.record_faults();
  machine.map(0x4000'0000, {.read = true, .write = true, .execute = true});
  machine.data_abort(kDevice, load_to(1));
  EXPECT_TRUE(machine.was_done());
  machine.data_abort(0x4000'0000, load_to(1));
  EXPECT_TRUE(machine.will_retry());
  EXPECT_EQ(resolutions, 0u);
  answer = Resolution::kRetry;
  machine.data_abort(0x3000'0abc, load_to(1));
  EXPECT_TRUE(machine.will_retry());
  EXPECT_EQ(resolutions, 1u);
  EXPECT_EQ(resolved.frame, Gfn(0x3'0000));
  EXPECT_EQ(resolved.pc, kPc);
}

// Requirement 1.12: whatever the access was, it is repeated.
TEST(Stage2Abort, AccessesWithoutSyndromeAndTableWalksAreMappedOnDemandToo) {
  Machine machine;
  machine.record_faults();
  answer = Resolution::kRetry;
  machine.data_abort(0x3000'0abc, kTranslationFault);
  EXPECT_TRUE(machine.will_retry());
  machine.data_abort(0x3000'0abc, kTranslationFault | DataAbort::S1PTW::kMask);
  EXPECT_TRUE(machine.will_retry());
  machine.data_abort(0x3000'0abc, kTranslationFault | DataAbort::CM::kMask | DataAbort::WnR::kMask);
  EXPECT_TRUE(machine.will_retry());
  EXPECT_EQ(resolutions, 3u);
  EXPECT_TRUE(resolved.is_data);
}

// Requirements 1.2, 1.4.
TEST(Stage2Abort, OnlyTranslationFaultsAreResolvedAndFetchesAreCalledThat) {
  Machine machine;
  machine.record_faults();
  machine.abort(ExceptionClass::kInstructionAbortLower, 0x3000'0abc, kTranslationFault);
  EXPECT_EQ(resolutions, 1u);
  EXPECT_FALSE(resolved.is_data);
  machine.abort(ExceptionClass::kInstructionAbortLower, 0x3000'0abc,
                kTranslationFault | DataAbort::S1PTW::kMask);
  EXPECT_FALSE(resolved.is_data);
  constexpr std::uint64_t kAccessFlagFault = 0x0b;
  constexpr std::uint64_t kAddressSizeFault = 0x03;
  for (const std::uint64_t status : {kPermissionFault, kAccessFlagFault, kAddressSizeFault})
    machine.data_abort(0x3000'0abc, status);
  EXPECT_EQ(resolutions, 2u);
  EXPECT_TRUE(machine.was_injected());
}

TEST(Stage2Abort, TheLineSaysWhoseAddressItIs) {
  Machine machine;
  port::host_counter = 200'000'000'000;
  machine.record_faults();
  const std::array<guest::MmioFaults::Named, 1> named = {
      {{MfnRange(Mfn(0x3'0000), Mfn(0x3'0001)), Text<48>("/uart@30000000")}}};
  machine.faults.named = named;
  machine.data_abort(0x3000'0abc, load_to(1));
  EXPECT_TRUE(machine.log.contains("0x30000abc /uart@30000000 (va"));
  machine.data_abort(0x3000'1abc, load_to(1));
  EXPECT_TRUE(machine.log.contains("0x30001abc (va"));
}

TEST(Stage2Abort, APageThatIsOnRecordIsNotLoggedAgain) {
  Machine machine;
  port::host_counter = 100'000'000'000;  // long after the lines of other tests
  machine.record_faults();
  machine.data_abort(0x3000'0abc, load_to(1));
  EXPECT_TRUE(machine.was_injected());
  EXPECT_EQ(machine.log.lines().size(), 1u);
  answer = Resolution::kDeniedAgain;
  machine.data_abort(0x3000'0abc, load_to(1));
  EXPECT_TRUE(machine.was_injected());
  EXPECT_EQ(machine.log.lines().size(), 1u);
}

// HPFAR_EL2 says where a translation is missing, and is anything after a permission or alignment
// fault (Arm ARM DDI 0487, D24.2 "HPFAR_EL2").
TEST(Stage2Abort, WithoutAnAddressTheLineHasThatOfTheGuestsTables) {
  Machine machine;
  port::host_stage1 = [](std::uint64_t address, bool) -> Result<Ipa> {
    return Ipa(0x5000'0000 | (address & 0xfff));
  };
  machine.data_abort(0x4000'0123, kPermissionFault);
  EXPECT_TRUE(machine.log.contains("of 0x50000123 (va"));
  machine.data_abort(0x4000'0123, 0x21);
  port::host_stage1 = [](std::uint64_t, bool) -> Result<Ipa> { return fail(Error::kFault); };
  machine.data_abort(0x4000'0123, kPermissionFault);
  EXPECT_TRUE(machine.log.contains("of 0x40000123 (perhaps) (va"));
  port::host_stage1 = nullptr;
  EXPECT_EQ(machine.log.lines().size(), 3u);
}

TEST(Stage2Abort, TlbConflictIsClearedAndTriedAgain) {
  Machine machine;
  machine.data_abort(0, 0x30);
  EXPECT_TRUE(machine.will_retry());
}

// The short cuts for little-endian AArch64 and the full decoding are descriptions of one thing.
void agree_at(std::uint64_t address) {
  Machine machine;
  std::mt19937_64 random(11);  // NOLINT: reproducible
  for (unsigned i = 0; i < 20'000; ++i) {
    CpuFrame& frame = machine.guest.frame();
    for (std::uint64_t& x : frame.x)
      x = random();
    const std::uint64_t iss = (random() & Esr::ISS::kMask & ~std::uint64_t{0x3f}) |
                              DataAbort::ISV::kMask | kTranslationFault;
    if ((iss & (DataAbort::CM::kMask | DataAbort::S1PTW::kMask)) != 0) continue;
    CpuFrame expected = frame;
    expected.esr = Esr::make(ExceptionClass::kDataAbortLower, true, iss);
    const auto instruction = decode_mmio(expected, 0);
    MmioAccess access = begin_access(expected, *instruction, Ipa(address));
    const std::uint64_t stored = access.value;
    access.value = 0xabcd'ef01;
    finish_access(expected, *instruction, access);
    machine.data_abort(address, iss);
    ASSERT_TRUE(machine.was_done());
    ASSERT_EQ(last_access.address, Ipa(address));
    ASSERT_EQ(last_access.bytes, instruction->bytes);
    ASSERT_EQ(last_access.is_write, instruction->is_write);
    if (instruction->is_write) ASSERT_EQ(last_access.value, stored);
    for (unsigned n = 0; n < 31; ++n)
      ASSERT_EQ(frame.x[n], expected.x[n]);
  }
}

TEST(Stage2Abort, ShortCutAgreesWithTheFullDecoding) {
  agree_at(kDevice + 8);
}

TEST(Stage2Abort, ReadsOfWordsGoToTheReaderAndAgreeToo) {
  agree_at(kDeviceWithReader + 8);
  EXPECT_NE(short_reads, 0u);
}

TEST(Stage2Abort, MisalignedReadsDoNotGoToTheReader) {
  agree_at(kDeviceWithReader + 10);
  EXPECT_EQ(short_reads, 0u);
}

TEST(Stage2Abort, BigEndianGuestTakesTheFullDecoding) {
  Machine machine;
  guest::set_register<hw::SCTLR_EL1>(hw::SCTLR_EL1::EE::kMask);
  machine.data_abort(kDevice, load_to(7));
  EXPECT_TRUE(machine.was_done());
  EXPECT_EQ(machine.guest.frame().x[7], 0x01ef'cdabu);
}

TEST(Stage2Abort, EmulatorIsAskedOnceEvenIfItRefuses) {
  Machine machine;
  static unsigned calls = 0;
  calls = 0;
  (void)machine.guest.domain().mmio.add(*Range<Ipa>::from_size(Ipa(0x900'0000), 0x1000),
                                        [](guest::Vcpu&, MmioAccess&) {
                                          ++calls;
                                          return false;
                                        });
  machine.data_abort(0x900'0000, load_to(7));
  EXPECT_EQ(calls, 1u);
  EXPECT_TRUE(machine.was_injected());
}

// A whole guest hammering at every address and syndrome: bounded log, no other way out than done,
// retried or injected.
TEST(Stage2Abort, ArbitrarySyndromesLeaveTheGuestRunning) {
  Machine machine;
  machine.map(0x4000'0000, {.read = true, .write = true, .execute = true});
  std::mt19937_64 random(5);  // NOLINT: reproducible
  for (unsigned i = 0; i < 200'000; ++i) {
    CpuFrame& frame = machine.guest.frame();
    for (std::uint64_t& x : frame.x)
      x = random();
    frame.pstate = Pstate::kEl1h;
    const std::uint64_t places[] = {kDevice + (random() & 0xffff), 0x4000'0000 + (random() & 0xfff),
                                    random() & 0xffff'ffff'ffff};
    const ExceptionClass ec = (random() & 3) == 0 ? ExceptionClass::kInstructionAbortLower
                                                  : ExceptionClass::kDataAbortLower;
    device_answers = (random() & 7) != 0;
    machine.abort(ec, places[random() % 3], random() & Esr::ISS::kMask);
    ASSERT_TRUE(machine.was_done() || machine.will_retry() || machine.was_injected());
  }
  EXPECT_LE(machine.log.lines().size(), 10u);
}

}  // namespace socle::fault
