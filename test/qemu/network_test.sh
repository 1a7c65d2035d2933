# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# 32 MiB each way between dom0 and a server on the host's loopback, through QEMU's user network.

# A server that gives out SCRATCH/down and keeps what is sent to it in SCRATCH/up.
serve() {
  python3 - "$SCRATCH" <<'PYTHON' &
import http.server, os, sys
home = sys.argv[1]
class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *rest):
        super().__init__(*rest, directory=home)
    def do_POST(self):
        left = int(self.headers["Content-Length"])
        with open(os.path.join(home, "up"), "wb") as out:
            while left:
                data = self.rfile.read(min(left, 1 << 20))
                if not data:
                    break
                out.write(data)
                left -= len(data)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(os.path.join(home, "port"), "w") as out:
    out.write(str(server.server_address[1]))
server.serve_forever()
PYTHON
  SERVER=$!
  trap 'kill $SERVER' EXIT
  while [[ ! -s $SCRATCH/port ]]; do sleep 0.1; done
}

# transfers OPTIONS...: down with its sum, up compared on the host.
transfers() {
  local out
  rm -f "$SCRATCH"/{port,up,down}
  # Text: the wget of busybox posts a file up to its first NUL.
  head -c 24M /dev/urandom | base64 >"$SCRATCH/down"
  serve
  out=$(dom0 "$@" -- "
    for try in \$(seq 100); do ip route | grep -q default && break; sleep 0.1; done
    wget -q -O /tmp/file http://10.0.2.2:$(<"$SCRATCH/port")/down && md5sum </tmp/file | cut -c 1-32
    wget -q -O /dev/null --post-file /tmp/file http://10.0.2.2:$(<"$SCRATCH/port")/up && echo sent")
  equal "$(md5sum <"$SCRATCH/down" | cut -c 1-32) sent" "${out//$'\n'/ }" "sum of what came down, and the answer"
  cmp "$SCRATCH/down" "$SCRATCH/up" || fail "what went up is not what came down"
}

test_virtio_pci_network_both_ways() { transfers; }

test_virtio_mmio_network_both_ways() {
  transfers --no-network --qemu-arg -netdev --qemu-arg user,id=mmio \
    --qemu-arg -device --qemu-arg virtio-net-device,netdev=mmio
}
