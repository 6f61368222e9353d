package target

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime/debug"
	"sync"
)

// maxLine is the longest query line that the WHOIS references read, in bytes.
const maxLine = 512

// nullGC lets the heap of null grow eightfold before it is collected: it is some
// 100 kB, of net's own bookkeeping of connections. Collecting at the default cost
// 3 % more.
const nullGC = 800

// serveNull is what a WHOIS server in Go costs at least, written in the usual way:
// a goroutine for each connection reads a line, sends constant bytes and closes.
func serveNull(ctx context.Context, l net.Listener) error {
	debug.SetGCPercent(nullGC)
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var (
		serving sync.WaitGroup
		buffers = sync.Pool{New: func() any { return new([maxLine]byte) }}
	)
	defer serving.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return unlessStopped(ctx, err)
		}
		serving.Go(func() {
			buffer := buffers.Get().(*[maxLine]byte)
			answerLine(conn, buffer[:], whoisAnswer)
			buffers.Put(buffer)
			conn.Close()
		})
	}
}

// answerLine reads one line from conn and sends answer.
func answerLine(conn io.ReadWriter, buffer, answer []byte) {
	for filled := 0; filled < len(buffer); {
		n, err := conn.Read(buffer[filled:])
		if bytes.IndexByte(buffer[filled:filled+n], '\n') >= 0 {
			_, _ = conn.Write(answer) // who asked is gone otherwise
			return
		}
		if err != nil {
			return
		}
		filled += n
	}
}

// serveLoop is the accept loop that everybody would write first, to show that
// null is not slower for all its care.
func serveLoop(ctx context.Context, l net.Listener) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		conn, err := l.Accept()
		if err != nil {
			return unlessStopped(ctx, err)
		}
		go func() {
			defer conn.Close()
			line := make([]byte, maxLine)
			if _, err := conn.Read(line); err == nil {
				_, _ = conn.Write(whoisAnswer)
			}
		}()
	}
}
