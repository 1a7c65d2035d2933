// SPDX-License-Identifier: Apache-2.0
#pragma once

// Defined in port/el2/cache.cc.
