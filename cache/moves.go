package cache

// moves tell where the records of one kind went when a base was folded: most stay
// side by side, so a few runs say it of millions, and a domain that is folded
// needs no search for its contacts and hosts.
type moves []move

// move is a run of records that stay as they are: the one that was at from is at
// to, the last one was at last.
type move struct{ from, last, to uint32 }

// add notes that the record that was at from is at to, and whether it followed
// right on the one that was noted before. Records come in order.
func (m *moves) add(from, to uint32, follows bool) {
	if n := len(*m); n > 0 && follows {
		if run := &(*m)[n-1]; to-run.to == from-run.from {
			run.last = from
			return
		}
	}
	*m = append(*m, move{from, from, to})
}

// of returns where the record that was at place is. ok is false when it did not
// stay as it was.
func (m moves) of(place uint32) (to uint32, ok bool) {
	// The last run that begins at place or before; sort.Search would take twice as
	// long, and folding asks for each reference of each domain.
	low, high := 0, len(m)
	for low < high {
		if middle := int(uint(low+high) / 2); m[middle].from > place {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if low == 0 || place > m[low-1].last {
		return 0, false
	}
	return m[low-1].to + place - m[low-1].from, true
}
