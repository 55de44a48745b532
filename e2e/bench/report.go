package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/picture"
)

// row is a figure and its goal.
type row struct {
	what, figure, against, ratio, goal string
	reached                            bool
}

// report has the figures of a run.
type report struct {
	runs    int
	fleets  int
	machine string
	rows    []row
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
	r.rows = append(r.rows, row{
		what: c.what, figure: rounded(c.took), against: c.against + ": " + rounded(c.other),
		ratio: fmt.Sprintf("%.2f", ratio), goal: fmt.Sprintf("at most %.2f", c.limit), reached: ratio <= c.limit,
	})
}

// hold adds a figure without a comparison.
func (r *report) hold(what, figure, goal string, reached bool) {
	r.rows = append(r.rows, row{what: what, figure: figure, goal: goal, reached: reached})
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
	r.rows = append(r.rows, row{
		what: what + ", rate", figure: fmt.Sprintf("%.1f/s", rate), against: fmt.Sprintf("%s: %.1f/s", script, other),
		ratio: fmt.Sprintf("%.1f", rate/other), goal: fmt.Sprintf("at least %.0f", applyFaster), reached: rate/other >= applyFaster,
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

// table is the report as plain text.
func (r *report) table() string {
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	fmt.Fprintln(columns, "WHAT\tFIGURE\tAGAINST\tRATIO\tGOAL\t")
	for _, line := range r.rows {
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%s\t%s\n", line.what, line.figure, line.against, line.ratio, line.goal, verdict(line.reached))
	}
	_ = columns.Flush() // to memory
	return text.String()
}

// markdown is the report as a document.
func (r *report) markdown() string {
	var text strings.Builder
	fmt.Fprintf(
		&text,
		"# Benchmarks\n\nWritten by `make bench`: medians of %d alternating runs (%d for a thousand bindings) of one benchmark, on %s.\n\n",
		r.runs, r.fleets, r.machine,
	)
	text.WriteString(r.forUsers())
	fmt.Fprintf(
		&text,
		"![The table as a picture](benchmark.svg)\n\n| what | figure | against | ratio | goal | |\n|---|---|---|---|---|---|\n",
	)
	for _, line := range r.rows {
		fmt.Fprintf(
			&text, "| %s | %s | %s | %s | %s | %s |\n", line.what, line.figure, line.against, line.ratio, line.goal,
			verdict(line.reached),
		)
	}
	text.WriteString(`
The lesson's script is [four calls of kubectl](../e2e/bench/lesson.sh); its test Pod is a fifth call. The floor is [a
program](../e2e/bench/floor/main.go) that does nothing but createuser, one psql with a login over the network, a Secret and a patch. Binds verify the
login, and do not wait for the rollout. Requests are those in the API server's audit log, with an empty discovery cache and without the Event.

The workloads of an apply are Deployments with 0 replicas. Each run starts without anything from earlier runs, and three seconds after its
preparation. The script runs between the rounds of an apply, with the same databases in the cluster, and its rate is compared with the rate of that
apply. A database that has started is not probed, as in the lesson: the probes of twenty databases would be execs on the two cores.

The rotation and the restart of workloads with a Pod alternate three times. Locks on pg_authid are sampled every 5 ms by another session, during
the first bind of each level; the longest counts. Of the isolated binds, the median of seven counts, up to the one named.

The rest of the time cannot be saved here. A bind waits until kubectl finds its plugin, which takes about as long as ` + "`" + `kubectl version` + "`" + `, for one exec,
and for PostgreSQL, which plans queries on its catalogs. An apply is limited by the processors. For each binding, the API server stores a Secret and a
Deployment. What the controllers do about a changed Deployment takes longer than the change itself; ` + "`" + `apply` + "`" + ` changes Deployments last, and without
waiting for rollouts, so this work happens after the apply, as it happens after the script. createuser needs a process and a session for each role,
and so does each login. A password takes 4,096 rounds of SHA-256 three times: for its verifier, for the server, which checks that the password is not
empty, and for the login.
`)
	return text.String()
}

// forUsers returns the figures that a user asks for first.
func (r *report) forUsers() string {
	lines := []struct{ text, what string }{
		{"A bind, without waiting for the rollout, takes %s (%s)", "a fresh bind, kubectl pgbind"},
		{"`apply` of a thousand bindings on one database takes %s", "apply of 1000 bindings on one database"},
		{"`check` of a thousand bindings takes %s", "check of 1000 bindings"},
		{"`list` of a thousand bindings takes %s", "list of 1000 bindings"},
		{"`rotate --all` of 200 bindings without Pods takes %s", "rotate --all of 200 bindings"},
	}
	var text strings.Builder
	for _, line := range lines {
		i := slices.IndexFunc(r.rows, func(known row) bool { return known.what == line.what })
		if i < 0 { // a single section
			continue
		}
		values := []any{r.rows[i].figure}
		if strings.Contains(line.text, "(%s)") {
			values = append(values, r.rows[i].against)
		}
		fmt.Fprintf(&text, "* "+line.text+".\n", values...)
	}
	return text.String() + "\n"
}

// write writes the report as a document and as a picture.
func (r *report) write(dir string) error {
	for name, text := range map[string]string{"benchmark.md": r.markdown(), "benchmark.svg": picture.Draw("Benchmarks of kubectl pgbind", "$ make bench\n"+r.table())} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the benchmark: %w", err)
		}
	}
	return nil
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
