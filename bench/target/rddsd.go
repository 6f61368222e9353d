package target

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RddsdOptions say how rddsd is started.
type RddsdOptions struct {
	// Binary is the program; "" has it built from the module that the working
	// directory lies in.
	Binary string
	// Registry is the SQLite file that it follows, or "postgres:" and how a
	// database is reached; needed.
	Registry string
	// Mode is that of its limits: "off", "dry-run" or "enforce".
	Mode string
	// Churn is how many changes a second are made to the registry meanwhile.
	Churn float64
	// Environment overrides keys of its configuration, such as
	// RDDSD_FEED_POLL_INTERVAL=1s.
	Environment []string
	// Ready is how long it may take to be ready, where that is more than is usual
	// for the file.
	Ready time.Duration
}

// registry returns the setting by which rddsd follows the registry, and where its
// own commands write it.
func (o *RddsdOptions) registry() (setting, place string, err error) {
	if dsn, ok := strings.CutPrefix(o.Registry, "postgres:"); ok {
		return "RDDSD_REGISTRY_POSTGRES=" + dsn, o.Registry, nil
	}
	path, err := filepath.Abs(o.Registry)
	return "RDDSD_REGISTRY_SQLITE=" + path, "sqlite:" + path, err
}

// Rddsd is a running rddsd, on ports of its own.
type Rddsd struct {
	Addresses [3]string // by Service
	Admin     string    // host:port
	Process   *Process
}

// StartRddsd starts rddsd, unless this Starter has done so already, and returns
// once it is ready to answer.
func (s *Starter) StartRddsd(ctx context.Context) (*Rddsd, error) {
	if s.rddsd != nil {
		return s.rddsd, nil
	}
	if s.Rddsd.Registry == "" {
		return nil, errors.New("start rddsd: no registry to follow: give the path of an SQLite file, or postgres: and a connection string")
	}
	dir, err := s.Dir()
	if err != nil {
		return nil, err
	}
	binary := s.Rddsd.Binary
	if binary == "" {
		binary = filepath.Join(dir, "rddsd")
		out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "rddsd").CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("build rddsd (or name a program): %w\n%s", err, out)
		}
	}
	followed, place, err := s.Rddsd.registry()
	if err != nil {
		return nil, fmt.Errorf("start rddsd: %w", err)
	}
	addresses, err := freeAddresses(4)
	if err != nil {
		return nil, fmt.Errorf("start rddsd: %w", err)
	}
	cmd := exec.Command(binary, "serve", "--data", filepath.Join(dir, "data"))
	cmd.Env = slices.Concat(os.Environ(), []string{
		"RDDSD_WHOIS_LISTEN=" + addresses[WHOIS], "RDDSD_RDAP_HTTP=" + addresses[HTTP], "RDDSD_RDAP_HTTPS=" + addresses[HTTPS],
		"RDDSD_ADMIN_LISTEN=" + addresses[3], followed, "RDDSD_RATELIMIT_MODE=" + s.Rddsd.Mode,
	}, s.Rddsd.Environment)
	p, err := s.start("rddsd", cmd)
	if err != nil {
		return nil, err
	}
	r := &Rddsd{Addresses: [3]string(addresses[:3]), Admin: addresses[3], Process: p}
	if err := p.await(ctx, max(s.Rddsd.Ready, readyWithin(s.Rddsd.Registry)), r.ready); err != nil {
		return nil, err
	}
	if s.Rddsd.Churn > 0 {
		if err := s.startChurn(binary, place); err != nil {
			return nil, err
		}
	}
	s.rddsd = r
	return r, nil
}

// loadRate is how much of a registry file rddsd reads in a second at the least, in
// bytes: a tenth of what it does on the two cores of a small virtual machine.
const loadRate = 2 << 20

// readyWithin returns how long rddsd may take to load the registry file at path.
func readyWithin(path string) time.Duration {
	info, err := os.Stat(path)
	if err != nil {
		return readyTimeout // and rddsd tells what is wrong with it
	}
	return readyTimeout + time.Duration(info.Size()/loadRate)*time.Second
}

// ready returns why rddsd does not answer yet.
func (r *Rddsd) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.Admin+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("http://%s/readyz answers %s", r.Admin, response.Status)
	}
	for _, address := range r.Addresses {
		if err := knock(ctx, address); err != nil {
			return err
		}
	}
	return nil
}

// startChurn has rddsd's own command change the registry at a rate until EndChurn,
// in a process of its own: it is neither the server's work nor the load generator's.
func (s *Starter) startChurn(binary, place string) error {
	dir, err := s.Dir()
	if err != nil {
		return err
	}
	s.churnLog = filepath.Join(dir, "churn.log")
	s.churn, err = s.start("churn", exec.Command(binary, "registry", "churn",
		"--rate", strconv.FormatFloat(s.Rddsd.Churn, 'g', -1, 64), "--to", place, "--log", s.churnLog))
	return err
}

// EndChurn ends the changes that are made to rddsd's registry, and returns the path
// of their log, "" if none are made.
func (s *Starter) EndChurn() (string, error) {
	if s.churn == nil {
		return "", nil
	}
	p := s.churn
	s.churn = nil
	if err := p.Ended(); err != nil {
		return "", err
	}
	s.running = slices.DeleteFunc(s.running, func(other *Process) bool { return other == p })
	return s.churnLog, p.Stop()
}
