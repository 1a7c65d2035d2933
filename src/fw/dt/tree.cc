// SPDX-License-Identifier: Apache-2.0
#include "fw/dt/tree.h"

#include <algorithm>
#include <libfdt.h>

namespace socle::fw::dt {

namespace {

std::string_view base_of(std::string_view name) {
  return name.substr(0, name.find('@'));
}

Property property_at(const void* blob, int offset) {
  const char* name = nullptr;
  int size = 0;
  const void* value = fdt_getprop_by_offset(blob, offset, &name, &size);
  CHECK(value != nullptr);  // open() has seen it
  return Property(name, {static_cast<const std::byte*>(value), static_cast<std::size_t>(size)});
}

}  // namespace

Node Children::Iterator::operator*() const {
  return Node(tree_, id_);
}

Children::Iterator& Children::Iterator::operator++() {
  id_ = tree_->nodes_[index_of(id_)].next_sibling;
  return *this;
}

Property Properties::Iterator::operator*() const {
  return property_at(tree_->blob_.data(), offset_);
}

Properties::Iterator& Properties::Iterator::operator++() {
  const int next = fdt_next_property_offset(tree_->blob_.data(), offset_);
  offset_ = next < 0 ? -1 : next;
  return *this;
}

std::string_view Node::name() const {
  int size = 0;
  const char* name = fdt_get_name(tree_->blob_.data(), tree_->nodes_[index_of(id_)].offset, &size);
  return name == nullptr ? std::string_view()
                         : std::string_view(name, static_cast<std::size_t>(size));
}

const char* Node::c_name() const {
  return fdt_get_name(tree_->blob_.data(), tree_->nodes_[index_of(id_)].offset, nullptr);
}

std::string_view Node::base_name() const {
  return base_of(name());
}

Path Node::path() const {
  Path path;
  if (tree_ == nullptr || id_ == kNoNode) {
    path.append("(no node)");
    return path;
  }
  Node chain[kMaxDepth];
  unsigned count = 0;
  std::size_t length = 0;
  for (Node at = *this; at.id() != kRoot; at = at.parent()) {
    chain[count++] = at;
    length += at.name().size() + 1;
  }
  if (count == 0) path.append("/");
  // The first and the last parts tell most.
  const bool cut = length > 150;
  for (unsigned i = count; i-- != 0;) {
    if (cut && i != count - 1 && i > 1) continue;
    if (cut && i == 1 && count > 3) path.append("/...");
    path.append("/{}", chain[i].name());
  }
  return path;
}

Node Node::parent() const {
  return Node(tree_, tree_->nodes_[index_of(id_)].parent);
}

unsigned Node::depth() const {
  return tree_->nodes_[index_of(id_)].depth;
}

Children Node::children() const {
  return Children(tree_, tree_->nodes_[index_of(id_)].first_child);
}

Node Node::first_child() const {
  return Node(tree_, tree_->nodes_[index_of(id_)].first_child);
}

Node Node::next_sibling() const {
  return Node(tree_, tree_->nodes_[index_of(id_)].next_sibling);
}

Node Node::child(std::string_view name) const {
  Node by_base(tree_, kNoNode);
  bool ambiguous = false;
  for (const Node node : children()) {
    const std::string_view full = node.name();
    if (full == name) return node;
    if (base_of(full) == name) {
      ambiguous = static_cast<bool>(by_base);
      if (!ambiguous) by_base = node;
    }
  }
  return ambiguous ? Node(tree_, kNoNode) : by_base;
}

Properties Node::properties() const {
  const int first =
      fdt_first_property_offset(tree_->blob_.data(), tree_->nodes_[index_of(id_)].offset);
  return Properties(tree_, first < 0 ? -1 : first);
}

std::optional<Property> Node::property(std::string_view name) const {
  int size = 0;
  const char* found_name = nullptr;
  const void* blob = tree_->blob_.data();
  // fdt_getprop_namelen() would do, but a view of the name must outlive the call.
  int offset = fdt_first_property_offset(blob, tree_->nodes_[index_of(id_)].offset);
  for (; offset >= 0; offset = fdt_next_property_offset(blob, offset)) {
    const void* value = fdt_getprop_by_offset(blob, offset, &found_name, &size);
    if (value != nullptr && name == found_name)
      return Property(found_name,
                      {static_cast<const std::byte*>(value), static_cast<std::size_t>(size)});
  }
  return std::nullopt;
}

std::optional<std::string_view> Node::string(std::string_view name) const {
  const auto found = property(name);
  if (!found) return std::nullopt;
  const auto text = found->as_string();
  if (!text) tree_->notes().warning("{}: {} should be one string, ignored", path().view(), name);
  return text;
}

std::optional<std::uint32_t> Node::cell(std::string_view name) const {
  const auto found = property(name);
  if (!found) return std::nullopt;
  const auto value = found->as_cell();
  if (!value) tree_->notes().warning("{}: {} should be one cell, ignored", path().view(), name);
  return value;
}

bool Node::is_compatible(std::string_view compatible) const {
  const auto list = property("compatible");
  return list && list->contains(compatible);
}

bool Node::is_available() const {
  return tree_->nodes_[index_of(id_)].available;
}

bool Node::is_enabled() const {
  return tree_->nodes_[index_of(id_)].enabled;
}

std::optional<std::uint32_t> Node::phandle() const {
  const std::uint32_t value = tree_->nodes_[index_of(id_)].phandle;
  return value == 0 ? std::nullopt : std::optional(value);
}

unsigned Node::address_cells() const {
  return tree_->nodes_[index_of(id_)].address_cells;
}

unsigned Node::size_cells() const {
  return tree_->nodes_[index_of(id_)].size_cells;
}

unsigned Node::unit_address_cells() const {
  return states_address_cells() ? address_cells() : 0;
}

bool Node::states_address_cells() const {
  return tree_->nodes_[index_of(id_)].states_address_cells;
}

bool Node::is_pci_bus() const {
  const Tree::Record& record = tree_->nodes_[index_of(id_)];
  return record.pci_bus && record.address_cells == 3;
}

bool Node::is_interrupt_controller() const {
  return tree_->nodes_[index_of(id_)].interrupt_controller;
}

bool Node::has_interrupt_map() const {
  return tree_->nodes_[index_of(id_)].interrupt_map;
}

std::optional<unsigned> Node::interrupt_cells() const {
  const std::uint8_t cells = tree_->nodes_[index_of(id_)].interrupt_cells;
  return cells == Tree::kNoCells ? std::nullopt : std::optional<unsigned>(cells);
}

Node Node::interrupt_parent() const {
  return Node(tree_, tree_->nodes_[index_of(id_)].interrupt_parent);
}

Node Tree::node(NodeId id) const {
  CHECK(id == kNoNode || index_of(id) < nodes_.size());
  return Node(this, id);
}

Node Tree::find(std::string_view path) const {
  Node at = root();
  if (!path.starts_with('/')) {
    const std::size_t end = std::min(path.find('/'), path.size());
    at = find_alias(path.substr(0, end));
    path.remove_prefix(end);
  }
  while (at && !path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (!part.empty()) at = at.child(part);
    path.remove_prefix(end);
  }
  return at;
}

Node Tree::find_phandle(std::uint32_t phandle) const {
  const auto found = std::ranges::lower_bound(phandles_, phandle, {}, &PhandleEntry::phandle);
  if (found == phandles_.end() || found->phandle != phandle) return Node(this, kNoNode);
  return Node(this, found->node);
}

Node Tree::find_alias(std::string_view name) const {
  const Node aliases = root().child("aliases");
  if (!aliases) return aliases;
  const auto path = aliases.string(name);
  // An alias must be a full path: an alias of an alias could be a loop.
  if (!path || !path->starts_with('/')) return Node(this, kNoNode);
  return find(*path);
}

Result<> Tree::charge(std::size_t steps) const {
  if (budget_ >= steps) {
    budget_ -= steps;
    return {};
  }
  if (budget_ != 0)
    notes_->add(LogLevel::kError, "device tree: too much work to translate it; is it damaged?");
  budget_ = 0;
  return fail(Error::kTooLarge);
}

}  // namespace socle::fw::dt
