package cache

import "testing"

func TestPositionsComeBackFromFiles(t *testing.T) {
	for _, want := range []Position{
		{},
		{Registry: "r", Epoch: "e", Contract: 1, Serial: 300},
		{Registry: "r", Epoch: "e", Contract: 1, Serial: 1 << 40, Resume: "7 1 \x00\xff"},
	} {
		r := reader{rest: string(appendPosition(nil, want))}
		if got := r.position(); got != want || r.bad || r.rest != "" {
			t.Errorf("position() = %+v with %q left, want %+v", got, r.rest, want)
		}
		delta, err := readDelta(string(appendDelta(nil, Delta{To: want, AsOf: 5})), origin{pos: Position{Registry: want.Registry, Epoch: want.Epoch, Resume: "before"}})
		if err != nil || delta.To != want || delta.AsOf != 5 {
			t.Errorf("readDelta = %+v, %v; want a delta to %+v", delta, err, want)
		}
	}
}

// A file of a release that knew no Resume has nothing in its place.
func TestPositionWithoutResumeIsAsItWas(t *testing.T) {
	if got, want := string(appendPosition(nil, Position{Registry: "r", Epoch: "e", Contract: 1, Serial: 300})), "\x01r\x01e\x01\xac\x02"; got != want {
		t.Errorf("a position is written as %q, want %q", got, want)
	}
}

func TestResumeThatIsAnnouncedAndMissingIsAFault(t *testing.T) {
	r := reader{rest: "\x01r\x01e\x81\x80\x80\x80\x08\x05\x00"}
	if got := r.position(); !r.bad {
		t.Errorf("position() = %+v without a fault", got)
	}
}
