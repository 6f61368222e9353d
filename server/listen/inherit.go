package listen

import (
	"errors"
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
)

// Inherit returns the listening sockets that a supervisor opened for this process,
// by name: those of systemd's socket units, which FileDescriptorName= names
// (sd_listen_fds(3)). It returns none without a supervisor. It is called once: the
// environment that tells of the sockets is not passed on.
func Inherit() (map[string][]net.Listener, error) {
	inherited := map[string][]net.Listener{}
	var faults []error
	for _, file := range activation.Files(true) {
		l, err := net.FileListener(file) // with a descriptor of its own
		if _, ok := l.(*net.TCPListener); err == nil && !ok {
			err = fmt.Errorf("it is of the network %q: use ListenStream= with an IP address and a port", l.Addr().Network())
		}
		if err = errors.Join(err, file.Close()); err != nil {
			faults = append(faults, fmt.Errorf("take over the socket %q of the supervisor: %w", file.Name(), err))
			continue
		}
		inherited[file.Name()] = append(inherited[file.Name()], l)
	}
	return inherited, errors.Join(faults...)
}
