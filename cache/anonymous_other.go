//go:build !linux

package cache

import "os"

// forget closes and removes a file that anonymousFile made. What cannot be
// removed is in a directory that the system empties.
func forget(file *os.File) {
	_ = file.Close()
	_ = os.Remove(file.Name())
}

// anonymousFile makes a file in the directory for temporary files.
func anonymousFile() (file *os.File, path string, err error) {
	file, err = os.CreateTemp("", "rddsd-base-*")
	if err != nil {
		return nil, "", err
	}
	return file, file.Name(), nil
}
