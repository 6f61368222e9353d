package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// asked is what every client of somebody else's does, and prints: it looks a name up,
// asks for it again under its entity tag, has it compressed, asks for its head, and for
// a name that is not there.
const asked = `found 200 application/rdap+json example.coop
unchanged 304 0
compressed 200 example.coop
head 200 0
missing 404 404
`

// runClient runs a program that does what asked tells, over TLS with the certificate of
// d as its root. $BASE and $ROOT tell it both.
func (d *daemon) runClient(program string, args ...string) string {
	d.t.Helper()
	cmd := exec.Command(needs(d.t, program), args...)
	cmd.Dir = d.t.TempDir()
	cmd.Env = append(os.Environ(), "BASE=https://"+d.https+"/", "ROOT="+d.root(), "NODE_EXTRA_CA_CERTS="+d.root(), "HOME="+cmd.Dir)
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		d.t.Fatalf("%s: %v\n%s%s", program, err, out, errors.String())
	}
	return string(out)
}

// root returns the path of the certificate that d shows.
func (d *daemon) root() string { return filepath.Join(d.dir, "tls", "cert.pem") }

func TestCurl(t *testing.T) {
	d := startDaemon(t, t.TempDir())
	const script = `set -e
ask() { curl --silent --show-error --cacert "$ROOT" --max-time 60 "$@"; }
name() { sed 's/.*"ldhName":"\([^"]*\)","links".*/\1/' "$1"; echo; }
ask --etag-save tag -o body -w 'found %{http_code} %{content_type} ' "$BASE"domain/example.coop
name body
ask --etag-compare tag -o body -w 'unchanged %{http_code} %{size_download}\n' "$BASE"domain/example.coop
ask --compressed -o body -w 'compressed %{http_code} ' "$BASE"domain/example.coop
name body
ask --head -o body -w 'head %{http_code} %{size_download}\n' "$BASE"domain/example.coop
ask -o body -w 'missing %{http_code} ' "$BASE"domain/unregistered.coop
sed 's/.*"errorCode":\([0-9]*\).*/\1/' body; echo`
	needs(t, "curl")
	if got := d.runClient("sh", "-c", script); got != asked {
		t.Errorf("curl prints\n%swant\n%s", got, asked)
	}
}

func TestPython(t *testing.T) {
	d := startDaemon(t, t.TempDir())
	const script = `
import gzip, http.client, json, os, ssl, urllib.error, urllib.parse, urllib.request
base, trust = os.environ["BASE"], ssl.create_default_context(cafile=os.environ["ROOT"])
path = "/domain/example.coop"
with urllib.request.urlopen(base + path[1:], context=trust) as r:
    print("found", r.status, r.headers["Content-Type"], json.load(r)["ldhName"])
    tag = r.headers["ETag"]
c = http.client.HTTPSConnection(urllib.parse.urlsplit(base).netloc, context=trust) # kept for all three
def ask(method, **fields):
    c.request(method, path, headers={k.replace("_", "-"): v for k, v in fields.items()})
    r = c.getresponse()
    return r, r.read()
r, body = ask("GET", If_None_Match=tag)
print("unchanged", r.status, len(body))
r, body = ask("GET", Accept_Encoding="gzip")
assert r.headers["Content-Encoding"] == "gzip"
print("compressed", r.status, json.loads(gzip.decompress(body))["ldhName"])
r, body = ask("HEAD")
print("head", r.status, len(body))
try:
    urllib.request.urlopen(base + "domain/unregistered.coop", context=trust)
except urllib.error.HTTPError as e:
    print("missing", e.code, json.load(e)["errorCode"])
`
	if got := d.runClient("python3", "-c", script); got != asked {
		t.Errorf("Python's clients print\n%swant\n%s", got, asked)
	}
}

func TestNode(t *testing.T) {
	d := startDaemon(t, t.TempDir())
	const script = `
const https = require("node:https"), base = process.env.BASE;
const ask = (method, path, headers) => new Promise((done, failed) => {
  https.request(base + path, { method, headers }, r => {
    let body = ""; r.on("data", d => body += d); r.on("end", () => done([r, body]));
  }).on("error", failed).end();
});
(async () => {
  const r = await fetch(base + "domain/example.coop"); // asks for gzip by itself
  console.log("found", r.status, r.headers.get("Content-Type"), (await r.json()).ldhName);
  const [u, none] = await ask("GET", "domain/example.coop", { "If-None-Match": r.headers.get("ETag") });
  console.log("unchanged", u.statusCode, none.length);
  const c = await fetch(base + "domain/example.coop", { headers: { "Accept-Encoding": "gzip" } });
  if (c.headers.get("Content-Encoding") != "gzip") throw "not in gzip";
  console.log("compressed", c.status, (await c.json()).ldhName);
  const [h, empty] = await ask("HEAD", "domain/example.coop", {});
  console.log("head", h.statusCode, empty.length);
  const m = await fetch(base + "domain/unregistered.coop");
  console.log("missing", m.status, (await m.json()).errorCode);
})().catch(e => { console.error(e); process.exit(1); });
`
	if got := d.runClient("node", "-e", script); got != asked {
		t.Errorf("Node's clients print\n%swant\n%s", got, asked)
	}
}

// TestChromium has a browser ask from a page of another origin. The tag in a request
// makes it send OPTIONS first.
func TestChromium(t *testing.T) {
	browser := needs(t, "chromium")
	d := startDaemon(t, t.TempDir())
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><meta charset=utf-8><pre id=out></pre><script>
const out = document.getElementById("out"), base = "http://%s/";
const say = (...words) => out.textContent += words.join(" ") + "\n";
(async () => {
  const r = await fetch(base + "domain/example.coop"); // asks for gzip by itself
  say("found", r.status, r.headers.get("Content-Type"), (await r.json()).ldhName);
  const u = await fetch(base + "domain/example.coop", { headers: { "If-None-Match": r.headers.get("ETag") } });
  say("unchanged", u.status, (await u.text()).length);
  const c = await fetch(base + "domain/example.coop", { cache: "no-store" });
  say("compressed", c.status, (await c.json()).ldhName);
  const h = await fetch(base + "domain/example.coop", { method: "HEAD" });
  say("head", h.status, (await h.text()).length);
  const m = await fetch(base + "domain/unregistered.coop");
  say("missing", m.status, (await m.json()).errorCode);
})().catch(e => say("failed:", e));
</script>`, d.http)
	}))
	defer page.Close()
	dir := t.TempDir()
	cmd := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
		"--no-first-run", "--user-data-dir="+dir, "--virtual-time-budget=60000", "--dump-dom", page.URL)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	cmd.Stderr = io.Discard
	cmd.WaitDelay = 10 * time.Second // its children may keep its output open
	kill := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, dom)
	}
	_, rest, _ := strings.Cut(string(dom), `<pre id="out">`)
	if got, _, _ := strings.Cut(rest, "</pre>"); got != asked {
		t.Errorf("the page reads\n%swant\n%s\nof\n%s", got, asked, dom)
	}
}
