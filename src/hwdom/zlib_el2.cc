// SPDX-License-Identifier: Apache-2.0

// What zlib's inflate() refers to, in place of zlib's own: its checksums alone are 15 KB of tables
// and unrolled loops.

#include <cstddef>
#include <span>
#include <zlib.h>

#include "hwdom/crc32.h"

extern "C" {

uLong crc32(uLong before, const Bytef* bytes, uInt count) {
  const auto* begin = reinterpret_cast<const std::byte*>(bytes);
  return socle::hwdom::crc32_of(static_cast<std::uint32_t>(before), std::span(begin, count));
}

// The checksum of zlib's own file format, which unpack_gzip() does not accept.
uLong adler32(uLong, const Bytef*, uInt) {
  return 0;
}

// The default allocator; unpack_gzip() brings its own.
void* zcalloc(void*, unsigned, unsigned) {
  return nullptr;
}
void zcfree(void*, void*) {}

}  // extern "C"
