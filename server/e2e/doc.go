// Package e2e holds tests only: they build the binary, treat it as a stranger
// would, and hold the table of allowed imports.
package e2e
