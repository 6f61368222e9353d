package load

import "strconv"

// wire is a protocol as its client sees it. It is for one goroutine.
type wire interface {
	// request makes q.out of the rest of q.
	request(q *query)
	// read looks at what has come since the request; ended says that the server has
	// closed, so that no more will come. data is valid during the call.
	read(q *query, data []byte, ended bool) verdict
	// interpret tells what an answer says that read took for one, or why it cannot
	// be one: what is about another name, or broken in a way that only this finds.
	interpret(q *query, v *verdict) (statement, error)
}

// verdict is what there is to say about the bytes that came for a query. The
// rest of it is set once it is done.
type verdict struct {
	done    bool
	outcome Outcome
	why     string // of Wrong, Garbage and Cut, for people
	body    []byte // of the answer, part of data
	gzip    bool   // body is compressed
	keeps   bool   // the connection may carry another query
}

// maxAnswer is the longest answer that is read, in bytes.
const maxAnswer = 4 << 20

func garbage(why string) verdict { return verdict{done: true, outcome: Garbage, why: why} }

func newWire(o *Options, r *random) wire {
	if o.Protocol == RDAP {
		return newRDAPWire(o, r)
	}
	return &whoisWire{random: r, junk: lineJunk(), constant: newConstant(o)}
}

// quote returns the beginning of what came, for people.
func quote(data []byte) string {
	const most = 60
	if len(data) > most {
		return strconv.Quote(string(data[:most])) + "..."
	}
	return strconv.Quote(string(data))
}
