package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is the unit of /proc's times, which is the same on every Linux.
const clockTick = 10 * time.Millisecond

// cpuTime is how long a process has computed. Other programs that share the
// machine do not change it, as they do every figure that a clock measures.
func cpuTime(pid int) (time.Duration, error) {
	own, _, err := cpuTimes(pid)
	return own, err
}

// cpuTimes is that, and how long those of its children computed that have ended.
func cpuTimes(pid int) (own, ended time.Duration, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("read the processor time: %w", err)
	}
	// The name before it is in parentheses and may have spaces.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	var ticks [4]int64
	for i := range ticks { // in user mode and in the kernel, and the children's
		ticks[i], err = strconv.ParseInt(string(fields[11+i]), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("read the processor time: %w", err)
		}
	}
	return time.Duration(ticks[0]+ticks[1]) * clockTick, time.Duration(ticks[2]+ticks[3]) * clockTick, nil
}
