// SPDX-License-Identifier: Apache-2.0
#pragma once

// DataCache: what the CPUs' caches hold of memory that is not the model's RAM (on-chip SRAM, frame
// buffers), and that memory itself. As unhelpful as the architecture allows: a cached write stays
// in its line until the line is cleaned, or until the test says that hardware writes it back, which
// it may do at any time; a line that was read is answered from, whatever memory says by then. While
// one exists, port/cache.h's frame operation on the host leads here.
//
// Source: Arm ARM DDI 0487, D7.4 (caches), B2.8 (mismatched attributes).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

#include "base/range.h"
#include "base/types.h"

namespace socle::sim {

class DataCache {
 public:
  DataCache();
  ~DataCache();
  DataCache(const DataCache&) = delete;
  DataCache& operator=(const DataCache&) = delete;
  static DataCache* current();

  // What a CPU does through a write-back mapping.
  void write_cached(Pa address, std::uint64_t value);
  std::uint64_t read_cached(Pa address);
  // What a CPU does through any other mapping, and a device in any case.
  void write_memory(Pa address, std::uint64_t value);
  [[nodiscard]] std::uint64_t read_memory(Pa address) const;

  // Hardware writes back what is dirty, and forgets all lines.
  void evict_all();
  [[nodiscard]] bool holds(Mfn frame) const;

  // What port/host calls. `on_clean` is called first: for tests that ask what came before.
  void clean_invalidate(Mfn frame);
  std::function<void(Mfn)> on_clean;

 private:
  static constexpr std::uint64_t kLine = 64;
  struct Line {
    std::map<std::uint64_t, std::uint64_t> words;  // by address; a line is filled word by word
    bool is_dirty = false;
  };
  static std::uint64_t line_of(Pa address) { return address.value() / kLine; }
  void write_back(const Line& line);

  std::map<std::uint64_t, Line> lines_;
  std::map<std::uint64_t, std::uint64_t> memory_;  // reads as zero
};

}  // namespace socle::sim
