//go:build race

package rdap

// generatedObjects is how many TestGeneratedObjects looks at: the race detector slows
// its checks down twentyfold, and no two goroutines share anything there.
const generatedObjects = 1_000
