package cmd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
)

// loginFlags say how the user logs in.
type loginFlags struct {
	username string
	password string
	expires  string
}

func (f *loginFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.username, "username", "", "Name of the user (default: one that is derived from the workload and the database)")
	flags.StringVar(&f.password, "password-from", "", "Where the user's password is: secret/NAME:KEY in the workload's namespace, or stdin (default: a random one)")
	flags.StringVar(&f.expires, "expires", "", "When the user's password ends, from now: 30d, 12h (default: never)")
}

func (f *loginFlags) apply(o *binding.Options) error {
	o.Login.Username = f.username
	if f.expires == "" {
		return nil
	}
	expires, err := parseDuration(f.expires)
	if err != nil {
		return fmt.Errorf("--expires %q is no time to come: use 30d, 12h or 45m", f.expires)
	}
	o.Login.Expires = expires
	return nil
}

const day = 24 * time.Hour

// parseDuration reads a positive duration: days, or what Go writes.
func parseDuration(text string) (time.Duration, error) {
	var duration time.Duration
	var err error
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		// More days than that may overflow, and come out as a short time.
		duration = time.Duration(min(max(n, 0), maxDays+1)) * day
	} else {
		duration, err = time.ParseDuration(text)
	}
	if err != nil {
		return 0, err
	}
	if duration <= 0 || duration > maxDuration {
		return 0, strconv.ErrRange
	}
	return duration, nil
}

// maxDuration keeps the year of an end within what is written with four digits.
const (
	maxDays     = 100 * 365
	maxDuration = maxDays * day
)
