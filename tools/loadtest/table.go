package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// table is what was measured, a line each.
type table struct{ lines []line }

// line is one figure. Goal and verdict are empty where nothing was promised.
type line struct {
	what, measured, goal, ratio, verdict string
}

func (t *table) add(what, measured string) {
	t.lines = append(t.lines, line{what: what, measured: measured})
}

// atLeast adds a figure beside what the machine can do, and a ratio that should
// not be lower than goal.
func (t *table) atLeast(what, measured string, ratio, goal float64) {
	l := line{what: what, measured: measured, goal: fmt.Sprintf("≥ %.2f", goal), ratio: fmt.Sprintf("%.2f", ratio), verdict: "reached"}
	if ratio < goal {
		l.verdict = "MISSED"
	}
	t.lines = append(t.lines, l)
}

// atMost adds a time in milliseconds that should not be longer than goal.
func (t *table) atMost(what, measured string, millis, goal float64) {
	l := line{what: what, measured: measured, goal: fmt.Sprintf("≤ %.0f ms", goal), verdict: "reached"}
	if millis > goal {
		l.verdict = "MISSED"
	}
	t.lines = append(t.lines, l)
}

func (t *table) write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\tmeasured\tgoal\tratio\tverdict")
	for _, l := range t.lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", l.what, l.measured, dash(l.goal), dash(l.ratio), dash(l.verdict))
	}
	return w.Flush()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// spread is a median with the lowest and the highest.
type spread struct{ low, median, high float64 }

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return spread{}
	}
	return spread{sorted[0], sorted[len(sorted)/2], sorted[len(sorted)-1]}
}

func (s spread) String() string { return fmt.Sprintf("%.0f [%.0f–%.0f]", s.median, s.low, s.high) }

// percentile of durations, in milliseconds; p is 0 to 1.
func percentile(list []time.Duration, p float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	if len(sorted) == 0 {
		return 0
	}
	at := min(int(p*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[at].Microseconds()) / 1000
}

func percentiles(list []time.Duration) string {
	return fmt.Sprintf("%.1f / %.1f ms", percentile(list, 0.5), percentile(list, 0.99))
}
