# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian packages. Two worlds that never mix:
#  - packages that builds need on this machine: apt-get install, after one question;
#  - packages of other architectures or suites (arm64 libraries, kernels, Xen, a newer QEMU): fetched
#    by a private apt (own state, cache and sources under $CACHE/apt, derived from the machine's
#    sources, so apt checks signatures and hashes) and unpacked into build/deps. The machine's dpkg
#    and apt settings are only read. One of them, "source", has the index of source packages.
#
# A *set* is a named group of fetched packages. $CACHE/sets/NAME.list says in its first line what was
# asked for, and remembers, from the signed index, `SHA256 SIZE FILE PACKAGE VERSION` of each package;
# the files lie in $CACHE/debs and are verified against it before every unpacking, so a cache works
# without network and cannot rot silently.

RUN_PACKAGES=(clang-19 lld-19 llvm-19 g++-aarch64-linux-gnu cmake ninja-build device-tree-compiler
  cpio xz-utils kmod)
UEFI_PACKAGES=(qemu-efi-aarch64 mtools)
XEN_BUILD_PACKAGES=(bison flex make dpkg-dev gcc-aarch64-linux-gnu python3)
TEST_PACKAGES=("${RUN_PACKAGES[@]}" "${UEFI_PACKAGES[@]}" clang-format-19 clang-tidy-19 libclang-rt-19-dev libfdt-dev
  zlib1g-dev libgtest-dev libgmock-dev libbenchmark-dev libcli11-dev nlohmann-json3-dev libfmt-dev libxen-dev
  python3 shellcheck)

# --- on the machine -----------------------------------------------------------------------------

missing_packages() {
  local package installed
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^[hi]i //p') || true # packages that dpkg never heard of
  for package in "$@"; do
    grep -qxF -- "$package" <<<"$installed" || printf '%s\n' "$package"
  done
}

# need_packages HINT PACKAGE...: installs what is missing; HINT is the command that would say yes.
need_packages() {
  local hint=$1 missing
  shift
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  have apt-get || die "this machine has no apt-get; needed packages: ${missing[*]}"
  can_be_root || die "there is no sudo: run 'apt-get install ${missing[*]}' as root, then try again"
  agree "install these Debian packages: ${missing[*]}?" "$hint"
  say "installing ${#missing[@]} packages: ${missing[*]}"
  as_root apt-get update -q >&2 || warn "apt-get update failed; trying with the lists there are"
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}" >&2 ||
    die "apt-get could not install: ${missing[*]}"
}

# --- the private apt ----------------------------------------------------------------------------

codename() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release | tr -d '"'; }

