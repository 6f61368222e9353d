package cache

// FoldAt returns v, whose successors fold their overlay once it holds more than
// n rows and more than an eighth of the base.
func FoldAt(v *View, n int) *View {
	next := *v
	next.foldMin = n
	return &next
}

// OverlaySize returns how many rows v holds in its overlay.
func OverlaySize(v *View) int { return v.overlay.size() }

// Digest returns the sum over all that v holds.
func Digest(v *View) uint64 { return v.digest }

// Before has do called before each change of a file of d. An error of do makes
// the change fail instead.
func Before(d *Disk, do func(op, name string) error) { d.dir.before = do }
