// SPDX-License-Identifier: Apache-2.0
#pragma once

// Defined in port/host/mmio.cc: sim::RegisterModel.
