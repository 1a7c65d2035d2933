// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <fmt/format.h>

#include "plan/report.h"

namespace socle::plan {

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kReady:
      return "ready";
    case Verdict::kPlanned:
      return "planned";
    case Verdict::kDescribed:
      return "described";
    case Verdict::kRefused:
      return "refused";
  }
  return "";
}

std::string printable(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (const char byte : bytes) {
    if (byte >= ' ' && byte <= '~')
      out.push_back(byte);
    else
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
  }
  return out;
}

std::string hexadecimal(std::uint64_t value) {
  return fmt::format("{:#x}", value);
}

std::string human_size(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  std::uint64_t tenths = 0;
  while (bytes >= 1024 && unit + 1 < kUnits.size()) {
    tenths = bytes % 1024 * 10 / 1024;
    bytes /= 1024;
    ++unit;
  }
  return tenths == 0 ? fmt::format("{} {}", bytes, kUnits[unit])
                     : fmt::format("{}.{} {}", bytes, tenths, kUnits[unit]);
}

}  // namespace socle::plan
