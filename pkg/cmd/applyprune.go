package cmd

import (
	"errors"

	"github.com/spf13/pflag"
)

// applyPruneFlags say which bindings are taken back because no file names them.
type applyPruneFlags struct {
	wanted   bool
	selector string
	yes      bool
}

func (f *applyPruneFlags) addTo(flags *pflag.FlagSet) {
	flags.BoolVar(&f.wanted, "prune", false, "Take back the bindings that the files do not name, of workloads with the labels of --selector, in the files' namespaces")
	flags.StringVarP(&f.selector, "selector", "l", "", "Labels of the workloads of which --prune takes bindings back")
	flags.BoolVar(&f.yes, "yes", false, "Take back what --prune shows without asking")
}

// check refuses what is no good together.
func (f *applyPruneFlags) check() error {
	switch {
	case f.wanted && f.selector == "":
		return errors.New("--prune needs --selector: it says which bindings the files are all of")
	case !f.wanted && (f.selector != "" || f.yes):
		return errors.New("--selector and --yes belong to --prune")
	}
	return nil
}
