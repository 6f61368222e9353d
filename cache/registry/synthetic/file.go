package synthetic

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotEmpty says that the target of an output holds something already.
var ErrNotEmpty = errors.New("the target is not empty")

// CheckTarget says whether a file may be written at path: there is none, an empty one,
// or force is set. Otherwise the error is ErrNotEmpty, or why nothing can stand there.
func CheckTarget(path string, force bool) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no directory %s: make it first", filepath.Dir(path))
		}
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is not a file")
	case info.Size() > 0 && !force:
		return fmt.Errorf("%w; --force replaces it", ErrNotEmpty)
	}
	return nil
}

// replaceFile writes a file beside path and puts it there once it is whole and
// on disk. What stood there stays until then, and for good when write fails or
// ctx ends.
func replaceFile(ctx context.Context, path string, mode fs.FileMode, write func(*bufio.Writer) error) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".write-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	w := bufio.NewWriterSize(untilDone{ctx, temp}, 1<<16)
	err = errors.Join(temp.Chmod(mode), write(w))
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// untilDone is a writer that fails once its context has ended.
type untilDone struct {
	ctx context.Context
	w   io.Writer
}

func (u untilDone) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.w.Write(p)
}
