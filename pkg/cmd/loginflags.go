package cmd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
)

// loginFlags are the flags for the login of the user.
type loginFlags struct {
	username string
	password string
	expires  string
}

func (f *loginFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.username, "username", "", "Name of the user (default: derived from the workload and the database)")
	flags.StringVar(&f.password, "password-from", "", "Password of the user: secret/NAME:KEY in the namespace of the workload, "+
		"or stdin (default: a random password)")
	flags.StringVar(&f.expires, "expires", "", "Time from now at which the user's password expires: 30d, 12h (default: never)")
}

func (f *loginFlags) apply(o *binding.Options) error {
	o.Login.Username = f.username
	if f.expires == "" {
		return nil
	}
	expires, err := parseDuration(f.expires)
	if err != nil {
		return fmt.Errorf("invalid --expires %q: use a duration such as 30d, 12h or 45m", f.expires)
	}
	o.Login.Expires = expires
	return nil
}

const day = 24 * time.Hour

// parseDuration parses a positive duration: a number of days, or Go's format.
func parseDuration(text string) (time.Duration, error) {
	var duration time.Duration
	var err error
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		// A larger number of days can overflow to a short time.
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

// maxDuration keeps the year of the expiry below five digits.
const (
	maxDays     = 100 * 365
	maxDuration = maxDays * day
)
