# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
about="the front door itself: arguments, sources, placement, cache"
slow=no

exists() { [[ -d $SOCLE_ROOT/test/front ]]; }

stage() { run_topics front; }
