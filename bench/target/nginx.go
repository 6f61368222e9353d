package target

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// nginxOptions are the choices of an nginx that sends constant bytes.
type nginxOptions struct {
	file     bool // from a static file; else from its configuration (return)
	tls      bool
	workers  string // 1, or auto: one for each processor
	sendfile bool
}

var nginxVariants = map[string]nginxOptions{
	"nginx-static":     {file: true, workers: "1"},
	"nginx-static-tls": {file: true, workers: "1", tls: true},
	"nginx-return":     {workers: "1"},
	"nginx-return-tls": {workers: "1", tls: true},

	"nginx-static-auto":     {file: true, workers: "auto"},
	"nginx-static-sendfile": {file: true, workers: "1", sendfile: true},
	"nginx-return-auto":     {workers: "auto"},
}

// nginxPart is how long one word of its configuration may be, in bytes: nginx
// refuses more than 4,096.
const nginxPart = 3000

func (s *Starter) startNginx(ctx context.Context, name string, o nginxOptions) (*Server, error) {
	// Debian keeps it where only root looks.
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			return nil, fmt.Errorf("start %s: nginx: %w (Debian's package is nginx)", name, ErrMissing)
		}
	}
	dir, err := s.Dir()
	if err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, name)
	addresses, err := freeAddresses(1)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := writeNginx(dir, addresses[0], o); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p, err := s.start(name, exec.Command(program, "-p", dir, "-c", "nginx.conf", "-e", "stderr"))
	if err != nil {
		return nil, err
	}
	server := &Server{Name: name, Service: HTTP, Address: addresses[0], Base: "/", Constant: true, Process: p}
	if o.tls {
		server.Service = HTTPS
	}
	return server, p.await(ctx, readyTimeout, func(ctx context.Context) error { return knock(ctx, server.Address) })
}

// knock reports whether something listens at address.
func knock(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// writeNginx writes the configuration and all that it names into dir.
func writeNginx(dir, address string, o nginxOptions) error {
	files := map[string][]byte{"answer.json": rdapAnswer, "nginx.conf": nginxConfig(address, o)}
	if o.tls {
		c, err := newCertificate(time.Now())
		if err != nil {
			return err
		}
		files["cert.pem"], files["key.pem"] = c.cert, c.key
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// nginxConfig has nginx send the answer, with the header of a real one, whatever
// is asked. Paths begin in its own directory.
func nginxConfig(address string, o nginxOptions) []byte {
	var b bytes.Buffer
	if os.Geteuid() == 0 {
		// Its workers read the same files as we do; else it may not choose.
		b.WriteString("user root;\n")
	}
	fmt.Fprintf(&b, "daemon off;\nworker_processes %s;\nworker_rlimit_nofile 20000;\npid nginx.pid;\n", o.workers)
	b.WriteString("error_log stderr crit;\nevents {\n  worker_connections 16384;\n  multi_accept on;\n}\nhttp {\n")
	for _, kind := range [...]string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&b, "  %s_temp_path temp_%[1]s;\n", kind)
	}
	b.WriteString("  access_log off;\n  server_tokens off;\n  etag off;\n  if_modified_since off;\n" +
		"  keepalive_timeout 60s;\n  keepalive_requests 1000000000;\n  tcp_nodelay on;\n  types {}\n")
	fields := constantHeader(o.tls)
	fmt.Fprintf(&b, "  default_type %s;\n", fields[0][1])
	for _, field := range fields[1:] {
		fmt.Fprintf(&b, "  add_header %s %q;\n", field[0], field[1])
	}
	if o.sendfile {
		b.WriteString("  sendfile on;\n  tcp_nopush on;\n")
	}
	if o.file {
		b.WriteString("  open_file_cache max=16 inactive=1h;\n  open_file_cache_valid 1h;\n")
	}
	parts := nginxBody(&b, rdapAnswer)
	secure := ""
	if o.tls {
		secure = " ssl"
	}
	fmt.Fprintf(&b, "  server {\n    listen %s%s backlog=4096;\n", address, secure)
	if o.tls {
		b.WriteString("    ssl_certificate cert.pem;\n    ssl_certificate_key key.pem;\n    ssl_protocols TLSv1.3;\n")
	}
	if o.file {
		b.WriteString("    location / { root .; try_files /answer.json =404; }\n")
	} else {
		fmt.Fprintf(&b, "    location / { return 200 %s; }\n", parts)
	}
	b.WriteString("  }\n}\n")
	return b.Bytes()
}

// nginxBody writes body as variables, and returns the word that names them all.
// Variables of geo, unlike those of set, may hold dollar signs.
func nginxBody(b *bytes.Buffer, body []byte) string {
	var word strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for i := 0; len(body) > 0; i++ {
		n := min(len(body), nginxPart)
		fmt.Fprintf(b, "  geo $part%d { default '%s'; }\n", i, escape.Replace(string(body[:n])))
		fmt.Fprintf(&word, "$part%d", i)
		body = body[n:]
	}
	return word.String()
}