# write_sources FILE KIND: the Debian entries of the machine's own sources, and the mirror's backports, as
# deb or deb-src.
write_sources() {
  local files=() file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [[ -f $file ]] && files+=("$file")
  done
  [[ ${#files[@]} -gt 0 ]] || die "this machine has no apt sources"
  awk -v codename="$(codename)" -v kind="$2" -f "$SOCLE_ROOT/tools/front/apt-sources.awk" "${files[@]}" >"$1" ||
    die "no entry of the Debian archive for '$(codename)' (component main) in /etc/apt/sources.list*"
}

# The machine's apt.conf is read before this file (proxies and the like stay valid); what is said
# here wins. `#clear` drops hooks that would act on the machine.
write_apt_conf() {
  local home=$1 arch=$2 status=$3
  cat <<CONF
#clear APT::Architectures;
#clear APT::Update;
#clear APT::Default-Release;
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "";
APT::Get::List-Cleanup "true";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::GzipIndexes "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Dir::State "$home/state/";
Dir::State::lists "$home/lists/";
Dir::State::status "$status";
Dir::State::extended_states "$home/state/extended_states";
Dir::Cache "$home/cache/";
Dir::Cache::archives "$home/cache/archives/";
Dir::Cache::pkgcache "$home/cache/pkgcache.bin";
Dir::Cache::srcpkgcache "$home/cache/srcpkgcache.bin";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$home/sources.d/";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$home/preferences.d/";
CONF
}

apt_home() { printf '%s/apt/%s\n' "$CACHE" "$1"; }

# private_apt ARCH TOOL...: apt-get or apt-cache with ARCH's private configuration.
private_apt() {
  local arch=$1 tool=$2
  shift 2
  "$tool" -c "$(apt_home "$arch")/apt.conf" "$@"
}

native_arch() { dpkg --print-architecture; }

# refresh_index ARCH: writes the private configuration anew and updates its package lists.
refresh_index() {
  local arch=$1 home status kind=deb own=$1
  if [[ $arch == source ]]; then kind=deb-src own=$(native_arch); fi
  home=$(apt_home "$arch")
  mkdir -p "$home"/{state,lists/partial,cache/archives/partial,sources.d,preferences.d}
  status=/var/lib/dpkg/status
  if [[ $arch != "$(native_arch)" ]]; then
    status=$home/state/status
    : >"$status"
  fi
  write_sources "$home/sources.d/debian.sources" "$kind"
  write_apt_conf "$home" "$own" "$status" >"$home/apt.conf"
  say "reading the package lists of Debian $(codename) for $arch"
  if private_apt "$arch" apt-get update -q --error-on=any >"$home/update.log" 2>&1; then
    touch "$home/fresh"
  else
    sed 's/^/  /' "$home/update.log" >&2
    return 1
  fi
}

# need_index ARCH: an index not older than a day if the network gives one, else the one there is.
need_index() {
  local arch=$1 home
  home=$(apt_home "$arch")
  [[ -n $(find "$home/fresh" -mmin -1440 2>/dev/null) ]] && return 0
  refresh_index "$arch" && return 0
  [[ -e $home/fresh ]] || die "no package lists for $arch: is there a network? (the log is above)"
  warn "the package lists for $arch could not be renewed; using the old ones"
}

# depends_on ARCH PACKAGE=VERSION REGEX: the first dependency whose name matches, as PACKAGE[=VERSION].
depends_on() {
  private_apt "$1" apt-cache show "$2" | sed -n 's/^Depends: //p' | head -n 1 | tr ',' '\n' |
    sed -nE 's/^ *([a-z0-9.+-]+)( \(= ([^)]+)\))?.*/\1 \3/p' |
    awk -v regex="$3" '$1 ~ regex { print $1 ($2 == "" ? "" : "=" $2); exit }'
}

# newest_source PACKAGE: PACKAGE=VERSION of the newest source package that can be had: a mirror may lack
# files that its index names.
newest_source() {
  local version place="$CACHE/debs/partial"
  mkdir -p "$place"
  for version in $(private_apt source apt-cache showsrc "$1" | sed -n 's/^Version: //p' | sort -u -V -r); do
    if (apt_download source "$1=$version" --dsc-only) then
      printf '%s=%s\n' "$1" "$version"
      return 0
    fi
    warn "the source of $1 $version cannot be fetched; trying an older one"
  done
  return 1
}

# record_source PACKAGE=VERSION: the lines of a set's list for the files of a source package.
record_source() {
  private_apt source apt-cache showsrc "${1%%=*}" | awk -v name="${1%%=*}" -v version="${1#*=}" '
    /^Version: / { wanted = $2 == version } /^[^ ]/ { sums = /^Checksums-Sha256:/ }
    wanted && sums && /^ / { print $1, $2, $3, name, version; ++files }
    END { exit files > 0 ? 0 : 1 }'
}

# record ARCH: reads PACKAGE[=VERSION] words, writes the lines of a set's list from the signed index.
record() {
  local arch=$1 package
  while read -r package; do
    if [[ $arch == source ]]; then
      record_source "$package" || return 1
      continue
    fi
    private_apt "$arch" apt-cache show --no-all-versions "$package" | awk -v wanted="$package" '
      /^Package: / { name = $2 } /^Version: / { version = $2 } /^Architecture: / { arch = $2 }
      /^Size: / { size = $2 } /^SHA256: / { hash = $2 }
      END {
        if (hash == "" || size == "") { print "no such package: " wanted > "/dev/stderr"; exit 1 }
        file = version; gsub(/:/, "%3a", file)
        print hash, size, name "_" file "_" arch ".deb", name, version
      }' || return 1
  done
}

# --- sets ---------------------------------------------------------------------------------------

set_list() { printf '%s/sets/%s-%s.list\n' "$CACHE" "$(codename)" "$1"; }

# listed LIST: the lines of a set's list, without the one that says what was asked for.
listed() { grep -v '^#' "$1"; }

# verified FILE HASH: the cached file is there and is what the signed index said.
verified() {
  [[ -f $1 ]] && [[ $(sha256sum <"$1") == "$2  -" ]]
}

# apt_download ARCH PACKAGE=VERSION [PART]: into $CACHE/debs/partial; on a terminal with apt's progress. PART
# is which file of a source package: --dsc-only, --tar-only or --diff-only.
apt_download() {
  local log="$CACHE/debs/partial/log" words=(download)
  if [[ $1 == source ]]; then words=(source --download-only "$3"); fi
  cd "$CACHE/debs/partial" || return 1
  if [[ -t 2 ]]; then
    private_apt "$1" apt-get "${words[@]}" "$2" >&2 </dev/null
  else
    private_apt "$1" apt-get -q "${words[@]}" "$2" >"$log" 2>&1 </dev/null || { sed 's/^/  /' "$log" >&2; return 1; }
  fi
}

# part_of FILE: which file of a source package it is, as apt_download has it.
part_of() {
  case $1 in
    *.dsc) printf '%s\n' --dsc-only ;;
    *.orig.tar.*) printf '%s\n' --tar-only ;;
    *.debian.tar.*) printf '%s\n' --diff-only ;;
  esac
}

