package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// floodVariable makes the test's binary the flood instead: the address to flood,
// and how many connections to hold, parted by a blank.
const floodVariable = "RDDSD_E2E_FLOOD"

// flood holds connections to addr until standard input ends: a third silent, a third
// that dribble a byte a second, a third that read one a second, two from each loopback
// address. Each comes again when it is closed. It prints a line once all are open.
func flood(spec string) {
	addr, count, _ := strings.Cut(spec, " ")
	n, err := strconv.Atoi(count)
	if err != nil {
		fmt.Fprintln(os.Stderr, "flood:", err)
		os.Exit(1)
	}
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(over)
	}()
	var open atomic.Int64
	full := make(chan struct{})
	var holding sync.WaitGroup
	dialling := make(chan struct{}, 64)
	for i := range n {
		holding.Go(func() {
			for {
				select {
				case <-over:
					return
				case dialling <- struct{}{}:
				}
				conn, err := floodDialer(i/2, i%3 == 2).Dial("tcp", addr)
				<-dialling
				if err != nil {
					fmt.Fprintln(os.Stderr, "flood:", err)
					return
				}
				if open.Add(1) == int64(n) {
					close(full)
					fmt.Println("full")
				}
				hold(conn, i%3, over)
				conn.Close()
				select {
				case <-full: // counted once
				default:
					open.Add(-1)
				}
			}
		})
	}
	holding.Wait()
}

// floodDialer connects from the i-th loopback address beyond those that others use.
func floodDialer(i int, smallWindow bool) *net.Dialer {
	d := &net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 64+byte(i>>16), byte(i>>8), byte(i))}}
	if smallWindow {
		d.Control = func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1) })
		}
	}
	return d
}

// hold keeps conn open as a client of its kind does, until the server or the test
// ends it.
func hold(conn net.Conn, kind int, over <-chan struct{}) {
	gone := make(chan struct{})
	if kind == 2 {
		_, _ = io.WriteString(conn, "?\r\n")
		close(gone) // found out by reading
	} else {
		go func() {
			_, _ = io.Copy(io.Discard, conn)
			close(gone)
		}()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		switch kind {
		case 1:
			_, _ = conn.Write([]byte("x"))
		case 2:
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				return
			}
			continue
		}
		select {
		case <-gone:
			return
		default:
		}
	}
}

// As many slow connections as there are places for, from thousands of addresses, keep
// nobody else out, cost bounded memory, and are gone within their time.
func TestFloodOfSlowConnections(t *testing.T) {
	connections, lasting := 3_000, time.Second
	if *long {
		connections, lasting = 15_000, 60*time.Second
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if most := int(limit.Cur) - 3_000; most < connections { // ulimit -n
		t.Logf("with %d connections instead of %d: at most %d files may be open", most, connections, limit.Cur)
		connections = max(most, 100)
	}
	d := startDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_RATE=100", "RDDSD_RATELIMIT_BURST=1000")
	quiet := d.latencies(t, 500)
	before := d.resident(t)

	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", floodVariable, d.whois, connections))
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		input.Close()
		_ = cmd.Wait()
	}()
	if _, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		t.Fatalf("the flood has ended: %v", err)
	}
	var flooded []time.Duration
	for begun := time.Now(); len(flooded) < 500 || time.Since(begun) < lasting; {
		flooded = append(flooded, d.latencies(t, 500)...)
	}
	after := d.resident(t)
	slices.Sort(quiet)
	slices.Sort(flooded)
	t.Logf("%d connections: p99 %v, quiet %v; resident %d MiB, before %d MiB", connections,
		flooded[len(flooded)*99/100], quiet[len(quiet)*99/100], after>>20, before>>20)
	if grown := after - before; grown > 200<<20 {
		t.Errorf("the flood costs %d MiB, at most 200 MiB are allowed", grown>>20)
	}
	input.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the flood: %v", err)
	}
	d.within("all places are free", func() error {
		_, text, err := d.get("http://" + d.admin + "/metrics")
		if err == nil && !strings.Contains(text, `rddsd_connections_open{service="whois"} 0`) {
			err = fmt.Errorf("connections are open")
		}
		return err
	})
}

// latencies asks n questions, one after the other, from addresses far apart, and
// returns how long each took; none may fail.
func (d *daemon) latencies(t *testing.T, n int) []time.Duration {
	t.Helper()
	took := make([]time.Duration, 0, n)
	for i := range n {
		begun := time.Now()
		from := &net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 32+byte(i%32), byte(i/32*16), 1)}}
		conn, err := from.Dial("tcp", d.whois)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, err = io.WriteString(conn, "example.coop\r\n")
		answer, readErr := io.ReadAll(conn)
		conn.Close()
		if err != nil || readErr != nil || !strings.HasPrefix(string(answer), "Domain Name: example.coop\r\n") {
			t.Fatalf("query %d: %v, %v, %q", i, err, readErr, answer)
		}
		took = append(took, time.Since(begun))
	}
	return took
}

// resident returns the memory of the process, in bytes.
func (d *daemon) resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text))
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
