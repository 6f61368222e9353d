package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"rddsd/bench/load"
	"rddsd/bench/target"
	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry/synthetic"
)

// subject is the registry that is asked about, and how rddsd is to serve it: the
// flags that commands share.
type subject struct {
	names    string // file of names
	size     int    // of the generated registry
	seed     uint64
	registry string // SQLite file of it
	binary   string
	mode     string
	churn    float64

	made    *synthetic.Registry
	changed bool // the file has been changed since it was generated
}

func (s *subject) addFlags(f *pflag.FlagSet, size int) {
	f.IntVar(&s.size, "size", size, "names of the generated .coop registry that is asked about")
	f.Uint64Var(&s.seed, "seed", 1, "seed of the generated registry and of the queries")
	f.StringVar(&s.registry, "registry", "", "SQLite file of that registry for rddsd to follow, made if it is not there (default a temporary one)")
	f.StringVar(&s.binary, "rddsd", "", "program to measure as rddsd (default it is built from the working directory's module)")
	f.StringVar(&s.mode, "mode", "dry-run", "limits of rddsd: off, dry-run (decide, refuse nobody) or enforce")
	f.Float64Var(&s.churn, "churn", 0, "changes a second that are made to rddsd's registry meanwhile; answers are held against the log of them")
}

func (s *subject) addNamesFlag(f *pflag.FlagSet) {
	f.StringVar(&s.names, "names", "", "file of names to ask for, one a line; their answers are not checked (default those of the generated registry)")
}

// generate returns the generated registry.
func (s *subject) generate() (*synthetic.Registry, error) {
	if s.made != nil {
		return s.made, nil
	}
	g, err := synthetic.New(synthetic.Params{Names: s.size, Seed: s.seed})
	s.made = g
	return g, err
}

// loadNames returns the names to ask for.
func (s *subject) loadNames() (*load.Names, error) {
	if s.names != "" {
		return load.FromFile(s.names)
	}
	g, err := s.generate()
	if err != nil {
		return nil, err
	}
	return load.FromRegistry(g)
}

// expect returns what answers are held against, and whether the registry changes
// meanwhile, so that answers are judged by settle. One that has been changed since it
// was generated lets only misses be checked: nothing ever registers their names.
func (s *subject) expect(names *load.Names) (expect func(load.Query) (load.Expectation, bool), changes bool) {
	if !s.changed {
		return names.Expect, s.churn > 0
	}
	return func(q load.Query) (load.Expectation, bool) {
		if q.Kind != load.Miss {
			return load.Expectation{}, false
		}
		return names.Expect(q)
	}, false
}

// remarks tell what else a reader must know of how answers were checked.
func (s *subject) remarks() []string {
	if !s.changed {
		return nil
	}
	return []string{"the registry file has been changed since it was generated: only answers about names that nobody has were checked"}
}

// prepare sees that starter can start rddsd: that the file it is to follow is
// there and is the generated registry.
func (s *subject) prepare(ctx context.Context, starter *target.Starter) error {
	g, err := s.generate()
	if err != nil {
		return err
	}
	path := s.registry
	if path == "" {
		dir, err := starter.Dir()
		if err != nil {
			return err
		}
		path = filepath.Join(dir, "registry.sqlite")
	}
	starter.Rddsd = target.RddsdOptions{Binary: s.binary, Registry: path, Mode: s.mode, Churn: s.churn}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return sqlite.Generate(ctx, path, false, g)
	} else if err != nil {
		return fmt.Errorf("registry to follow: %w", err)
	}
	return s.recognise(ctx, path, g)
}

// recognise returns an error unless the file at path is the registry g, and notes
// whether it has been changed since.
func (s *subject) recognise(ctx context.Context, path string, g *synthetic.Registry) error {
	db, err := sqlite.OpenWriter(ctx, path)
	if err != nil {
		return err
	}
	defer db.Close()
	var id string
	if err := db.QueryRowContext(ctx, "select registry, (select seq from rdds_head) > 0 from rdds_meta").Scan(&id, &s.changed); err != nil {
		return fmt.Errorf("registry %s: read which one it is: %w", path, err)
	}
	if want, _ := g.Identity(); id != want {
		return fmt.Errorf("registry %s is not the generated one of %d names, seed %d, and its answers could not be checked: give another --size, --seed or --registry", path, s.size, s.seed)
	}
	return nil
}
