# SPDX-License-Identifier: Apache-2.0
# Reads the machine's apt sources (one-line *.list and deb822 *.sources files) and writes deb822
# stanzas for a private apt: the entries of the Debian archive only, plus the backports suite of the
# same mirror. Which host serves them is the machine's business; no host is named here.
#
#   awk -v codename=bookworm [-v kind=deb-src] -f apt-sources.awk FILE...
#
# With kind=deb-src the same places are asked for source packages: a mirror has both.
#
# An entry belongs to the Debian archive when it is binary (deb), offers `main` in CODENAME or its
# -updates, -security or -backports, and is signed by Debian's archive keyring or by the keys that
# apt trusts for every source. Options that weaken verification (trusted=, allow-*) and
# architecture filters are not copied.

function known_suite(suite) {
  return suite == codename || suite == codename "-updates" || suite == codename "-security" ||
         suite == codename "-backports"
}

function has_word(list, word) { return index(" " list " ", " " word " ") > 0 }

function stanza(uri, suites, signed_by) {
  key = uri "|" suites
  if (key in seen) return
  seen[key] = 1
  print "Types: " (kind == "" ? "deb" : kind) "\nURIs: " uri "\nSuites: " suites "\nComponents: main"
  if (signed_by != "") print "Signed-By: " signed_by
  print "Targets: " (kind == "deb-src" ? "Sources" : "Packages") "\n"
}

function entry(uris, suites, components, signed_by,    n, i, m, j, uri, suite, wanted) {
  if (!has_word(components, "main")) return
  if (signed_by != "" && signed_by !~ /debian-archive/) return
  n = split(uris, uri, /[ \t]+/)
  m = split(suites, suite, /[ \t]+/)
  for (j = 1; j <= m; j++) if (known_suite(suite[j])) wanted = wanted (wanted == "" ? "" : " ") suite[j]
  if (wanted == "") return
  for (i = 1; i <= n; i++) {
    if (uri[i] == "" || uri[i] ~ /^cdrom:/) continue
    stanza(uri[i], wanted, signed_by)
    if (has_word(wanted, codename "-backports")) backports_known = 1
    if (has_word(wanted, codename) && mirror == "") { mirror = uri[i]; mirror_key = signed_by }
  }
}

# --- deb822: one field per line, continuation lines start with a blank, stanzas end with an empty line
function deb822_end() {
  if (has_word(field["types"], "deb") && tolower(field["enabled"]) != "no")
    entry(field["uris"], field["suites"], field["components"], field["signed-by"])
  split("", field)
  name = ""
}

function deb822_line(line,    colon) {
  if (line ~ /^#/) return
  if (line ~ /^[ \t]*$/) { deb822_end(); return }
  if (line ~ /^[ \t]/) { field[name] = field[name] " " trim(line); return }
  colon = index(line, ":")
  name = tolower(substr(line, 1, colon - 1))
  field[name] = trim(substr(line, colon + 1))
}

function trim(text) { gsub(/^[ \t]+|[ \t\r]+$/, "", text); gsub(/[ \t]+/, " ", text); return text }

# --- one-line style: deb [ options ] uri suite component...
function list_line(line,    options, signed_by, n, word, i, components) {
  sub(/#.*/, "", line)
  line = trim(line)
  if (line !~ /^deb[ ]/) return
  line = trim(substr(line, 4))
  if (line ~ /^\[/) {
    options = substr(line, 2, index(line, "]") - 2)
    line = trim(substr(line, index(line, "]") + 1))
    if (match(options, /signed-by=[^ ]+/)) signed_by = substr(options, RSTART + 10, RLENGTH - 10)
  }
  n = split(line, word, / /)
  for (i = 3; i <= n; i++) components = components " " word[i]
  entry(word[1], word[2], trim(components), signed_by)
}

FNR == 1 { deb822_end() }
FILENAME ~ /\.sources$/ { deb822_line($0); next }
{ list_line($0) }

END {
  deb822_end()
  if (mirror != "" && !backports_known) stanza(mirror, codename "-backports", mirror_key)
  exit mirror == "" ? 1 : 0
}
