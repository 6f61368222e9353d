package main

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// harvestQueue holds which sources of a harvester ask in which second of an hour.
type harvestQueue struct {
	hour    uint32
	seconds [3600][]uint32
}

func (s *simulation) harvestQueue(hour uint32) *harvestQueue {
	q := &harvestQueue{hour: hour}
	for i, due := range s.due {
		q.push(uint32(i), due)
	}
	return q
}

// push notes that source asks at second, if that is in this hour.
func (q *harvestQueue) push(source, second uint32) {
	if begin := q.hour * 3600; second >= begin && second < begin+3600 {
		q.seconds[second-begin] = append(q.seconds[second-begin], source)
	}
}

// of returns the sources that ask in second, those pushed meanwhile included.
func (q *harvestQueue) of(second uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for i := 0; i < len(q.seconds[second]); i++ {
			if !yield(q.seconds[second][i]) {
				return
			}
		}
	}
}

func sortEvents(events []event) {
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
}

// search returns the first index of the rising list whose value is x or more.
func search(list []float32, x float32) int {
	return min(sort.Search(len(list), func(i int) bool { return list[i] >= x }), len(list)-1)
}
