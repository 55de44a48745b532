package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
)

// scriptRun ends the scripts that write no run into the comment of a role.
const scriptRun = "pgbind"

// batchSize limits how many items share a session, so that a lost connection repeats little.
const batchSize = 250

// itemReport is the result of a script for one of several items.
type itemReport struct {
	output *output  // what the last session reported about it
	did    []string // what all sessions did
	err    error
}

// forEach runs what write appends for items, in one session if nothing fails. write must call number before the part of
// an item. An item can have several parts, and each must be safe to repeat. A session ends at the first error: the item
// that caused it gets the error, unless repeating can help, and another session continues with the items that are not
// complete. The reports are in the order of the items.
func (s *Server) forEach(ctx context.Context, items int, write func(sc *script, items []int)) []itemReport {
	reports := make([]itemReport, items)
	for i := range reports {
		reports[i].output = &output{}
	}
	for left := range slices.Chunk(upTo(items), batchSize) {
		tried := map[int]int{}
		for len(left) > 0 {
			sc := (&script{database: s.home()}).set("run", scriptRun, "leaving", "true").run("begin_session")
			write(sc, left)
			out, err := s.reportOnce(ctx, sc.run("end"))
			at := sc.distribute(out, reports)
			if err == nil && !out.Stays {
				break
			}
			failed := noItem
			if at >= 0 && !ofAll(err) {
				failed = sc.parts[at]
			}
			left = sc.incomplete(left, at)
			if retryable(err) && tried[failed] < attempts-1 && parallel.Pause(ctx, time.Duration(tried[failed]+1)*pauseBetween) {
				tried[failed]++
				continue
			}
			left = slices.DeleteFunc(left, func(i int) bool {
				ended := i == failed || failed == noItem
				if ended {
					reports[i].err = err // nil: the role stays
				}
				return ended
			})
		}
	}
	return reports
}

// noItem is the number of no item.
const noItem = -1

// ofAll reports whether an error concerns all items: the connection broke, the administrator cannot log in, or the server is a standby.
func ofAll(err error) bool {
	var unknown *UnknownError
	var login *AdminLoginError
	return errors.As(err, &unknown) || errors.As(err, &login) || errors.Is(err, errCut) || errors.Is(err, ErrStandby)
}

// incomplete returns those of the items that have a part at or after this one.
func (s *script) incomplete(items []int, at int) []int {
	return slices.DeleteFunc(slices.Clone(items), func(i int) bool { return !slices.Contains(s.parts[max(at, 0):], i) })
}

// distribute gives each item what the session reported about it, and returns the part in which the session ended; -1 if
// it ended before the first one.
func (s *script) distribute(out *output, reports []itemReport) (at int) {
	at = -1
	if out == nil {
		return at
	}
	current := map[int]*output{}
	for _, report := range out.reports {
		if number, ok := numberOf(report, "about"); ok && at+1 < len(s.parts) && s.parts[at+1] == number {
			at++
			if current[number] == nil {
				current[number] = &output{}
			}
		}
		if at >= 0 {
			_ = current[s.parts[at]].add(report) // it was read once already
		}
	}
	for i, of := range current {
		reports[i].output = of
		reports[i].did = append(reports[i].did, of.did...)
	}
	return at
}

// upTo returns the numbers from 0 to n-1.
func upTo(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}
