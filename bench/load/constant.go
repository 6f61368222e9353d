package load

import "fmt"

// constant is what a reference sends whatever it is asked: the first answer of it,
// which all others must equal. It is read with as much care as a real answer, so
// that both cost this process the same, and what comes of that is dropped.
type constant struct {
	known  bool
	name   []byte // that it is about; empty if it is about no domain
	class  Outcome
	length int
}

func newConstant(o *Options) *constant {
	if !o.Constant {
		return nil
	}
	return new(constant)
}

// same returns Found for an answer of a class and length if it is like the first
// one, else why not.
func (c *constant) same(class Outcome, length int) (Outcome, string) {
	if !c.known {
		c.known, c.class, c.length = true, class, length
	}
	if class != c.class || length != c.length {
		return Wrong, fmt.Sprintf("not the same as ever: %s of %d bytes, instead of %s of %d", class, length, c.class, c.length)
	}
	return Found, ""
}
