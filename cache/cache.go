// Package cache holds the published registry in memory: the immutable View, its
// Builder, deltas, the pointer to the current View, and its copy on disk.
package cache

import "sync/atomic"

// Cache points at the current View. Any goroutine may call Current; only the
// feed calls Publish.
type Cache struct{ current atomic.Pointer[View] }

// Current returns the newest View, nil before the first; listeners open after
// it. A query takes it once and reads nothing else, so no answer mixes two
// positions.
func (c *Cache) Current() *View { return c.current.Load() }

// Publish makes v the current View. Queries that run finish on the View they
// took.
func (c *Cache) Publish(v *View) { c.current.Store(v) }
