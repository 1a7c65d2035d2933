// SPDX-License-Identifier: Apache-2.0

// How CPUs reach each other's vCPUs: bits left behind (no answer wanted), and requests that wait
// for one. A requester holds no lock while it waits and serves requests to its own vCPU meanwhile,
// so two that ask each other both get their answers.

#include <array>
#include <bit>

#include "base/log.h"
#include "guest/vdev/vgic_core.h"
#include "port/clock.h"
#include "port/irq.h"

namespace socle::guest::vgic::detail {

namespace {

// Far longer than any stay at EL2 with a vCPU loaded (firmware's services run without); a CPU that
// does not answer in this time is broken.
constexpr std::uint64_t kPatienceNs = 100'000'000;

bool is_free(const Request& request) {
  return request.state.load(std::memory_order_acquire) != Request::State::kPosted;
}

// False if the answer did not come in time: the request stays with the other CPU.
bool wait_for(Vcpu& self, const Request& request) {
  if (is_free(request)) return true;
  const std::uint64_t start = port::system_time_ns();
  while (!is_free(request)) {
    serve_requests(self);
    socle::detail::spin_hint();
    if (port::system_time_ns() - start > kPatienceNs) return false;
  }
  return true;
}

// Does it here if the target is not loaded (true), or leaves it for the target's CPU.
bool execute_or_post(Vcpu& self, Vcpu& target, Request& request) {
  {
    const LockGuard guard(target.gic.lock);
    if (!target.gic.loaded) {
      take_incoming(target);
      execute(target, request);
      return true;
    }
    request.state.store(Request::State::kPosted, std::memory_order_release);
    target.gic.requesters[self.id / 64].fetch_or(std::uint64_t{1} << (self.id % 64),
                                                 std::memory_order_acq_rel);
  }
  post_work(target, Work::kVgicSync);
  return false;
}

std::uint32_t in_flight(const Vcpu& self, unsigned word, std::uint32_t mask) {
  const std::uint32_t hardware = hardware_word(self, word);
  std::uint32_t candidates = mask & ~hardware;
  // A hardware interrupt that a vCPU holds is active physically.
  if ((mask & hardware) != 0)
    candidates |= mask & hardware & port::irq_read(port::IrqState::kActive, self.cpu, word);
  return candidates;
}

}  // namespace

void post(Vcpu& vcpu, std::uint32_t interrupt) {
  SharedInterruptSet& incoming = vcpu.gic.incoming;
  const std::uint32_t bit = bit_of(interrupt);
  const std::uint32_t before =
      incoming.words[interrupt / 32].fetch_or(bit, std::memory_order_acq_rel);
  if ((before & bit) != 0) return;  // whoever left it there has said so, or is about to
  incoming.words_used.fetch_or(1u << (interrupt / 32), std::memory_order_release);
  post_work(vcpu, Work::kVgic);
}

Answer ask(Vcpu& self, Vcpu& target, Operation operation, unsigned word, std::uint32_t mask) {
  if (mask == 0 && operation != Operation::kRecheck) return {};
  Request& request = self.gic.request;
  // One that was given up must come back before the next: the other CPU may still write to it.
  if (!wait_for(self, request)) return {};
  request.operation = operation;
  request.word = static_cast<std::uint8_t>(word);
  request.mask = mask;
  if (&self == &target) {
    take_incoming(self);
    execute(self, request);
    refill(self);
  } else if (!execute_or_post(self, target, request) && !wait_for(self, request)) {
    log_error("vgic: the CPU of vCPU {} does not answer", target.id);
    return {};
  }
  return {request.pending, request.active};
}

Answer ask_holders(Vcpu& self, Operation operation, unsigned word, std::uint32_t mask) {
  Answer answer;
  Domain& domain = self.domain;
  std::uint32_t left = in_flight(self, word, mask);
  while (left != 0) {
    // All that the holder of the first of them holds.
    std::uint16_t holder = kNoVcpu;
    std::uint32_t same = 0;
    for (std::uint32_t bits = left; bits != 0; bits &= bits - 1) {
      const std::uint32_t interrupt = word * 32 + static_cast<unsigned>(std::countr_zero(bits));
      const std::uint16_t its = spi_of(domain, interrupt).holder.load(std::memory_order_seq_cst);
      if (its == kNoVcpu) {
        left &= ~bit_of(interrupt);
        continue;
      }
      if (holder == kNoVcpu) holder = its;
      if (holder == its) same |= bit_of(interrupt);
    }
    if (same == 0) break;
    left &= ~same;
    const Answer part = ask(self, *domain.vcpus[holder], operation, word, same);
    answer.pending |= part.pending;
    answer.active |= part.active;
  }
  return answer;
}

void reconsider_spis(Vcpu& self, unsigned word, std::uint32_t mask) {
  ask_holders(self, Operation::kPark, word, mask);
  send_resting(self.domain, word, mask);
}

// They go to their holder, where they may still be active, and from there to their target.
void send_resting(Domain& domain, unsigned word, std::uint32_t mask) {
  DomainState& state = domain.gic;
  const std::uint32_t levels = ~state.edge[word].load(std::memory_order_relaxed);
  const std::uint32_t pending = state.latched[word].load(std::memory_order_seq_cst) |
                                (state.line[word].load(std::memory_order_seq_cst) & levels);
  std::uint32_t bits = mask & pending & state.deliverable[word].load(std::memory_order_seq_cst) &
                       ~state.hardware[word].load(std::memory_order_relaxed);
  for (; bits != 0; bits &= bits - 1) {
    const std::uint32_t interrupt = word * 32 + static_cast<unsigned>(std::countr_zero(bits));
    Spi& spi = spi_of(domain, interrupt);
    std::uint16_t holder = spi.holder.load(std::memory_order_seq_cst);
    if (holder == kNoVcpu) {
      const std::uint16_t target = spi.target.load(std::memory_order_seq_cst);
      if (target == kNoVcpu) continue;
      // Somebody may do the same now; one of them finds it taken.
      if (spi.holder.compare_exchange_strong(holder, target, std::memory_order_seq_cst))
        holder = target;
    }
    post(*domain.vcpus[holder], interrupt);
  }
}

void serve_requests(Vcpu& vcpu) {
  VcpuState& state = vcpu.gic;
  bool served = false;
  for (unsigned n = 0; n < state.requesters.size(); ++n) {
    if (state.requesters[n].load(std::memory_order_relaxed) == 0) continue;
    std::uint64_t who = state.requesters[n].exchange(0, std::memory_order_acq_rel);
    if (!served) take_incoming(vcpu);
    served = true;
    for (; who != 0; who &= who - 1) {
      const unsigned id = n * 64 + static_cast<unsigned>(std::countr_zero(who));
      Request& request = vcpu.domain.vcpus[id]->gic.request;
      execute(vcpu, request);
      request.state.store(Request::State::kDone, std::memory_order_release);
    }
  }
  if (served) refill(vcpu);
}

}  // namespace socle::guest::vgic::detail
