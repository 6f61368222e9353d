package postgres

import (
	"os"
	"testing"

	"rddsd/cache/feed/postgres/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
