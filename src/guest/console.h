// SPDX-License-Identifier: Apache-2.0
#pragma once

// The machine's console as guests use it (CONSOLEIO_write, CONSOLEIO_read). The contract is here,
// the definition belongs to the program: image/ connects it to the console driver, tests to a
// buffer. Any CPU; no lock held.

#include <cstddef>
#include <span>
#include <string_view>

namespace socle::guest {

class Domain;

// Bytes as the guest wrote them. At most a few hundred at a time: output may be as slow as a serial
// line.
void console_write(Domain& domain, std::string_view bytes);
// Takes what has been typed for this domain, at most out.size() bytes; 0: nothing waits. Whoever
// fills the buffer raises VIRQ_CONSOLE afterwards (guest::raise_virq).
std::size_t console_read(Domain& domain, std::span<char> out);

}  // namespace socle::guest
