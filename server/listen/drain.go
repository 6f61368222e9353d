package listen

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// DefaultArrivals is how long those who have begun to connect may take to get in
// once a listener is drained: a round trip to the far side of the world, and some.
const DefaultArrivals = 500 * time.Millisecond

// Drain ends l without losing who is on the way in. A listener that is closed
// resets the connections in its queue, whose clients have sent their queries
// already. So nobody new may begin to connect (on Linux; elsewhere he may), and
// Accept goes on to return those who have begun; after arrivals it fails. The
// caller accepts until then, and closes l.
//
// When Drain fails it has begun all the same, and only who comes at the last moment
// is lost.
//
// An inherited listener is closed at once: its queue is its supervisor's, and
// waits there for our successor. So is one that is not TCP's.
func Drain(l net.Listener, arrivals time.Duration) error {
	inner := l
	if p, ok := l.(*Persistent); ok {
		if p.Inherited {
			return p.Close()
		}
		p.draining.Store(true)
		inner = p.Listener
	}
	tcp, ok := inner.(*net.TCPListener)
	if !ok {
		return l.Close()
	}
	raw, err := tcp.SyscallConn()
	if err == nil {
		err = RefuseArrivals(raw)
	}
	return errors.Join(err, tcp.SetDeadline(time.Now().Add(arrivals)))
}

// Socket returns the TCP listener beneath l, nil if there is none, and whether it
// is inherited.
func Socket(l net.Listener) (tcp *net.TCPListener, inherited bool) {
	if p, ok := l.(*Persistent); ok {
		l, inherited = p.Listener, p.Inherited
	}
	tcp, _ = l.(*net.TCPListener)
	return tcp, inherited
}

// control calls do with the descriptor of raw.
func control(raw syscall.RawConn, do func(fd int) error) error {
	var doErr error
	err := raw.Control(func(fd uintptr) { doErr = do(int(fd)) })
	return errors.Join(err, doErr)
}
