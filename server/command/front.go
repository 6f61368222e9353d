package command

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"

	"rddsd/server"
	"rddsd/server/admin"
	"rddsd/server/config"
	"rddsd/server/listen"
	"rddsd/server/rdap"
	"rddsd/server/whois"
)

// The caps on connections while limits are enforced. Three at once serve a
// person and every client we know (whois.md W-14); browsers open six to one
// host. The totals keep a flood from taking all memory: 32 KiB each.
const (
	whoisPerClient = 3
	rdapPerClient  = 20
	maxConnections = 16384
)

// publicPaths are the configuration's paths of where the public reaches us.
var publicPaths = [...]string{"whois.listen", "rdap.http", "rdap.https", "rdap.redirect"}

// public is where the public reaches us, by the configuration's paths.
func public(cfg *config.Config) map[string][]netip.AddrPort {
	return map[string][]netip.AddrPort{
		"whois.listen": cfg.WHOIS.Listen, "rdap.http": cfg.RDAP.HTTP, "rdap.https": cfg.RDAP.HTTPS, "rdap.redirect": cfg.RDAP.Redirect,
	}
}

// ProbePorts opens every port of the configuration and closes it again, so that
// one that is taken is told before any work is done: the public ports open for
// good only when there is something to answer. Those of a supervisor are open.
func ProbePorts(ctx context.Context, cfg *config.Config, systemd *Supervisor) error {
	paths := public(cfg)
	paths["admin.listen"] = cfg.Admin.Listen
	var faults []error
	for _, path := range append(publicPaths[:], "admin.listen") {
		if len(systemd.opened(path)) > 0 {
			continue
		}
		listeners, err := open(ctx, cfg, slog.New(slog.DiscardHandler), path, paths[path])
		faults = append(faults, err, closeAll(listeners))
	}
	return errors.Join(faults...)
}

// open listens on addrs, which the key at path sets. A default address whose
// family this host lacks is left out with one log line.
func open(ctx context.Context, cfg *config.Config, log *slog.Logger, path string, addrs []netip.AddrPort) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, addr := range addrs {
		l, err := listen.Open(ctx, listen.Address{Addr: addr, Key: config.KeyName(path), Default: !cfg.Explicit(path)})
		if errors.Is(err, listen.ErrNoFamily) {
			log.Warn("a default address is left out", "key", config.KeyName(path), "error", err)
			continue
		}
		if err != nil {
			return nil, errors.Join(err, closeAll(listeners))
		}
		listeners = append(listeners, listen.Persist(l, log))
	}
	return listeners, nil
}

func closeAll(listeners []net.Listener) error {
	var faults []error
	for _, l := range listeners {
		faults = append(faults, l.Close())
	}
	return errors.Join(faults...)
}

// OpenFront opens the public ports, and says on standard output what to try
// when nothing is configured.
func OpenFront(ctx context.Context, cfg *config.Config, systemd *Supervisor, log *slog.Logger, w *whois.Server, r *rdap.Server) ([]server.Named, error) {
	var (
		opened [len(publicPaths)][]net.Listener
		err    error
	)
	for i, path := range publicPaths {
		if opened[i] = systemd.opened(path); len(opened[i]) > 0 {
			log.Info("the supervisor's sockets take the place of configured addresses", "key", config.KeyName(path))
			continue
		}
		if opened[i], err = open(ctx, cfg, log, path, public(cfg)[path]); err != nil {
			for _, listeners := range opened {
				err = errors.Join(err, closeAll(listeners))
			}
			return nil, err
		}
	}
	log.Info("serving", "whois", addresses(opened[0]), "rdap_http", addresses(opened[1]), "rdap_https", addresses(opened[2]), "rdap_redirect", addresses(opened[3]))
	if len(cfg.TLDs) == 0 && cfg.Registry.SQLite == "" && !cfg.UsesPostgres() {
		invite(os.Stdout, w.Cache.Current(), opened[0], opened[1])
	}
	front := []server.Named{
		{Name: "whois", Service: service(func(ctx context.Context) error { return w.Serve(ctx, opened[0]...) })},
		{Name: "rdap", Service: service(func(ctx context.Context) error {
			return r.Serve(ctx, rdap.Listeners{Plain: opened[1], TLS: opened[2], Redirect: opened[3]})
		})},
	}
	if systemd != nil && systemd.watchdog > 0 {
		var addrs []net.Addr
		for _, l := range slices.Concat(opened[:]...) {
			addrs = append(addrs, l.Addr())
		}
		front = append(front, server.Named{Name: "watchdog", Service: service(func(ctx context.Context) error { return systemd.watch(ctx, addrs) })})
	}
	systemd.ready()
	return front, nil
}

func addresses(listeners []net.Listener) []string {
	list := make([]string, len(listeners))
	for i, l := range listeners {
		list[i] = l.Addr().String()
	}
	return list
}

// service is a function that is a server.Service.
type service func(ctx context.Context) error

func (s service) Serve(ctx context.Context) error { return s(ctx) }

// OpenAdmin opens the operator's ports and socket.
func OpenAdmin(ctx context.Context, cfg *config.Config, log *slog.Logger, a *admin.Server) (server.Service, error) {
	listeners, err := open(ctx, cfg, log, "admin.listen", cfg.Admin.Listen)
	if err != nil {
		return nil, err
	}
	socket, err := admin.OpenSocket(cfg.AdminSocket(), log)
	switch {
	case err != nil && (unwritable(err) || errors.Is(err, fs.ErrPermission) && !cfg.Explicit("admin.socket")):
		log.Error("there is no admin socket: rddsd reload, accept and reject cannot reach this process; SIGHUP can", "error", err)
	case err != nil:
		return nil, errors.Join(err, closeAll(listeners))
	}
	return service(func(ctx context.Context) error { return a.Serve(ctx, socket, listeners...) }), nil
}

// NewCaps returns the caps on connections of WHOIS and RDAP.
func NewCaps(cfg *config.Config) (onWHOIS, onRDAP *listen.Caps) {
	w, r := capLimits(cfg)
	return listen.NewCaps(w), listen.NewCaps(r)
}

// Counted tells the admin server what the public servers count beside the
// queries.
func Counted(w *whois.Server, onWHOIS *listen.Caps, r *rdap.Server, onRDAP *listen.Caps) []admin.Service {
	return []admin.Service{
		{Name: "whois", Counts: func() admin.Counts {
			c := w.Counts()
			return admin.Counts{
				Connections: c.Connections, Open: onWHOIS.Open(), Panics: c.Panics,
				Failed: map[string]uint64{
					"refused": c.Refused, "silent": c.Silent, "expired": c.Expired, "broken": c.Broken,
					"interrupted": c.Interrupted, "unsent": c.Unsent,
				},
				Junk: map[string]uint64{"http": c.HTTP, "tls": c.TLS, "rdp": c.RDP, "smb": c.SMB},
			}
		}},
		{Name: "rdap", Counts: func() admin.Counts {
			c := r.Counts()
			return admin.Counts{
				Connections: c.Connections, Open: onRDAP.Open(), Panics: c.Panics,
				Failed:     map[string]uint64{"refused": c.Refused, "broken": c.Broken},
				Compressed: map[string]uint64{"cache": c.Cached, "compressor": c.Compressed},
			}
		}},
	}
}
