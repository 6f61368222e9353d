package report

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is what a run ran on. It does not hold its name.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"` // that this process may use
	Memory int64  `json:"memory_bytes"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

// LoadAverage is that of the machine over 1, 5 and 15 minutes. What is above
// the cores that the run needs itself was somebody else, in the way.
type LoadAverage [3]float64

// ReadMachine returns what this process runs on. What cannot be read stays
// empty: only Linux tells it all.
func ReadMachine() Machine {
	return Machine{
		CPU:    fieldOf("/proc/cpuinfo", "model name"),
		Cores:  runtime.GOMAXPROCS(0),
		Memory: memory(fieldOf("/proc/meminfo", "MemTotal")),
		Kernel: kernel(),
		Go:     fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH),
	}
}

// ReadLoadAverage returns the load averages of now, zeros where they are not told.
func ReadLoadAverage() (l LoadAverage) {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return l
	}
	if _, err := fmt.Sscan(string(data), &l[0], &l[1], &l[2]); err != nil {
		return LoadAverage{}
	}
	return l
}

// String returns the three figures as uptime(1) does.
func (l LoadAverage) String() string { return fmt.Sprintf("%.2f %.2f %.2f", l[0], l[1], l[2]) }

// String returns the machine on one line.
func (m Machine) String() string {
	return fmt.Sprintf("%s, %d cores, %.1f GiB, kernel %s, %s", m.CPU, m.Cores, float64(m.Memory)/(1<<30), m.Kernel, m.Go)
}

// fieldOf returns the first value named so in a file of "name : value" lines.
func fieldOf(path, name string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// memory turns "24655456 kB" into bytes.
func memory(field string) int64 {
	kib, err := strconv.ParseInt(strings.TrimSuffix(field, " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

func kernel() string {
	data, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
