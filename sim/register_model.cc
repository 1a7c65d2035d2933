// SPDX-License-Identifier: Apache-2.0
#include "sim/register_model.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace socle::sim {

namespace {

std::vector<RegisterModel*> models;

RegisterModel& model_at(Pa address, unsigned bytes) {
  for (RegisterModel* const model : models) {
    if (model->range().contains(address) && address + bytes <= model->range().end() &&
        address.is_aligned(bytes)) {
      return *model;
    }
  }
  std::fprintf(stderr, "sim: bus error: %u bytes at 0x%llx\n", bytes,
               static_cast<unsigned long long>(address.value()));
  std::abort();
}

}  // namespace

RegisterModel::RegisterModel(const PaRange& range) : range_(range) {
  models.push_back(this);
}
RegisterModel::~RegisterModel() {
  std::erase(models, this);
}

std::uint64_t bus_read(Pa address, unsigned bytes) {
  RegisterModel& model = model_at(address, bytes);
  return model.read(address - model.range().begin(), bytes);
}

void bus_write(Pa address, unsigned bytes, std::uint64_t value) {
  RegisterModel& model = model_at(address, bytes);
  model.write(address - model.range().begin(), bytes, value);
}

bool bus_has(const PaRange& range) {
  return std::any_of(models.begin(), models.end(),
                     [&](const RegisterModel* model) { return model->range().contains(range); });
}

}  // namespace socle::sim
