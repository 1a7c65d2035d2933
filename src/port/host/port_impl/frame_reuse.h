// SPDX-License-Identifier: Apache-2.0
#pragma once

// Defined in port/host/mmu.cc: sim::Mmu.
