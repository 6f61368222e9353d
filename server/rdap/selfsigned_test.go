package rdap

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSelfSignedThatCannotBeKept is shown all the same: a disk that is full or may
// only be read is no reason not to answer.
func TestSelfSignedThatCannotBeKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	if err := os.MkdirAll(filepath.Join(dir, "key.pem.new"), 0o700); err != nil { // stands in the way, of root too
		t.Fatal(err)
	}
	c, err := SelfSigned(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if c.NotAfter().Before(time.Now().Add(validFor / 2)) {
		t.Errorf("it expires at %v", c.NotAfter())
	}
	if did, err := c.refresh(time.Now()); did || err != nil {
		t.Errorf("refresh = %v, %v", did, err)
	}
}
