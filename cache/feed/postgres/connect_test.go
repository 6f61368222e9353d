package postgres

import (
	"strings"
	"testing"
	"time"
)

// A connection string that cannot be read holds a password as often as one that
// can.
func TestErrorsTellNoPassword(t *testing.T) {
	for _, dsn := range []string{
		"host=db.example password=hunter2 port=many", "postgres://edge1:hunter2@db.example:port/registry", "host=db.example 'hunter2",
		"host=db.example password=hunter2 sslmode=sometimes", "postgres://edge1:hunter2@[::1/registry", "hunter2",
	} {
		_, err := Open(dsn, time.Second)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q) = %v; want an error that does not tell the password", dsn, err)
		}
	}
	s, err := Open("host=/nonexistent user=edge1 password=hunter2 dbname=registry", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.connect(t.Context())
	if err == nil {
		t.Fatal("connected to nothing")
	}
	if text := s.explain(t.Context(), "follow", err).Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "\n") || !strings.HasSuffix(text, "can be reached from here") {
		t.Errorf("connect: %q; want one line that does not tell the password, and what to do", text)
	}
}
