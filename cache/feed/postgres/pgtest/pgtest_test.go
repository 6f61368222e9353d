package pgtest

import (
	"context"
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestStandbyFollowsAndIsPromoted(t *testing.T) {
	primary := Start(t)
	db := primary.Database(t)
	standby := primary.Standby(t)
	db.Exec(t, "create table a (n int); insert into a values (7)")

	standby.CatchUp(t, primary)

	var (
		n       int
		replica bool
	)
	if err := db.On(standby).Connect(t, "postgres").QueryRow(t.Context(), "select n, pg_is_in_recovery() from a").Scan(&n, &replica); err != nil || n != 7 || !replica {
		t.Fatalf("on the standby: %d, in recovery %v, %v; want 7, in recovery", n, replica, err)
	}
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	standby.Promote(t)
	db.On(standby).Exec(t, "insert into a values (8)")
}

func TestKilledServerComesBackWithWhatWasCommitted(t *testing.T) {
	s := Start(t)
	db := s.Database(t)
	db.Exec(t, "create table a (n int); insert into a values (7)")
	open := db.Connect(t, "postgres")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := open.Ping(t.Context()); err == nil {
		t.Error("a connection outlived its server")
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.Connect(t, "postgres").QueryRow(t.Context(), "select n from a").Scan(&n); err != nil || n != 7 {
		t.Errorf("after the crash: %d, %v; want 7", n, err)
	}
}

func TestFrozenServerIsSilentUntilItThaws(t *testing.T) {
	s := Start(t)
	conn := s.Database(t).Connect(t, "postgres")
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() { answered <- conn.Ping(context.Background()) }()
	select {
	case err := <-answered:
		t.Errorf("a frozen server answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Errorf("after the thaw: %v", err)
	}
}

func TestSharedServerGivesEachTestItsDatabase(t *testing.T) {
	if a, b := Shared(t), Shared(t); a != b {
		t.Fatal("two shared servers")
	}
	a, b := Shared(t).Database(t), Shared(t).Database(t)
	a.Exec(t, "create table only_here (n int)")
	b.Exec(t, "create table only_here (n int)")
	a.Login(t, "reader")
	a.Login(t, "reader", "pg_monitor")
	if err := a.Connect(t, "reader").Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