# download ARCH LIST: fetches what is not in the cache yet; every file is verified afterwards.
download() {
  local arch=$1 list=$2 hash size file package version
  mkdir -p "$CACHE/debs/partial"
  while read -r hash size file package version; do
    if verified "$CACHE/debs/$file" "$hash"; then continue; fi
    say "fetching $package $version ($(human_size "$size"))"
    (apt_download "$arch" "$package=$version" "$(part_of "$file")") || return 1
    verified "$CACHE/debs/partial/$file" "$hash" ||
      { warn "$file does not have the hash that Debian's index gives"; return 1; }
    mv -f "$CACHE/debs/partial/$file" "$CACHE/debs/$file"
  done < <(listed "$list")
}

# cached LIST REQUEST: the list answers this request, and its files are all in the cache and intact.
cached() {
  local hash size file package version
  [[ -f $1 && $(head -n 1 "$1") == "# $2" ]] || return 1
  while read -r hash size file package version; do
    verified "$CACHE/debs/$file" "$hash" || return 1
  done < <(listed "$1")
}

# fetch NAME ARCH RESOLVER...: makes the set complete in the cache. RESOLVER prints PACKAGE=VERSION
# words; it is asked only when the cache cannot answer or --update was given. A failed download is
# tried once more with new package lists (the mirror may have moved on to newer versions).
fetch() {
  local name=$1 arch=$2 list attempt
  shift 2
  list=$(set_list "$name")
  mkdir -p "${list%/*}"
  if [[ ${UPDATE:-no} == no ]] && cached "$list" "$*"; then return 0; fi
  need_index "$arch"
  for attempt in 1 2; do
    if [[ $attempt -eq 2 ]]; then refresh_index "$arch" || break; fi
    printf '# %s\n' "$*" >"$list.new"
    if "$@" | record "$arch" >>"$list.new" && listed "$list.new" >/dev/null && download "$arch" "$list.new"; then
      mv -f "$list.new" "$list"
      return 0
    fi
  done
  rm -f "$list.new"
  die "could not fetch the packages of '$name' (the log is above)"
}

# unpack_set NAME DIRECTORY [TAR ARGUMENTS...]: unpacks the set's packages, all of them or the named members.
unpack_set() {
  local list directory=$2 hash size file package version
  list=$(set_list "$1")
  shift 2
  mkdir -p "$directory"
  say "unpacking $(listed "$list" | awk '{ print $4 }' | paste -s -d ' ')"
  while read -r hash size file package version; do
    if [[ $# -eq 0 ]]; then
      dpkg-deb -x "$CACHE/debs/$file" "$directory"
    else
      dpkg-deb --fsys-tarfile "$CACHE/debs/$file" | tar -x -C "$directory" --wildcards "$@"
    fi
  done < <(listed "$list")
}
