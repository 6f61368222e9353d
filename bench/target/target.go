// Package target starts the servers that the benchmarks measure, and reads what
// they cost: rddsd itself; references, which send constant bytes and do no work,
// so that a figure can be held against what the machine allows; nginx; and any
// other server by address and process.
//
// A reference is as fast as we can make it, or every ratio to it is a lie. What
// was tried stands in bench/RESULTS.md.
package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// Service is what a server speaks.
type Service uint8

const (
	WHOIS Service = iota // RFC 3912
	HTTP                 // RDAP without TLS
	HTTPS                // RDAP over TLS
)

// schemes are the services as they are written in front of an address.
var schemes = [...]string{WHOIS: "whois", HTTP: "http", HTTPS: "https"}

// String returns "whois", "http" or "https".
func (s Service) String() string { return schemes[s] }

// Server is a server to be measured. It is running.
type Server struct {
	Name     string
	Service  Service
	Address  string   // host:port
	Base     string   // path below which RDAP is; begins and ends with a slash
	Constant bool     // it sends the same bytes whatever it is asked
	Process  *Process // nil if it is not known
}

// Starter starts servers, each once, and ends those that it has started. It is
// for one goroutine.
type Starter struct {
	// Program is the benchmark itself, which runs the references: Program
	// "reference" NAME "--listen" ADDRESS calls Reference.
	Program string
	// Rddsd says how rddsd is started.
	Rddsd RddsdOptions

	dir     string // for files of the servers
	rddsd   *Rddsd // once it was needed
	running []*Process

	churn    *Process // changes rddsd's registry
	churnLog string   // path of its log
}

// Names returns what Start takes, beside NAME=ADDRESS,PID. Variants, which show
// that a reference is as fast as it can be, are left out.
func Names() []string {
	return []string{
		"null", "null-raw", cEpoll, "fasthttp", "fasthttp-tls", "nginx-static", "nginx-static-tls", "nginx-return", "nginx-return-tls",
		"rddsd-whois", "rddsd-rdap", "rddsd-rdap-tls",
	}
}

// Start starts the server called name, and returns once it answers. A name with an
// equals sign is one that runs already: NAME=ADDRESS,PID, where ADDRESS is
// host:port for WHOIS and a URL for RDAP, and PID its process; ",PID" may be left
// out, and what it costs is then not known.
func (s *Starter) Start(ctx context.Context, name string) (*Server, error) {
	if title, where, ok := strings.Cut(name, "="); ok {
		return openOther(title, where)
	}
	if service, ok := rddsdServices[name]; ok {
		r, err := s.StartRddsd(ctx)
		if err != nil {
			return nil, err
		}
		return &Server{Name: name, Service: service, Address: r.Addresses[service], Base: "/", Process: r.Process}, nil
	}
	if o, ok := nginxVariants[name]; ok {
		return s.startNginx(ctx, name, o)
	}
	if name == cEpoll {
		return s.startEpoll(ctx)
	}
	if slices.Contains(ReferenceNames(), name) {
		return s.startTelling(ctx, name, exec.Command(s.Program, "reference", name, "--listen", "127.0.0.1:0"))
	}
	return nil, fmt.Errorf("there is no server %q to measure: the names are %s, and NAME=ADDRESS,PID is any other one",
		name, strings.Join(Names(), ", "))
}

var rddsdServices = map[string]Service{"rddsd-whois": WHOIS, "rddsd-rdap": HTTP, "rddsd-rdap-tls": HTTPS}

// referenceServices are those of references that are not WHOIS.
var referenceServices = map[string]Service{"fasthttp": HTTP, "fasthttp-tls": HTTPS}

// startTelling starts a reference that tells its address as a line.
func (s *Starter) startTelling(ctx context.Context, name string, cmd *exec.Cmd) (*Server, error) {
	p, err := s.start(name, cmd)
	if err != nil {
		return nil, err
	}
	server := &Server{Name: name, Service: referenceServices[name], Base: "/", Constant: true, Process: p}
	return server, p.await(ctx, readyTimeout, func(context.Context) error {
		var whole bool
		if server.Address, whole = p.out.line(); !whole {
			return errors.New("it has not told its address")
		}
		return nil
	})
}

// start starts a process that Stop ends.
func (s *Starter) start(name string, cmd *exec.Cmd) (*Process, error) {
	p, err := startProcess(name, cmd)
	if err == nil {
		s.running = append(s.running, p)
	}
	return p, err
}

// Dir returns a directory for files, which is removed by Stop.
func (s *Starter) Dir() (string, error) {
	if s.dir != "" {
		return s.dir, nil
	}
	dir, err := os.MkdirTemp("", "rddsd-bench-")
	if err != nil {
		return "", fmt.Errorf("make a directory for the servers' files: %w", err)
	}
	s.dir = dir
	return dir, nil
}

// Ended returns why a server that was started has ended by itself, nil while all
// run.
func (s *Starter) Ended() error {
	for _, p := range s.running {
		if err := p.Ended(); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends all that was started, the last first, and waits until it is gone.
func (s *Starter) Stop() error {
	var faults []error
	for _, p := range slices.Backward(s.running) {
		faults = append(faults, p.Stop())
	}
	s.running, s.rddsd, s.churn = nil, nil, nil
	if s.dir != "" {
		faults = append(faults, os.RemoveAll(s.dir))
		s.dir = ""
	}
	return errors.Join(faults...)
}

// openOther returns a server that runs already.
func openOther(name, where string) (*Server, error) {
	address, number, known := strings.Cut(where, ",")
	number, constant := strings.CutSuffix(number, ",constant")
	server := &Server{Name: name, Base: "/", Constant: constant}
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		service := slices.Index(schemes[:], scheme)
		if service < 0 {
			return nil, fmt.Errorf("server %s: %q: the address begins with %s:// and not with one of %s", name, where, scheme, strings.Join(schemes[:], ", "))
		}
		server.Service = Service(service)
		var path string
		address, path, _ = strings.Cut(rest, "/")
		if path != "" {
			server.Base = "/" + strings.TrimSuffix(path, "/") + "/"
		}
	}
	server.Address = address
	if _, _, err := net.SplitHostPort(address); name == "" || err != nil {
		return nil, fmt.Errorf("server %q: want NAME=ADDRESS,PID, such as other=127.0.0.1:43,1234 or other=http://127.0.0.1:8080/rdap/,1234", name+"="+where)
	}
	if !known {
		return server, nil
	}
	pid, err := strconv.Atoi(number)
	if err != nil {
		return nil, fmt.Errorf("server %s: %q is not the number of a process", name, number)
	}
	server.Process, err = OpenProcess(name, pid)
	return server, err
}

// freeAddresses returns loopback addresses whose ports were free a moment ago.
func freeAddresses(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // all are held until all are found
		addresses[i] = l.Addr().String()
	}
	return addresses, nil
}
