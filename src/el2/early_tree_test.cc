// SPDX-License-Identifier: Apache-2.0
#include "el2/early_tree.h"

#include <array>

#include "base/test.h"

namespace socle::el2 {
namespace {

// A writer of small trees, big-endian.
class Blob {
 public:
  Blob() { begin(""); }
  void begin(std::string_view name) {
    word(1);
    text(name);
  }
  void end() { word(2); }
  void property(std::string_view name, std::string_view value) {
    word(3);
    word(static_cast<std::uint32_t>(value.size()));
    word(add_string(name));
    for (const char c : value)
      bytes_[size_++] = static_cast<unsigned char>(c);
    pad();
  }
  void string(std::string_view name, std::string_view value) {
    word(3);
    word(static_cast<std::uint32_t>(value.size()) + 1);
    word(add_string(name));
    text(value);
  }
  template <std::size_t N>
  void cells(std::string_view name, const std::uint32_t (&values)[N]) {
    word(3);
    word(4 * N);
    word(add_string(name));
    for (const std::uint32_t value : values)
      word(value);
  }
  // The finished tree; may be damaged afterwards by whoever wants.
  unsigned char* finish() {
    end();
    word(9);
    const std::size_t strings = size_;
    for (std::size_t i = 0; i < strings_size_; ++i)
      bytes_[size_++] = static_cast<unsigned char>(strings_[i]);
    const std::size_t total = size_;
    size_ = 0;
    for (const std::size_t value :
         {std::size_t{0xd00dfeed}, total, kHeader, strings, std::size_t{0}, std::size_t{17},
          std::size_t{16}, std::size_t{0}, strings_size_, strings - kHeader})
      word(static_cast<std::uint32_t>(value));
    size_ = total;
    return bytes_.data();
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kHeader = 40;

  void word(std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes_[size_++] = static_cast<unsigned char>(value >> shift);
  }
  void pad() {
    while (size_ % 4 != 0)
      bytes_[size_++] = 0;
  }
  void text(std::string_view value) {
    for (const char c : value)
      bytes_[size_++] = static_cast<unsigned char>(c);
    bytes_[size_++] = 0;
    pad();
  }
  std::uint32_t add_string(std::string_view name) {
    const auto at = static_cast<std::uint32_t>(strings_size_);
    for (const char c : name)
      strings_[strings_size_++] = c;
    strings_[strings_size_++] = 0;
    return at;
  }

  alignas(8) std::array<unsigned char, 2048> bytes_{};
  std::size_t size_ = kHeader;
  std::array<char, 512> strings_{};
  std::size_t strings_size_ = 0;
};

// Two buses, one inside the other, and a port behind both.
void fill(Blob& blob) {
  blob.cells("#address-cells", {2});
  blob.cells("#size-cells", {2});
  blob.begin("aliases");
  blob.string("serial0", "/soc@0/apb/serial@1000");
  blob.end();
  blob.begin("soc@0");
  blob.cells("#address-cells", {1});
  blob.cells("#size-cells", {1});
  blob.cells("ranges", {0x0, 0x1, 0x0, 0x100000});
  blob.begin("apb");
  blob.cells("#address-cells", {1});
  blob.cells("#size-cells", {1});
  blob.property("ranges", "");
  blob.begin("timer@0");
  blob.end();
  blob.begin("serial@1000");
  blob.property("compatible", std::string_view("arm,pl011\0arm,primecell\0", 24));
  blob.cells("reg", {0x1000, 0x200});
  blob.string("status", "okay");
  blob.end();
  blob.begin("serial@200000");  // outside what the bus can reach
  blob.cells("reg", {0x200000, 0x200});
  blob.string("status", "disabled");
  blob.end();
  blob.end();
  blob.end();
}

TEST(EarlyTree, TranslatesAddressesThroughEveryBus) {
  Blob blob;
  fill(blob);
  const auto tree = EarlyTree::open(blob.finish(), blob.size());
  ASSERT_TRUE(tree.has_value());
  const auto path = tree->find("/soc@0/apb/serial@1000");
  ASSERT_TRUE(path.has_value());
  const auto registers = tree->registers(*path);
  ASSERT_TRUE(registers.has_value());
  EXPECT_EQ(registers->begin().value(), 0x1'0000'1000u);
  EXPECT_EQ(registers->size(), 0x200u);
}

TEST(EarlyTree, FindsByAliasWithoutUnitAddressAndWithOptions) {
  Blob blob;
  fill(blob);
  const auto tree = EarlyTree::open(blob.finish(), blob.size());
  ASSERT_TRUE(tree.has_value());
  EXPECT_TRUE(tree->find("serial0").has_value());
  EXPECT_TRUE(tree->find("serial0:115200n8").has_value());
  EXPECT_TRUE(tree->find("/soc/apb/serial").has_value());
  EXPECT_FALSE(tree->find("serial1").has_value());
  EXPECT_FALSE(tree->find("/soc/apb/serial@3000").has_value());
  EXPECT_FALSE(tree->find("").has_value());
}

TEST(EarlyTree, AnAddressThatNoBusReachesHasNoRegisters) {
  Blob blob;
  fill(blob);
  const auto tree = EarlyTree::open(blob.finish(), blob.size());
  ASSERT_TRUE(tree.has_value());
  const auto path = tree->find("/soc@0/apb/serial@200000");
  ASSERT_TRUE(path.has_value());
  EXPECT_FALSE(tree->registers(*path).has_value());
  EXPECT_FALSE(tree->is_enabled(path->node()));
}

TEST(EarlyTree, WalksEveryNodeOnceInTreeOrder) {
  Blob blob;
  fill(blob);
  const auto tree = EarlyTree::open(blob.finish(), blob.size());
  ASSERT_TRUE(tree.has_value());
  unsigned nodes = 0;
  const auto none = tree->find_if([&nodes](const EarlyTree::Path&) {
    ++nodes;
    return false;
  });
  EXPECT_FALSE(none.has_value());
  EXPECT_EQ(nodes, 7u);
}

TEST(EarlyTree, RefusesWhatIsNoTree) {
  alignas(8) static constexpr unsigned char kNothing[64] = {};
  EXPECT_EQ(EarlyTree::claimed_size(kNothing).error(), Error::kNotFound);
  EXPECT_EQ(EarlyTree::claimed_size(nullptr).error(), Error::kNotFound);
  Blob blob;
  fill(blob);
  unsigned char* const bytes = blob.finish();
  EXPECT_EQ(EarlyTree::open(bytes, blob.size() - 1).error(), Error::kCorrupt);
  bytes[4] = 0x7f;
  EXPECT_EQ(EarlyTree::claimed_size(bytes).error(), Error::kTooLarge);
}

// Every byte is replaced by some others: whatever is answered, nothing is read outside (ASan on the
// host) and everything ends.
TEST(EarlyTree, EndsAndStaysInsideADamagedTree) {
  for (const int damage : {0x00, 0x01, 0x03, 0x7f, 0xff}) {
    Blob whole;
    fill(whole);
    const std::size_t size = (whole.finish(), whole.size());
    for (std::size_t at = 0; at < size; ++at) {
      Blob blob;
      fill(blob);
      unsigned char* const bytes = blob.finish();
      bytes[at] = static_cast<unsigned char>(damage);
      const auto tree = EarlyTree::open(bytes, size);
      if (!tree) continue;
      const auto path = tree->find("serial0");
      if (path) static_cast<void>(tree->registers(*path));
      static_cast<void>(tree->find_if([&tree](const EarlyTree::Path& each) {
        static_cast<void>(tree->registers(each));
        return false;
      }));
    }
  }
  EXPECT_TRUE(true);
}

}  // namespace
}  // namespace socle::el2
