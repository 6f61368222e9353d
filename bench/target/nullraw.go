package target

// rawVariants are null-raw and what was tried beside it (bench/RESULTS.md).
var rawVariants = map[string]rawOptions{
	"null-raw":             bestRaw,
	"null-raw-2-loops":     {loops: 2, procs: 2, deferAccept: true, more: true, batch: 128},
	"null-raw-2-procs":     {loops: 1, procs: 2, deferAccept: true, more: true, batch: 128},
	"null-raw-1-socket":    {loops: 2, procs: 2, oneSocket: true, deferAccept: true, more: true, batch: 128},
	"null-raw-no-defer":    {loops: 1, procs: 1, more: true, batch: 128},
	"null-raw-no-more":     {loops: 1, procs: 1, deferAccept: true, batch: 128},
	"null-raw-no-delay":    {loops: 1, procs: 1, deferAccept: true, noDelay: true, batch: 128},
	"null-raw-batch-1":     {loops: 1, procs: 1, deferAccept: true, more: true, batch: 1},
	"null-raw-batch-16":    {loops: 1, procs: 1, deferAccept: true, more: true, batch: 16},
	"null-raw-batch-4096":  {loops: 1, procs: 1, deferAccept: true, more: true, batch: 4096},
	"null-raw-eager":       {loops: 1, procs: 1, deferAccept: true, more: true, batch: 128, looks: 64},
	"null-raw-1024-bytes":  {loops: 1, procs: 1, deferAccept: true, more: true, batch: 128, size: 1024},
	"null-raw-4096-bytes":  {loops: 1, procs: 1, deferAccept: true, more: true, batch: 128, size: 4096},
	"null-raw-16384-bytes": {loops: 1, procs: 1, deferAccept: true, more: true, batch: 128, size: 16384},
}

var bestRaw = rawOptions{loops: 1, procs: 1, deferAccept: true, more: true, batch: 128}

// rawOptions are the choices of an accept path over raw sockets.
type rawOptions struct {
	loops       int  // that accept
	procs       int  // GOMAXPROCS
	oneSocket   bool // for all loops; else each has one of its own (SO_REUSEPORT)
	deferAccept bool // a connection is accepted when its query is there (TCP_DEFER_ACCEPT)
	more        bool // the answer leaves with the end of the connection, in one packet (MSG_MORE)
	noDelay     bool // TCP_NODELAY
	batch       int  // connections after which others get their turn
	looks       int  // times that a loop looks again before it sleeps
	size        int  // bytes of the answer; 0 = as long as a real one
}
