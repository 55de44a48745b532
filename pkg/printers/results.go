package printers

import (
	"fmt"
	"strings"
	"sync"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
)

// Results prints the results of the items of one run in the order of the items, whichever item is finished first. It prints progress and
// warnings immediately; if there are several items, with the name of the workload.
type Results struct {
	report *Report
	items  []*itemReport

	mu   sync.Mutex
	next int // the first item that is not finished: its results are printed immediately
}

// NewResults returns the Results of the items, and makes it their Reporter. Their workloads must be read already. It appends the suffix to
// each result. objects means that results are printed as objects at the end: see Bindings.
func NewResults(streams genericiooptions.IOStreams, suffix string, objects bool, items []*binding.Item) *Results {
	r := &Results{report: NewReport(streams, suffix)}
	r.report.Objects = objects
	for _, item := range items {
		reporter := &itemReport{Report: r.report, all: r, item: item}
		if len(items) > 1 {
			reporter.about = item.Name() + ": "
		}
		item.Report, r.items = reporter, append(r.items, reporter)
	}
	return r
}

// Bound implements binding.Progress; the item has reported its results.
func (r *Results) Bound(*binding.Item) {}

// Verified implements binding.Progress; a step reports the login.
func (r *Results) Verified(*binding.Item) {}

// Finished prints the results of the items that the item has delayed. It is safe for concurrent use.
func (r *Results) Finished(i *binding.Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, reporter := range r.items {
		reporter.finished = reporter.finished || reporter.item == i
	}
	for ; r.next < len(r.items); r.next++ {
		reporter := r.items[r.next]
		for _, text := range reporter.waiting {
			r.print(text)
		}
		if reporter.waiting = nil; !reporter.finished {
			return
		}
	}
}

// Bindings returns the bindings of the items that have one.
func (r *Results) Bindings() []*v1alpha1.Binding {
	var bindings []*v1alpha1.Binding
	for _, reporter := range r.items {
		if reporter.item.Binding != nil {
			bindings = append(bindings, reporter.item.Binding)
		}
	}
	return bindings
}

// Errors returns the errors of the items. If there are several items, each error names its workload.
func (r *Results) Errors() []error {
	var errs []error
	for _, reporter := range r.items {
		err := reporter.item.Err
		if err != nil && !strings.Contains(err.Error(), reporter.item.Name()) {
			err = fmt.Errorf("%s%w", reporter.about, err)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (r *Results) print(text string) {
	fmt.Fprintln(term.NewResponsiveWriter(r.report.Streams.Out), Visible(text))
}

// itemReport is the Reporter of one item.
type itemReport struct {
	*Report

	all      *Results
	item     *binding.Item
	about    string   // before progress and warnings; empty if there is one item
	waiting  []string // results that are printed after those of earlier items
	finished bool
}

// Done implements report.Reporter.
func (r *itemReport) Done(object, verb string) {
	if !r.Objects {
		r.result(object + " " + verb + r.suffix)
	}
}

// Show implements report.Reporter. If the results are objects, it goes to standard error.
func (r *itemReport) Show(text string) {
	if r.Objects {
		r.Report.Show(text)
		return
	}
	r.result(strings.TrimSuffix(text, "\n"))
}

// Step implements report.Reporter.
func (r *itemReport) Step(format string, args ...any) {
	r.Report.Step("%s", r.about+fmt.Sprintf(format, args...))
}

// Detail implements report.Reporter.
func (r *itemReport) Detail(format string, args ...any) {
	r.Report.Detail("%s", r.about+fmt.Sprintf(format, args...))
}

// Warn implements report.Reporter.
func (r *itemReport) Warn(format string, args ...any) {
	r.Report.Warn("%s", r.about+fmt.Sprintf(format, args...))
}

// result prints a result when those of all earlier items are printed.
func (r *itemReport) result(text string) {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	if r.all.next < len(r.all.items) && r.all.items[r.all.next] != r {
		r.waiting = append(r.waiting, text)
		return
	}
	r.all.print(text)
}
