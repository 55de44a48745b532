package cmd

import (
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

const serviceBindingKey = "servicebinding"

// keyFlags select the keys of the Secret.
type keyFlags struct {
	keys    []string
	sslMode string
	ca      string
}

func (f *keyFlags) addTo(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.keys, "key", nil, "Additional key of the Secret, repeatable: port, database, uri, jdbc or pgpass; "+
		"servicebinding creates a second Secret, NAME-binding, in the form of servicebinding.io")
	flags.StringVar(&f.sslMode, "sslmode", "", "The sslmode in the URIs (default: require if the server supports TLS, or else disable)")
	flags.StringVar(&f.ca, "ca-from", "",
		"CA certificates of the server, in the namespace of the workload: secret/NAME:KEY or configmap/NAME:KEY")
}

func (f *keyFlags) apply(o *binding.Options) error {
	modes := []string{"", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
	if !slices.Contains(modes, f.sslMode) {
		return fmt.Errorf("invalid --sslmode %q: use disable, allow, prefer, require, verify-ca or verify-full", f.sslMode)
	}
	o.Keys.SSLMode = f.sslMode
	for _, name := range f.keys {
		if name == serviceBindingKey {
			o.Keys.ServiceBinding = true
			continue
		}
		key, err := credentials.ParseKey(name)
		if err != nil {
			return err
		}
		o.Keys.Keys = append(o.Keys.Keys, key)
	}
	return nil
}
