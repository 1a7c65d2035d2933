# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
about="no room includes what stands above it (tools/floors.toml)"
slow=no

exists() { [[ -f $SOCLE_ROOT/tools/check_floors.py ]]; }

stage() { python3 tools/check_floors.py; }
