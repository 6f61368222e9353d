//go:build !race

package rdap

// generatedObjects is how many TestGeneratedObjects looks at.
const generatedObjects = 10_000
