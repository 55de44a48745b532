package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/similar"
)

// meanings are what users of other programs type, by the flag that they mean. A flag can have a value.
func meanings() map[string][]string {
	return map[string][]string{
		"dbname":            {"database", "db", "database-name", "d"},
		"username":          {"role", "role-name", "login", "db-user", "U"},
		"access readonly":   {"read-only", "readonly", "ro"},
		"access readwrite":  {"read-write", "readwrite", "rw"},
		"access":            {"level", "access-level", "privileges", "grant"},
		"secret":            {"secret-name", "secretname"},
		"postgres":          {"pg", "host", "postgresql", "instance"},
		"postgres service/": {"service", "svc"},
		"postgres pod/":     {"pod"},
		"env-prefix":        {"prefix"},
		"expires":           {"ttl", "expiry", "valid-until"},
		"port":              {"p"},
		"yes":               {"confirm", "assume-yes", "auto-approve"},
		"all-namespaces":    {"all-ns"},
	}
}

// suggestFlag adds to the error about an unknown flag the one that another word for it means, or else flags with a similar name. cobra
// suggests commands only.
func suggestFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	word := unknown.GetSpecifiedName()
	found := meant(cmd, word)
	if len(found) == 0 && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			if !flag.Hidden {
				names = append(names, flag.Name)
			}
		})
		found = similar.Names(word, names)
	}
	if len(found) == 0 {
		return err
	}
	return fmt.Errorf("%w: did you mean --%s?", err, strings.Join(found, " or --"))
}

// meant returns the flag of the command that has the word as another name.
func meant(cmd *cobra.Command, word string) []string {
	for flag, words := range meanings() {
		name, _, _ := strings.Cut(flag, " ")
		for _, other := range words {
			if word != other || cmd.Flags().Lookup(name) == nil {
				continue
			}
			if strings.HasSuffix(flag, "/") {
				flag += "NAME"
			}
			return []string{flag}
		}
	}
	return nil
}
