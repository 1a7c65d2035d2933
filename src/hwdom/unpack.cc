// SPDX-License-Identifier: Apache-2.0
#include "hwdom/unpack.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <zlib.h>

#include "port/cache.h"
#include "port/phys_window.h"

namespace socle::hwdom {
namespace {

// 32 KiB of window, gzip header and checksum expected.
constexpr int kGzipWindowBits = 15 + 16;
constexpr std::uint64_t kTrailerBytes = 8;  // CRC-32, size

void* allocate(void* arena, unsigned items, unsigned size) {
  const auto bytes = static_cast<fw::Arena*>(arena)->allocate_bytes(std::size_t{items} * size, 16);
  return bytes.has_value() ? *bytes : nullptr;
}
void release(void*, void*) {}  // the arena is rewound as a whole

// A walk over a range of memory, one window at a time.
class Cursor {
 public:
  explicit Cursor(const PaRange& range) : range_(range), at_(range.begin()) {}
  [[nodiscard]] bool at_end() const { return at_ == range_.end(); }
  [[nodiscard]] std::uint64_t passed() const { return at_ - range_.begin(); }
  // Bytes from here that one window shows.
  [[nodiscard]] std::uint64_t in_window() const {
    return std::min(kFrameSize - at_.offset_in_frame(), range_.end() - at_);
  }
  [[nodiscard]] Pa position() const { return at_; }
  void advance(std::uint64_t bytes) { at_ = at_ + bytes; }

 private:
  PaRange range_;
  Pa at_;
};

// One call of inflate(): as much as one window of source and one of target allow.
int inflate_step(z_stream& stream, Cursor& source, Cursor& target) {
  const port::PhysWindow input(source.position().frame());
  const port::PhysWindow output(target.position().frame());
  const auto input_bytes = static_cast<unsigned>(source.in_window());
  const auto output_bytes = static_cast<unsigned>(target.in_window());
  std::byte* const to = output.data() + target.position().offset_in_frame();
  stream.next_in = reinterpret_cast<Bytef*>(input.data() + source.position().offset_in_frame());
  stream.avail_in = input_bytes;
  stream.next_out = reinterpret_cast<Bytef*>(to);
  stream.avail_out = output_bytes;
  const int answer = inflate(&stream, Z_NO_FLUSH);
  const unsigned written = output_bytes - stream.avail_out;
  port::cache_clean(to, written);
  source.advance(input_bytes - stream.avail_in);
  target.advance(written);
  return answer;
}

}  // namespace

Result<std::uint64_t> claimed_unpacked_size(const PaRange& source) {
  if (source.size() < kTrailerBytes + 10) return fail(Error::kInvalid);
  std::uint64_t size = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const Pa at = source.end() - 4 + i;
    const port::PhysWindow window(at.frame());
    size |= std::to_integer<std::uint64_t>(window.data()[at.offset_in_frame()]) << (8 * i);
  }
  return size;
}

Result<std::uint64_t> unpack_gzip(const PaRange& source, const PaRange& target, fw::Arena& arena,
                                  const fw::BootPhase&, fw::Diagnostics& notes) {
  CHECK(!source.overlaps(target) && target.begin().is_aligned(kFrameSize));
  const std::size_t mark = arena.mark();
  z_stream stream{};
  stream.zalloc = allocate;
  stream.zfree = release;
  stream.opaque = &arena;
  if (inflateInit2(&stream, kGzipWindowBits) != Z_OK) {
    return notes.error(Error::kNoMemory, "no memory to unpack a gzip'd module");
  }
  Cursor from(source);
  Cursor to(target);
  int answer = Z_OK;
  while (answer == Z_OK && !from.at_end() && !to.at_end()) {
    answer = inflate_step(stream, from, to);
  }
  const bool no_memory = answer == Z_MEM_ERROR;
  arena.rewind(mark);
  if (answer == Z_STREAM_END) return to.passed();
  if (no_memory) return notes.error(Error::kNoMemory, "no memory to unpack a gzip'd module");
  if (to.at_end()) {
    return notes.error(Error::kTooLarge,
                       "a gzip'd module unpacks to more than the {} bytes it claims",
                       target.size());
  }
  return notes.error(Error::kCorrupt, "a gzip'd module is corrupt {} bytes from its start ({})",
                     from.passed(), from.at_end() ? "it ends too early" : "bad data");
}

}  // namespace socle::hwdom
