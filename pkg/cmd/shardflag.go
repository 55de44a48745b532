package cmd

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/shard"
)

// jobIndex is the variable that contains the index of a Pod of an Indexed Job.
const jobIndex = "JOB_COMPLETION_INDEX"

// shardFlag selects one part of many bindings.
type shardFlag struct{ text string }

func (f *shardFlag) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.text, "shard", "", "Only part I of N, in the form I/N with I starting at 0; /N uses I from $"+jobIndex)
}

// shard parses the flag.
func (f *shardFlag) shard() (shard.Shard, error) {
	s, err := shard.Parse(f.text, os.Getenv(jobIndex))
	if err != nil {
		return s, fmt.Errorf("read --shard: %w", err)
	}
	return s, nil
}

// pick returns the bindings of the shard.
func (f *shardFlag) pick(all []inventory.Binding) ([]inventory.Binding, error) {
	s, err := f.shard()
	var picked []inventory.Binding
	for _, b := range all {
		if s.Has(b.Namespace, b.Marks.Workload, b.Marks.Database) {
			picked = append(picked, b)
		}
	}
	return picked, err
}
