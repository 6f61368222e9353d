package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"rddsd/server/config"
	"rddsd/server/listen"
)

// socketNames are what the sockets of a supervisor are called (FileDescriptorName=),
// by the path of the key whose addresses they take the place of.
var socketNames = map[string]string{
	"whois.listen": "whois", "rdap.http": "rdap-http", "rdap.https": "rdap-https", "rdap.redirect": "rdap-redirect",
}

// Supervisor is systemd, or who speaks to its services as it does: it may open the
// public ports for us, and is told how we are (sd_listen_fds(3), sd_notify(3)). Without
// one, all that is said to it goes nowhere; the nil Supervisor is none.
type Supervisor struct {
	sockets  map[string][]net.Listener // by the path of the key
	watchdog time.Duration             // how often it wants to hear of us; 0 = never
	started  atomic.Bool
	log      *slog.Logger
}

// OpenSupervisor takes over the sockets that a supervisor opened. It is called once.
func OpenSupervisor(cfg *config.Config, log *slog.Logger) (*Supervisor, error) {
	inherited, err := listen.Inherit()
	if err != nil {
		return nil, err
	}
	s := &Supervisor{sockets: map[string][]net.Listener{}, log: log}
	for path, name := range socketNames {
		for _, l := range inherited[name] {
			p := listen.Persist(l, log)
			p.Inherited = true
			s.sockets[path] = append(s.sockets[path], p)
		}
		delete(inherited, name)
	}
	for name := range inherited {
		known := slices.Sorted(maps.Values(socketNames))
		return nil, fmt.Errorf("the supervisor passes a socket named %q, and rddsd knows %s: set FileDescriptorName= of its socket unit to one of these", name, strings.Join(known, ", "))
	}
	if len(s.sockets["rdap.https"]) > 0 && len(cfg.RDAP.HTTPS) == 0 {
		return nil, errors.New("the supervisor passes a socket named \"rdap-https\", and [rdap] https is empty: write the socket's address there, too")
	}
	for _, l := range s.sockets["rdap.http"] {
		if addr := l.Addr().(*net.TCPAddr); !addr.IP.IsLoopback() && !cfg.RDAP.HTTPPlain {
			return nil, fmt.Errorf("the supervisor passes the socket \"rdap-http\" on %s, which can be reached from outside, where RDAP must be encrypted: use \"rdap-https\", or set [rdap] http_plain = true", addr)
		}
	}
	if s.watchdog, err = daemon.SdWatchdogEnabled(false); err != nil {
		return nil, fmt.Errorf("read how often the supervisor wants to hear of us: %w", err)
	}
	return s, nil
}

// opened returns the listeners that take the place of the addresses of the key at
// path, none if there are none.
func (s *Supervisor) opened(path string) []net.Listener {
	if s == nil {
		return nil
	}
	return s.sockets[path]
}

// listenTimeout is how long the supervisor may take to hear what it is told. Its queue
// is short, and when nobody reads it we have better to do than to wait.
const listenTimeout = time.Second

// tell tells the supervisor about a state. What it does not hear it will ask about
// in its own way.
func (s *Supervisor) tell(state string) {
	address := os.Getenv("NOTIFY_SOCKET")
	if s == nil || address == "" {
		return
	}
	if err := notify(address, state, listenTimeout); err != nil {
		s.log.Warn("the supervisor could not be told how we are", "state", state, "error", err)
	}
}

// notify is sd_notify(3), which waits for as long as it takes, within timeout.
func notify(address, state string, timeout time.Duration) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return err
}

// Stopping says that we are about to end.
func (s *Supervisor) Stopping() { s.tell(daemon.SdNotifyStopping) }

// ready says that the public ports are open.
func (s *Supervisor) ready() {
	if s != nil {
		s.started.Store(true)
		s.tell(daemon.SdNotifyReady)
	}
}

// reloading says that the configuration is read again; what it returns, that this
// is done. Before the public ports are open neither says a thing.
func (s *Supervisor) reloading() (done func()) {
	if s == nil || !s.started.Load() {
		return func() {}
	}
	s.tell(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	return s.ready
}

// watch tells the supervisor twice in each of its intervals that we live, after
// asking ourselves at each of addrs, until ctx ends. Who does not answer himself
// stays silent, and is restarted.
func (s *Supervisor) watch(ctx context.Context, addrs []net.Addr) error {
	tick := time.NewTicker(s.watchdog / 2)
	defer tick.Stop()
	for {
		if err := knock(ctx, addrs, s.watchdog/4); err == nil {
			s.tell(daemon.SdNotifyWatchdog)
		} else if ctx.Err() == nil {
			s.log.Error("a port of our own does not answer; the supervisor is not told that we live", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// knock connects to each of addrs, asks nothing, and returns why one does not end
// the connection within patience. No query is counted for it.
func knock(ctx context.Context, addrs []net.Addr, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, addr := range addrs {
		if err := knockAt(ctx, addr); err != nil && !wasReset(err) {
			return fmt.Errorf("knock at %s: %w", addr, err)
		}
	}
	return nil
}

// wasReset tells whether err is of a connection that the other side reset: it was
// met by somebody, who has no place left. A reset that comes before our shutdown
// shows in the shutdown, as ENOTCONN.
func wasReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ENOTCONN)
}

func knockAt(ctx context.Context, addr net.Addr) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := errors.Join(conn.SetDeadline(deadline), conn.(*net.TCPConn).CloseWrite()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}
