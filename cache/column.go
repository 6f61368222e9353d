package cache

import "unsafe"

// column is an array outside the Go heap that grows at its end.
type column[T pointerFree] struct {
	memory *region
	list   []T
}

func (c *column[T]) append(x T) error {
	if len(c.list) == cap(c.list) {
		if err := c.grow(max(256, 2*cap(c.list))); err != nil {
			return err
		}
	}
	c.list = append(c.list, x)
	return nil
}

// grow makes room for n elements.
func (c *column[T]) grow(n int) (err error) {
	var x T
	if size := n * int(unsafe.Sizeof(x)); c.memory == nil {
		c.memory, err = newRegion(size)
	} else {
		err = c.memory.resize(size)
	}
	if err == nil {
		c.list = arrayOf[T](c.memory.data)[:len(c.list)]
	}
	return err
}

// bytes returns the elements as they stand in a file. They are little-endian
// where the machine is, and rddsd runs on no other.
func (c *column[T]) bytes() []byte {
	var x T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(c.list))), len(c.list)*int(unsafe.Sizeof(x)))
}

func (c *column[T]) free() {
	c.memory.free()
	c.memory, c.list = nil, nil
}
