package cmd

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/shard"
)

// jobIndex is the variable by which the Pods of an Indexed Job know their parts.
const jobIndex = "JOB_COMPLETION_INDEX"

// shardFlag says which part of many bindings is meant.
type shardFlag struct{ text string }

func (f *shardFlag) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.text, "shard", "", "Only the part I of N, as I/N with I from 0; /N takes I from $"+jobIndex)
}

// shard reads what was typed.
func (f *shardFlag) shard() (shard.Shard, error) {
	s, err := shard.Parse(f.text, os.Getenv(jobIndex))
	if err != nil {
		return s, fmt.Errorf("read --shard: %w", err)
	}
	return s, nil
}

// pick takes the bindings of the shard.
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
