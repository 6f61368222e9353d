package feed_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// newest returns the content of the newest generation of the copy in dir: its
// base and the logs that lead on from it.
func newest(t *testing.T, dir string) []byte {
	t.Helper()
	bases, err := filepath.Glob(filepath.Join(dir, "base-*"))
	if err != nil || len(bases) == 0 {
		t.Fatalf("bases: %q, %v", bases, err)
	}
	last := bases[len(bases)-1] // numbers have one length
	logs, err := filepath.Glob(filepath.Join(dir, "log-*"))
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	number := filepath.Base(last)[len("base-"):]
	for _, path := range append(logs, last) {
		name := filepath.Base(path)
		if path != last && name[len("log-"):] < number {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	return all
}

// What a contact withdraws is out of the newest files within a minute, whether it
// takes back an element or goes.
func TestWithdrawnValueLeavesTheNewestFiles(t *testing.T) {
	t.Parallel()
	for rule, statements := range map[string][]string{
		"an element is withdrawn": {"update contact set org = '', disclose = '[]' where roid = 'C7'"},
		"the contact goes":        {"update domain set registrant = 'C8' where name = 'd7.coop'", "delete from contact where roid = 'C7'"},
	} {
		t.Run(rule, func(t *testing.T) {
			r := newRegistry(t, 300)
			dir := filepath.Join(t.TempDir(), "snapshots")
			synctest.Test(t, func(t *testing.T) {
				token := []byte("Token 4711 Cooperative")
				e := newEdge(t, r.path, dir).start()
				e.settle()
				r.run(t, `update contact set org = 'Token 4711 Cooperative', disclose = '["org"]' where roid = 'C7'`)
				e.after(20 * time.Second)
				if !bytes.Contains(newest(t, dir), token) {
					t.Fatal("a disclosed value is not in the newest files: the test proves nothing")
				}
				folds := e.Status().Folds
				r.run(t, "insert into reserved (name, reason) values ('other.coop', 'reserved')")
				e.after(time.Minute)
				if e.Status().Folds != folds || !bytes.Contains(newest(t, dir), token) {
					t.Fatalf("another change has made a new base: %d folds, %d before", e.Status().Folds, folds)
				}
				r.run(t, statements...)
				e.after(time.Minute)
				if bytes.Contains(newest(t, dir), token) {
					t.Error("a minute after it was withdrawn the value is in the newest files")
				}
				if e.Status().Folds != folds+1 {
					t.Errorf("%d bases were made for it", e.Status().Folds-folds)
				}
				e.same(r.path)
				e.stop()
			})
		})
	}
}
