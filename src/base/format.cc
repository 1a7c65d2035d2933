// SPDX-License-Identifier: Apache-2.0
#include "base/format.h"

#include <algorithm>

namespace socle {
namespace {

struct Spec {
  bool hex = false;
  bool prefix = false;
  bool zero = false;
  bool left = false;
  std::size_t width = 0;
};

// Counts everything, keeps what fits.
class Sink {
 public:
  explicit Sink(std::span<char> out) : out_(out) {}
  void put(char c) {
    if (wanted_ < out_.size()) out_[wanted_] = c;
    ++wanted_;
  }
  void pad(char c, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      put(c);
  }
  void put(std::string_view text) {
    for (const char c : text)
      put(c);
  }
  [[nodiscard]] std::size_t wanted() const { return wanted_; }

 private:
  std::span<char> out_;
  std::size_t wanted_ = 0;
};

Spec parse_spec(std::string_view text) {
  Spec spec;
  for (const char c : text) {
    if (c == 'x') {
      spec.hex = true;
    } else if (c == '#') {
      spec.prefix = true;
    } else if (c == '-') {
      spec.left = true;
    } else if (c == '0' && spec.width == 0) {
      spec.zero = true;
    } else if (c >= '0' && c <= '9') {
      spec.width = std::min<std::size_t>(spec.width * 10 + static_cast<std::size_t>(c - '0'), 64);
    }
  }
  return spec;
}

// Digits of `value`, written from the end of `buffer`; returns what was written.
std::string_view digits(std::span<char, 24> buffer, std::uint64_t value, unsigned base) {
  std::size_t at = buffer.size();
  do {
    buffer[--at] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  return std::string_view(buffer.data() + at, buffer.size() - at);
}

void put_padded(Sink& sink, const Spec& spec, std::string_view prefix, std::string_view text) {
  const std::size_t length = prefix.size() + text.size();
  const std::size_t padding = spec.width > length ? spec.width - length : 0;
  if (!spec.left && !spec.zero) sink.pad(' ', padding);
  sink.put(prefix);
  if (!spec.left && spec.zero) sink.pad('0', padding);
  sink.put(text);
  if (spec.left) sink.pad(' ', padding);
}

void put_argument(Sink& sink, Spec spec, const FormatArg& arg) {
  char buffer[24];
  const std::span<char, 24> space(buffer);
  switch (arg.kind()) {
    case FormatArg::Kind::kText:
      put_padded(sink, {.left = true, .width = spec.width}, "", arg.text());
      return;
    case FormatArg::Kind::kBool:
      put_padded(sink, spec, "", arg.number() != 0 ? "true" : "false");
      return;
    case FormatArg::Kind::kChar:
      sink.put(static_cast<char>(arg.number()));
      return;
    case FormatArg::Kind::kHex:
      put_padded(sink, spec, spec.hex && !spec.prefix ? "" : "0x", digits(space, arg.number(), 16));
      return;
    case FormatArg::Kind::kHexRange:
      sink.put("[0x");
      sink.put(digits(space, arg.number(), 16));
      sink.put(", 0x");
      sink.put(digits(space, arg.end(), 16));
      sink.put(')');
      return;
    case FormatArg::Kind::kSigned:
      if (!spec.hex && !spec.prefix && static_cast<std::int64_t>(arg.number()) < 0) {
        put_padded(sink, spec, "-", digits(space, ~arg.number() + 1, 10));
        return;
      }
      [[fallthrough]];
    case FormatArg::Kind::kUnsigned:
      put_padded(sink, spec, spec.prefix ? "0x" : "",
                 digits(space, arg.number(), spec.hex || spec.prefix ? 16 : 10));
      return;
  }
}

}  // namespace

std::size_t format_args(std::span<char> out, std::string_view format,
                        std::span<const FormatArg> args) {
  Sink sink(out);
  std::size_t next = 0;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    const bool doubled = i + 1 < format.size() && format[i + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      sink.put(c);
      ++i;
    } else if (c == '{') {
      const std::size_t close = std::min(format.find('}', i), format.size());
      if (next < args.size()) {
        put_argument(sink, parse_spec(format.substr(i + 1, close - i - 1)), args[next]);
      }
      ++next;
      i = close;
    } else {
      sink.put(c);
    }
  }
  return sink.wanted();
}

}  // namespace socle
