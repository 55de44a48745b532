package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/picture"
)

// table is the report as plain text.
func (r *report) table() string {
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	fmt.Fprintln(columns, "WHAT\tFIGURE\tAGAINST\tRATIO\tGOAL\t")
	for _, line := range r.Rows {
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%s\t%s\n", line.What, line.Figure, line.Against, line.Ratio, line.Goal, verdict(line.Reached))
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
		r.Runs, r.Fleets, r.Machine,
	)
	text.WriteString(r.forUsers())
	fmt.Fprintf(
		&text,
		"![Figures against those that they are compared with, as bars](benchmark.svg)\n\n| what | figure | against | ratio | goal | |\n|---|---|---|---|---|---|\n",
	)
	for _, line := range r.Rows {
		fmt.Fprintf(
			&text, "| %s | %s | %s | %s | %s | %s |\n", line.What, line.Figure, line.Against, line.Ratio, line.Goal,
			verdict(line.Reached),
		)
	}
	text.WriteString(`
The lesson's script is [four calls of kubectl](../e2e/bench/lesson.sh); its test Pod is a fifth call. The floor is [a
program](../e2e/bench/floor/main.go) that does nothing but createuser, one psql with a login over the network, a Secret and a patch. Binds verify the
login, and do not wait for the rollout. Requests are those in the API server's audit log, with an empty discovery cache and without the Event.

The workloads of an apply are Deployments with 0 replicas. Each run starts without anything from earlier runs, and three seconds after its
preparation. The script runs between the rounds of an apply, with the same databases in the cluster, and its rate is compared with the rate of that
apply. A database that has started is not probed, as in the lesson: the probes of twenty databases would be execs on the two cores.

Ansible runs [a playbook](../e2e/bench/ansible/playbook.yaml) with the same result: users, privileges, Secrets, and references in the Deployments. It
loops over the bindings, with the default settings of Ansible, and verifies no login. It reaches the database through ` + "`" + `kubectl port-forward` + "`" + `. An apply
and the playbook alternate up to three times with 20 bindings, and run once with 200. After each, all users log in with their Secrets. Ansible is
Debian's package, with community.postgresql and kubernetes.core, in a container in the network of this machine.

The rotation and the restart of workloads with a Pod alternate three times. Locks on pg_authid are sampled every 5 ms by another session, during
the first bind of each level; the longest counts. Of the isolated binds, the median of seven counts, up to the one named.

The rest of the time cannot be saved here. A bind waits until kubectl finds its plugin, which takes about as long as ` + "`" + `kubectl version` + "`" + `, for one exec,
and for PostgreSQL, which plans queries on its catalogs. An apply is limited by the processors. For each binding, the API server stores a Secret and a
Deployment. What the controllers do about a changed Deployment takes longer than the change itself; ` + "`" + `apply` + "`" + ` changes Deployments last, and without
waiting for rollouts, so this work happens after the apply, as it happens after the script. createuser needs a process and a session for each role,
and so does each login. A password takes 4,096 rounds of SHA-256 three times: for its verifier, for the server, which checks that the password is not
empty, and for the login.

## Tests

` + "`make bench`" + ` measures, and no test repeats the figures. ` + "`TestRequests_OfABindAreFew`" + ` counts the requests of a first and a second bind, and
` + "`TestDocuments_AreThoseOfTheFigures`" + ` (` + "`e2e/bench`" + `) compares this page and its picture with [the figures of the last run](benchmark.json).
`)
	return text.String()
}

// forUsers returns the figures that a user asks for first.
func (r *report) forUsers() string {
	lines := []struct{ text, what string }{
		{"A bind, without waiting for the rollout, takes %s (%s)", "a fresh bind, kubectl pgbind"},
		{"`apply` of a thousand bindings on one database takes %s", "apply of 1000 bindings on one database"},
		{"`apply` of 200 bindings takes %s (%s, for the same work)", "apply of 200 bindings"},
		{"`check` of a thousand bindings takes %s", "check of 1000 bindings"},
		{"`list` of a thousand bindings takes %s", "list of 1000 bindings"},
		{"`rotate --all` of 200 bindings without Pods takes %s", "rotate --all of 200 bindings"},
	}
	var text strings.Builder
	for _, line := range lines {
		i := slices.IndexFunc(r.Rows, func(known row) bool { return known.What == line.what })
		if i < 0 { // a single section
			continue
		}
		values := []any{r.Rows[i].Figure}
		if strings.Count(line.text, "%s") > 1 {
			values = append(values, r.Rows[i].Against)
		}
		fmt.Fprintf(&text, "* "+line.text+".\n", values...)
	}
	return text.String() + "\n"
}

// bars draws each figure and what it is compared with, on a scale of their own.
func (r *report) bars() (string, error) {
	var groups []picture.Group
	for _, line := range r.Rows {
		if line.Against == "" {
			continue
		}
		group, err := line.group()
		if err != nil {
			return "", err
		}
		groups = append(groups, group)
	}
	return picture.Bars("Figures of kubectl pgbind, each on a scale of its own", groups), nil
}

// group returns the two bars of a comparison.
func (r row) group() (picture.Group, error) {
	i := strings.LastIndex(r.Against, ": ")
	if i < 0 {
		return picture.Group{}, fmt.Errorf("%s: no figure in %q", r.What, r.Against)
	}
	other, otherFigure := r.Against[:i], r.Against[i+2:]
	value, err := number(r.Figure)
	if err != nil {
		return picture.Group{}, err
	}
	against, err := number(otherFigure)
	if err != nil {
		return picture.Group{}, err
	}
	title, better := r.What, "shorter is better"
	if strings.HasSuffix(r.Figure, "/s") {
		better = "longer is better"
	}
	longest := max(value, against)
	return picture.Group{Title: title + " (" + better + ")", Bars: []picture.Bar{
		{Name: "pgbind", Value: r.Figure, Length: value / longest}, {Name: other, Value: otherFigure, Length: against / longest},
	}}, nil
}

// number returns a duration in seconds, or a rate.
func number(figure string) (float64, error) {
	if rate, is := strings.CutSuffix(figure, "/s"); is {
		value, err := strconv.ParseFloat(rate, 64)
		if err != nil {
			return 0, fmt.Errorf("read the rate %q: %w", figure, err)
		}
		return value, nil
	}
	took, err := time.ParseDuration(figure)
	if err != nil {
		return 0, fmt.Errorf("read the time %q: %w", figure, err)
	}
	return took.Seconds(), nil
}

// The files of a report.
const (
	figuresFile = "benchmark.json"
	pageFile    = "benchmark.md"
	pictureFile = "benchmark.svg"
)

// documents returns the report as a document and as a picture, by their names.
func (r *report) documents() (map[string]string, error) {
	bars, err := r.bars()
	if err != nil {
		return nil, err
	}
	return map[string]string{pageFile: r.markdown(), pictureFile: bars}, nil
}

// write writes the figures, the document and the picture.
func (r *report) write(dir string) error {
	documents, err := r.documents()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the figures: %w", err)
	}
	documents[figuresFile] = string(text) + "\n"
	for name, text := range documents {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the benchmark: %w", err)
		}
	}
	return nil
}

// readReport reads the figures of an earlier run.
func readReport(dir string) (*report, error) {
	text, err := os.ReadFile(filepath.Join(dir, figuresFile)) //nolint:gosec // the figures in the repository
	if err != nil {
		return nil, fmt.Errorf("read the figures: %w", err)
	}
	r := &report{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("read the figures in %s: %w", figuresFile, err)
	}
	return r, nil
}
