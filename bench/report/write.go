package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Write writes the run to path as JSON and its picture beside it, as .svg, and
// returns the picture's path. It makes the folder if there is none.
func (r *Run) Write(path string) (chart string, err error) {
	data, err := r.JSON()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("write results: %w", err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return "", fmt.Errorf("write results: %w", err)
	}
	chart = strings.TrimSuffix(path, filepath.Ext(path)) + ".svg"
	if err := os.WriteFile(chart, r.Chart().SVG(), 0o644); err != nil {
		return "", fmt.Errorf("write the chart of results: %w", err)
	}
	return chart, nil
}

// JSON returns the run in the form of bench/results/NAME.json.
func (r *Run) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("results of %s as JSON: %w", r.Name, err)
	}
	return append(data, '\n'), nil
}
