// SPDX-License-Identifier: Apache-2.0
#include "plan/svg.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

#include "plan/escape.h"
#include "plan/picture.h"
#include "plan/sections.h"
#include "plan/text.h"

namespace socle::plan {

namespace {

// Units of the drawing. Text is monospaced, so its width is known: no label meets another.
constexpr unsigned kWidth = 1000;
constexpr unsigned kMargin = 20;
constexpr unsigned kColumnWidth = 470;
constexpr unsigned kColumnStep = kColumnWidth + kMargin;
constexpr unsigned kBarLeft = 78;
constexpr unsigned kBarWidth = 60;
constexpr unsigned kLabelLeft = kBarLeft + kBarWidth + 8;
constexpr unsigned kHeadHeight = 124;
constexpr unsigned kHoleHeight = 14;
constexpr unsigned kLeastBand = 18;
constexpr unsigned kMostBand = 44;
constexpr double kLetterWidth = 6.1;  // at 10 units
constexpr auto kLabelLetters = static_cast<std::size_t>((kColumnWidth - kLabelLeft) / kLetterWidth);
constexpr std::size_t kTitleLetters = 100;  // at 15 units
constexpr std::size_t kLineLetters = 140;   // at 11 units

const char* fill_of(Owner owner) {
  switch (owner) {
    case Owner::kRam:
      return "ram";
    case Owner::kDevice:
      return "device";
    case Owner::kPci:
      return "pci";
    case Owner::kSram:
      return "sram";
    case Owner::kReserved:
      return "reserved";
    case Owner::kSocle:
      return "socle";
    case Owner::kNotMapped:
      return "none";
  }
  return "";
}

// Patterns of lines and dots over pale colours; Socle's is dark, nobody's is empty.
constexpr const char* kStyle = R"(<style>
@media print { svg { max-height: 98vh } }
text { font-family: "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace; fill: #111 }
.a, .l, .h { font-size: 10px } .h { fill: #555 } .t { font-size: 15px; font-weight: bold }
.v { font-size: 11px } .c { font-size: 10px; font-weight: bold; text-anchor: middle }
.b { stroke: #111; stroke-width: 1 } .n { stroke-dasharray: 3 2 }
.z { stroke: #777; stroke-width: 1; stroke-dasharray: 2 3; fill: none }
</style>
<defs>
<pattern id="ram" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="#e3f1e1"/><circle cx="2" cy="2" r="1" fill="#4a8a45"/></pattern>
<pattern id="device" width="7" height="7" patternUnits="userSpaceOnUse"><rect width="7" height="7" fill="#dfeaf8"/><path d="M-1 8L8 -1" stroke="#2f62a8" stroke-width="1.2"/></pattern>
<pattern id="pci" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="#efe6f7"/><path d="M0 0L8 8M8 0L0 8" stroke="#76479f" stroke-width="1"/></pattern>
<pattern id="sram" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#fdf3d6"/><path d="M0 3H6" stroke="#a37a10" stroke-width="1.4"/></pattern>
<pattern id="reserved" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#fbe7da"/><path d="M3 0V6" stroke="#b5561b" stroke-width="1.4"/></pattern>
<pattern id="socle" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#333"/><circle cx="3" cy="3" r="0.8" fill="#eee"/></pattern>
<pattern id="none" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#fff"/></pattern>
</defs>
)";

// Higher for larger ranges, within reason.
unsigned height_of(const Band& band) {
  const auto bits = static_cast<unsigned>(std::bit_width(band.range.size()));
  constexpr unsigned kBitsOfPage = 13;
  return std::min(kMostBand, kLeastBand + (bits > kBitsOfPage ? bits - kBitsOfPage : 0));
}

// As many names as fit, and how many there are besides.
std::string label_of(const Band& band) {
  std::string text = fmt::format("{}  ", human_size(band.range.size()));
  std::size_t shown = 0;
  for (; shown < band.names.size(); ++shown) {
    const std::string next = (shown == 0 ? "" : ", ") + band.names[shown];
    constexpr std::size_t kRoomForMore = 7;  // ", +9999"
    if (shown != 0 && text.size() + next.size() + kRoomForMore > kLabelLetters) break;
    text += next;
  }
  if (shown < band.names.size()) text += fmt::format(", +{}", band.names.size() - shown);
  return shortened(text, kLabelLetters);
}

class Drawing {
 public:
  explicit Drawing(const Report& report) : report_(report), picture_(draw_up(report)) {}

  std::string run() {
    draw_bands();
    // Narrower windows, and paper, get it smaller, not cut.
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
        "height=\"{1}\" style=\"max-width:100%;height:auto\" role=\"img\">\n"
        "<title>{2}</title>\n{3}<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
        kWidth, lowest_ + kMargin, escaped(report_.source), kStyle);
    return out + head() + body_ + "</svg>\n";
  }

 private:
  [[nodiscard]] std::string head() const {
    const bool is_named = report_.platform && !report_.platform->model.empty();
    const std::string& name = is_named ? report_.platform->model : report_.source;
    const std::string line = fmt::format("{}: {}", report_.source, verdict_line(report_));
    std::string out = text("t", kMargin, 32, shortened(name, kTitleLetters)) +
                      text("v", kMargin, 52, shortened(line, kLineLetters));
    constexpr unsigned kPerLine = 4;
    constexpr unsigned kStep = 240;
    for (unsigned i = 0; i < kOwners.size(); ++i) {
      const unsigned x = kMargin + kStep * (i % kPerLine);
      const unsigned y = 64 + 22 * (i / kPerLine);
      out += box(kOwners[i], x, y, 36, 16) + text("l", x + 42, y + 12, to_string(kOwners[i]));
    }
    return out;
  }

  void draw_bands() {
    const unsigned half = (total_height() + 1) / 2;
    unsigned y = kHeadHeight;
    unsigned x = kMargin;
    for (std::size_t i = 0; i < picture_.bands.size(); ++i) {
      y += draw_hole(i, x, y);
      draw_band(picture_.bands[i], x, y);
      y += height_of(picture_.bands[i]);
      lowest_ = std::max(lowest_, y);
      if (x == kMargin && y - kHeadHeight >= half) {
        x += kColumnStep;
        y = kHeadHeight;
      }
    }
    if (picture_.left_out == 0) return;
    body_ += text("h", x, y + 12, fmt::format("{} more: see the tables", picture_.left_out));
    lowest_ = std::max(lowest_, y + kHoleHeight);
  }

  [[nodiscard]] std::uint64_t hole_before(std::size_t i) const {
    if (i == 0) return 0;
    return picture_.bands[i].range.begin().value() - picture_.bands[i - 1].range.end().value();
  }

  [[nodiscard]] unsigned total_height() const {
    unsigned sum = 0;
    for (std::size_t i = 0; i < picture_.bands.size(); ++i)
      sum += height_of(picture_.bands[i]) + (hole_before(i) == 0 ? 0 : kHoleHeight);
    return sum;
  }

  // Addresses that nobody has, whatever their number, take one line.
  unsigned draw_hole(std::size_t i, unsigned x, unsigned y) {
    const std::uint64_t hole = hole_before(i);
    if (hole == 0) return 0;
    body_ += fmt::format("<path class=\"z\" d=\"M{} {}v{}M{} {}v{}\"/>\n", x + kBarLeft, y,
                         kHoleHeight, x + kBarLeft + kBarWidth, y, kHoleHeight);
    body_ += text("h", x + kLabelLeft, y + 10, fmt::format("{} of nothing", human_size(hole)));
    return kHoleHeight;
  }

  void draw_band(const Band& band, unsigned x, unsigned y) {
    const unsigned height = height_of(band);
    body_ += text("a", x, y + 11, begin_of(band.range)) +
             box(band.owner, x + kBarLeft, y, kBarWidth, height) +
             text("l", x + kLabelLeft, y + height / 2 + 4, label_of(band));
  }

  static std::string box(Owner owner, unsigned x, unsigned y, unsigned width, unsigned height) {
    const unsigned middle = x + width / 2;
    const unsigned centre = y + height / 2;
    return fmt::format(
        "<rect class=\"b{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"url(#{})\"/>"
        "<rect x=\"{}\" y=\"{}\" width=\"12\" height=\"12\" rx=\"3\" fill=\"#fff\"/>"
        "<text class=\"c\" x=\"{}\" y=\"{}\">{}</text>\n",
        owner == Owner::kNotMapped ? " n" : "", x, y, width, height, fill_of(owner), middle - 6,
        centre - 6, middle, centre + 4, letter_of(owner));
  }

  static std::string text(const char* style, unsigned x, unsigned y, std::string_view words) {
    return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\" xml:space=\"preserve\">{}</text>\n",
                       style, x, y, escaped(words));
  }

  const Report& report_;
  const Picture picture_;
  std::string body_;
  unsigned lowest_ = kHeadHeight;
};

}  // namespace

std::string to_svg(const Report& report) {
  return Drawing(report).run();
}

}  // namespace socle::plan
