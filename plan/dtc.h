// SPDX-License-Identifier: Apache-2.0
#pragma once

// Device trees between source and blob, by the program dtc: started without a shell, with the text
// on its standard input, in no place where it could write.

#include <string>
#include <string_view>

#include "plan/source.h"

namespace socle::plan {

// Files that the source includes by name are looked for in the folder, too ("": only where we are).
Outcome<std::string> compile_tree(std::string_view source, const std::string& folder = "");
// A tree as files and folders, as in /proc/device-tree.
Outcome<std::string> compile_folder(const std::string& folder);
Outcome<std::string> decompile_tree(std::string_view blob);

}  // namespace socle::plan
