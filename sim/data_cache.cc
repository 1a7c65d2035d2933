// SPDX-License-Identifier: Apache-2.0
#include "sim/data_cache.h"

namespace socle::sim {

namespace {
DataCache* current_cache = nullptr;
}  // namespace

DataCache::DataCache() {
  current_cache = this;
}
DataCache::~DataCache() {
  current_cache = nullptr;
}
DataCache* DataCache::current() {
  return current_cache;
}

void DataCache::write_cached(Pa address, std::uint64_t value) {
  Line& line = lines_[line_of(address)];
  line.words[address.value()] = value;
  line.is_dirty = true;
}

std::uint64_t DataCache::read_cached(Pa address) {
  Line& line = lines_[line_of(address)];
  const auto [word, is_new] = line.words.try_emplace(address.value());
  if (is_new) word->second = read_memory(address);
  return word->second;
}

void DataCache::write_memory(Pa address, std::uint64_t value) {
  memory_[address.value()] = value;
}

std::uint64_t DataCache::read_memory(Pa address) const {
  const auto found = memory_.find(address.value());
  return found == memory_.end() ? 0 : found->second;
}

void DataCache::write_back(const Line& line) {
  if (!line.is_dirty) return;
  for (const auto& [address, value] : line.words)
    memory_[address] = value;
}

void DataCache::evict_all() {
  for (const auto& [number, line] : lines_)
    write_back(line);
  lines_.clear();
}

bool DataCache::holds(Mfn frame) const {
  const auto first = lines_.lower_bound(line_of(Pa(frame)));
  return first != lines_.end() && first->first < line_of(Pa(frame + FrameCount(1)));
}

void DataCache::clean_invalidate(Mfn frame) {
  if (on_clean) on_clean(frame);
  const auto begin = lines_.lower_bound(line_of(Pa(frame)));
  const auto end = lines_.lower_bound(line_of(Pa(frame + FrameCount(1))));
  for (auto line = begin; line != end; ++line)
    write_back(line->second);
  lines_.erase(begin, end);
}

}  // namespace socle::sim
