package flags

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/shard"
)

// jobIndex is the variable that contains the index of a Pod of an Indexed Job.
const jobIndex = "JOB_COMPLETION_INDEX"

// Shard selects one part of many bindings.
type Shard struct{ text string }

// IsSet reports whether the flag selects a part.
func (f *Shard) IsSet() bool { return f.text != "" }

// AddTo adds the flag.
func (f *Shard) AddTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.text, "shard", "", "Only part I of N, in the form I/N with I starting at 0; /N uses I from $"+jobIndex)
}

// Parse parses the flag.
func (f *Shard) Parse() (shard.Shard, error) {
	s, err := shard.Parse(f.text, os.Getenv(jobIndex))
	if err != nil {
		return s, fmt.Errorf("read --shard: %w", err)
	}
	return s, nil
}

// Pick returns the bindings of the shard.
func (f *Shard) Pick(all []inventory.Entry) ([]inventory.Entry, error) {
	s, err := f.Parse()
	var picked []inventory.Entry
	for _, b := range all {
		if s.Has(b.Namespace, b.Marks.Workload, b.Marks.DBName) {
			picked = append(picked, b)
		}
	}
	return picked, err
}
