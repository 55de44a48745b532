package main

import (
	"fmt"
	"time"
)

// row is a figure and its goal.
type row struct {
	What    string `json:"what"`
	Figure  string `json:"figure"`
	Against string `json:"against,omitempty"` // what, a colon, and its figure
	Ratio   string `json:"ratio,omitempty"`
	Goal    string `json:"goal"`
	Reached bool   `json:"reached"`
}

// report has the figures of a run.
type report struct {
	Runs    int    `json:"runs"`
	Fleets  int    `json:"fleets"`
	Machine string `json:"machine"`
	Rows    []row  `json:"rows"`
}

// comparison compares a time with another one. It should be at most limit times the other.
type comparison struct {
	what    string
	took    time.Duration
	against string
	other   time.Duration
	limit   float64
}

// compare adds a comparison.
func (r *report) compare(c comparison) {
	ratio := float64(c.took) / float64(c.other)
	r.Rows = append(r.Rows, row{
		What: c.what, Figure: rounded(c.took), Against: c.against + ": " + rounded(c.other),
		Ratio: fmt.Sprintf("%.2f", ratio), Goal: fmt.Sprintf("at most %.2f", c.limit), Reached: ratio <= c.limit,
	})
}

// hold adds a figure without a comparison.
func (r *report) hold(what, figure, goal string, reached bool) {
	r.Rows = append(r.Rows, row{What: what, Figure: figure, Goal: goal, Reached: reached})
}

// within adds a time without a comparison.
func (r *report) within(what string, took, limit time.Duration) {
	r.hold(what, rounded(took), "at most "+rounded(limit), took <= limit)
}

// list adds time and memory of a list of many bindings.
func (r *report) list(listed []figures) {
	took, peak := median(listed), highest(listed)
	r.within(fmt.Sprintf("list of %d bindings", many), took, listLimit)
	r.hold(fmt.Sprintf("list of %d bindings, peak memory", many), megabytes(peak), "at most "+megabytes(listMemory), peak <= listMemory)
}

// applied adds time, rate and memory of an apply of a fleet. It compares the rate with the lesson's script, which binds
// one workload at a time.
func (r *report) applied(f fleet, all, lesson []figures) {
	what := fmt.Sprintf("apply of %d bindings on %d databases", f.size(), len(f.namespaces))
	if len(f.namespaces) == 1 {
		what = fmt.Sprintf("apply of %d bindings on one database", f.size())
	}
	took, peak := median(all), highest(all)
	r.within(what, took, applyLimit)
	rate, other := float64(f.size())/took.Seconds(), 1/median(lesson).Seconds()
	r.Rows = append(r.Rows, row{
		What: what + ", rate", Figure: fmt.Sprintf("%.1f/s", rate), Against: fmt.Sprintf("%s: %.1f/s", script, other),
		Ratio: fmt.Sprintf("%.1f", rate/other), Goal: fmt.Sprintf("at least %.0f", applyFaster), Reached: rate/other >= applyFaster,
	})
	r.hold(what+", peak memory", megabytes(peak), "at most "+megabytes(applyMemory), peak <= applyMemory)
}

// growth compares the time for each binding at a thousand with the time at a hundred.
func (r *report) growth(some, all []figures) {
	r.compare(comparison{
		what: fmt.Sprintf("time per binding at %d", many), took: median(all) / many,
		against: fmt.Sprintf("at %d", few), other: median(some) / few, limit: applyGrowth,
	})
}

func verdict(reached bool) string {
	if reached {
		return "reached"
	}
	return "missed"
}

func rounded(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}

func megabytes(bytes int64) string { return fmt.Sprintf("%d MB", bytes>>20) }
