// SPDX-License-Identifier: Apache-2.0

// The grant-table part of the ABI probe, and how a line is printed.

#include "abi_probe.h"
#include "guest.h"

namespace probe {

namespace {

alignas(4096) constinit std::uint8_t table[4096] = {};
alignas(4096) constinit std::uint8_t source[4096] = {};
alignas(4096) constinit std::uint8_t target[4096] = {};
alignas(4096) constinit std::uint8_t window[4096] = {};
alignas(4096) constinit std::uint8_t other_window[4096] = {};
alignas(4096) constinit std::uint8_t spare[4096] = {};
alignas(16) constinit std::uint8_t buffer[2048] = {};

void put(unsigned offset, unsigned bytes, std::uint64_t value) {
  for (unsigned i = 0; i < bytes; ++i)
    const_cast<volatile std::uint8_t&>(buffer[offset + i]) =
        static_cast<std::uint8_t>(value >> (8 * i));
}
std::uint64_t get(unsigned offset, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    value |= std::uint64_t{const_cast<const volatile std::uint8_t&>(buffer[offset + i])} << (8 * i);
  return value;
}
void clear() {
  for (unsigned i = 0; i < 256; ++i)
    put(i, 1, 0);
}
std::int64_t signed16(unsigned offset) {
  return static_cast<std::int16_t>(get(offset, 2));
}

std::int64_t op(std::uint64_t operation, std::uint64_t count = 1) {
  return guest::hypercall(20, operation, address_of(buffer), count);
}
// The result if the call failed, else 1000 + the status.
std::int64_t status_or(std::int64_t result, unsigned offset) {
  return result != 0 ? result : 1000 + signed16(offset);
}

std::int64_t query_size(std::uint64_t domid) {
  clear();
  put(0, 2, domid);
  return status_or(op(6), 12);
}
std::int64_t set_version(std::uint64_t version) {
  clear();
  put(0, 4, version);
  const std::int64_t result = op(8);
  return result != 0 ? result : 1000 + static_cast<std::int64_t>(get(0, 4));
}
std::int64_t get_version(std::uint64_t domid) {
  clear();
  put(0, 2, domid);
  const std::int64_t result = op(10);
  return result != 0 ? result : 1000 + static_cast<std::int64_t>(get(4, 4));
}
std::int64_t setup_table(std::uint64_t domid, std::uint64_t frames, std::uint64_t list) {
  clear();
  put(0, 2, domid);
  put(4, 4, frames);
  put(16, 8, list);
  return status_or(op(2), 8);
}
void entry(unsigned ref, std::uint64_t flags, std::uint64_t domid, std::uint64_t frame) {
  guest::write32(address_of(table) + ref * 8 + 4, static_cast<std::uint32_t>(frame));
  guest::write32(address_of(table) + ref * 8, static_cast<std::uint32_t>(domid << 16 | flags));
}
std::int64_t map(std::uint64_t domid, std::uint64_t ref, std::uint64_t flags, std::uint64_t host) {
  clear();
  put(0, 8, host);
  put(8, 4, flags);
  put(12, 4, ref);
  put(16, 2, domid);
  return status_or(op(0), 18);
}
std::int64_t unmap(std::uint64_t host, std::uint64_t handle) {
  clear();
  put(0, 8, host);
  put(16, 4, handle);
  return status_or(op(1), 20);
}
struct End {
  std::uint64_t what;  // frame or reference
  std::uint64_t domid;
  std::uint64_t offset;
};
std::int64_t copy(End from, End to, std::uint64_t length, std::uint64_t flags) {
  clear();
  put(0, 8, from.what);
  put(8, 2, from.domid);
  put(10, 2, from.offset);
  put(16, 8, to.what);
  put(24, 2, to.domid);
  put(26, 2, to.offset);
  put(32, 2, length);
  put(34, 2, flags);
  return status_or(op(5), 36);
}
std::int64_t cache_flush(std::uint64_t where, std::uint64_t offset, std::uint64_t length,
                         std::uint64_t operation) {
  clear();
  put(0, 8, where);
  put(8, 2, offset);
  put(10, 2, length);
  put(12, 4, operation);
  return op(12);
}

void sizes() {
  for (std::uint64_t operation = 0; operation < 15; ++operation)
    show("grant_table_op none", operation, guest::hypercall(20, operation, 0, 0));
  for (std::uint64_t operation = 0; operation < 15; ++operation)
    show("grant_table_op bad", operation, guest::hypercall(20, operation, kBadAddress, 1));
  for (std::uint64_t operation = 0; operation < 15; ++operation)
    show("grant_table_op negative", operation,
         guest::hypercall(20, operation, address_of(buffer), 0xffffffff));
  show("query_size nobody", 0, query_size(kNobody));
  show("query_size count 2", 0, op(6, 2));
  show("set_version 0", 0, set_version(0));
  show("set_version 2", 0, set_version(2));
  show("set_version 3", 0, set_version(3));
  show("set_version 1", 0, set_version(1));
  show("get_version", 0, get_version(kSelf));
  show("get_version nobody", 0, get_version(kNobody));
  show("setup_table 1", 0, setup_table(kSelf, 1, address_of(buffer) + 512));
  show("setup_table 65", 0, setup_table(kSelf, 65, address_of(buffer) + 512));
  show("setup_table nobody", 0, setup_table(kNobody, 1, address_of(buffer) + 512));
  show("setup_table bad list", 0, setup_table(kSelf, 1, kBadAddress));
  show("setup_table none", 0, setup_table(kSelf, 0, 0));
  clear();
  put(0, 4, 1);
  put(4, 2, kSelf);
  put(16, 8, address_of(buffer) + 512);
  show("get_status_frames", 0, status_or(op(9), 8 - 2));
  clear();
  show("swap 0 0", 0, status_or(op(11), 8));
  put(4, 4, 0xffffff);
  show("swap 0 huge", 0, status_or(op(11), 8));
}

void mappings() {
  clear();
  put(0, 2, kSelf);
  put(4, 4, 1);
  put(16, 8, frame_of(table));
  // Frame 9: not mapped by the probes before.
  put(8, 8, 9);
  guest::hypercall(12, 7, address_of(buffer));
  clear();
  const unsigned first = 9 * 512;
  // entry() works on the mapped frame: reference `first` is its entry 0.
  const std::uint64_t host = address_of(window);
  entry(0, 1, 0, frame_of(source));
  entry(1, 1 | 4, 0, frame_of(source));
  entry(2, 1, 7, frame_of(source));
  entry(3, 0, 0, frame_of(source));
  entry(4, 1, 0, 0xffffffff);
  entry(5, 2, 0, frame_of(source));
  show("map nobody", 0, map(kNobody, first, 2, host));
  show("map DOMID_SELF", 0, map(kSelf, first, 2, host));
  show("map bad ref", 0, map(0, 0xffffff, 2, host));
  show("map no flags", 0, map(0, first, 0, host));
  show("map device only", 0, map(0, first, 1, host));
  show("map contains_pte", 0, map(0, first, 2 | 16, host));
  show("map not for us", 0, map(0, first + 2, 2, host));
  show("map invalid entry", 0, map(0, first + 3, 2, host));
  show("map no frame", 0, map(0, first + 4, 2, host));
  show("map transfer entry", 0, map(0, first + 5, 2, host));
  show("map read-only entry for writing", 0, map(0, first + 1, 2, host));
  show("map host unaligned", 0, map(0, first, 2, address_of(other_window) + 8));
  show("unmap unaligned", 0, unmap(address_of(other_window) + 8, get(20, 4)));
  show("map", 0, map(0, first, 2, host));
  const std::uint64_t handle = get(20, 4);
  show("map flags of the entry", 0,
       static_cast<std::int64_t>(guest::read32(address_of(table)) & 0xffff));
  show("unmap bad handle", 0, unmap(host, 0xffffff));
  show("unmap wrong address", 0, unmap(address_of(spare), handle));
  show("unmap", 0, unmap(host, handle));
  show("unmap again", 0, unmap(host, handle));
  show("unmap flags of the entry", 0,
       static_cast<std::int64_t>(guest::read32(address_of(table)) & 0xffff));
  show("map read-only", 0, map(0, first + 1, 2 | 4, host));
  show("unmap read-only", 0, unmap(host, get(20, 4)));
}

void copies() {
  const unsigned first = 9 * 512;
  const std::uint64_t from = frame_of(source);
  const std::uint64_t to = frame_of(target);
  source[16] = 0x42;
  show("copy frames", 0, copy({from, kSelf, 16}, {to, kSelf, 32}, 8, 0));
  show("copy byte", 0, static_cast<std::int64_t>(guest::read32(address_of(target) + 32) & 0xff));
  show("copy across", 0, copy({from, kSelf, 4095}, {to, kSelf, 0}, 2, 0));
  show("copy offset", 0, copy({from, kSelf, 5000}, {to, kSelf, 0}, 2, 0));
  show("copy nothing", 0, copy({from, kSelf, 0}, {to, kSelf, 0}, 0, 0));
  show("copy own number", 0, copy({from, 0, 16}, {to, 0, 32}, 8, 0));
  show("copy nobody", 0, copy({from, kNobody, 16}, {to, kSelf, 32}, 8, 0));
  show("copy ref nobody", 0, copy({first, kNobody, 16}, {to, kSelf, 32}, 8, 1));
  show("copy no frame", 0, copy({0xffff'ffff'ff, kSelf, 16}, {to, kSelf, 32}, 8, 0));
  show("copy ref self", 0, copy({first, kSelf, 16}, {to, kSelf, 32}, 8, 1));
  show("copy ref own number", 0, copy({first, 0, 16}, {to, kSelf, 32}, 8, 1));
  show("copy ref bad", 0, copy({0xffffff, 0, 16}, {to, kSelf, 32}, 8, 1));
  show("copy ref not for us", 0, copy({first + 2, 0, 16}, {to, kSelf, 32}, 8, 1));
  show("copy to read-only ref", 0, copy({to, kSelf, 0}, {first + 1, 0, 0}, 8, 2));
  show("copy to ref", 0, copy({to, kSelf, 0}, {first, 0, 0}, 8, 2));
}

void flushes() {
  const std::uint64_t address = address_of(source);
  show("cache_flush nothing", 0, cache_flush(0, 0, 0, 0));
  show("cache_flush probe address", 0, cache_flush(address, 0, 0, 0));
  show("cache_flush no operation", 0, cache_flush(address, 0, 64, 0));
  show("cache_flush clean", 0, cache_flush(address, 0, 64, 1));
  show("cache_flush invalidate", 0, cache_flush(address, 0, 64, 2));
  show("cache_flush both", 0, cache_flush(address, 0, 64, 3));
  show("cache_flush unknown", 0, cache_flush(address, 0, 64, 4));
  show("cache_flush offset", 0, cache_flush(address, 4096, 64, 1));
  show("cache_flush length", 0, cache_flush(address, 4000, 200, 1));
  show("cache_flush no memory", 0, cache_flush(0xffff'ffff'f000, 0, 64, 1));
  show("cache_flush ref", 0, cache_flush(9 * 512, 0, 64, 0x80000001));
}

}  // namespace

void show(std::string_view what, std::uint64_t number, std::int64_t result) {
  static constinit char line[128] = {};
  std::size_t at = 0;
  const auto add = [&](std::string_view text) {
    for (const char c : text) {
      if (at < sizeof line) const_cast<volatile char&>(line[at++]) = c;
    }
  };
  const auto add_number = [&](std::uint64_t value) {
    char digits[20];
    std::size_t first = sizeof digits;
    do {
      digits[--first] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    add({digits + first, sizeof digits - first});
  };
  add("probe ");
  add(what);
  add(" ");
  add_number(number);
  add(" = ");
  if (result < 0) add("-");
  add_number(result < 0 ? 0 - static_cast<std::uint64_t>(result)
                        : static_cast<std::uint64_t>(result));
  add("\n");
  guest::print({line, at});
}

void grants() {
  sizes();
  mappings();
  copies();
  flushes();
}

}  // namespace probe
