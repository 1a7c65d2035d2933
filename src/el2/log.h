// SPDX-License-Identifier: Apache-2.0
#pragma once

// The log of EL2: a ring of the last lines of every level, and a sink that shows those up to a
// level. Implements base/log.h.
//
// A line logged before there is a sink is shown when the sink is set. Any CPU, any lock held of a
// rank below LockRank::kLog.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/log.h"

namespace socle::el2 {

// Shows one line (no newline), with the log's lock held. Shows what the ring holds so far.
void set_log_sink(void (*sink)(std::string_view line));
bool has_log_sink();

// The highest level shown (loglvl=); the ring keeps all.
void set_log_level(LogLevel level);
LogLevel log_level();

// Text of the ring, lines ended by '\n', from the oldest that is left: copies up to out.size()
// bytes from position `from` (0: the oldest) and returns where to continue, or `from` if there is
// nothing newer. (XEN_SYSCTL_readconsole, dumps.)
struct LogPiece {
  std::size_t bytes = 0;
  std::uint64_t next = 0;
};
LogPiece read_log(std::uint64_t from, std::span<char> out);

// For the crash dump: no lock from now on, every level shown.
void enter_log_emergency();

}  // namespace socle::el2
