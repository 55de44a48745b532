package flags

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// maxDuration keeps the year of the expiry below five digits.
const (
	maxDays     = 100 * 365
	maxDuration = maxDays * day
)

// parseExpiry returns the time at which --expires ends, in whole seconds, which is what metadata stores. It also accepts that time.
func parseExpiry(text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		switch in := time.Until(at); {
		case in <= 0:
			return time.Time{}, fmt.Errorf("invalid --expires %q: use a time that is in the future", text)
		case in > maxDuration:
			return time.Time{}, fmt.Errorf("invalid --expires %q: use a time within the next hundred years", text)
		}
		return at.UTC().Truncate(time.Second), nil
	}
	duration, err := parseDuration(text)
	if err != nil {
		return time.Time{}, fmt.Errorf(
			"invalid --expires %q: use a duration such as 30d, 12h or 45m, or a time such as 2030-12-31T18:00:00Z",
			text,
		)
	}
	return time.Now().Add(duration).UTC().Truncate(time.Second), nil
}

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

// Age is a duration flag that also takes days, as --expires does.
type Age struct{ to *time.Duration }

// NewAge returns a flag that sets to.
func NewAge(to *time.Duration) *Age { return &Age{to} }

// Set implements pflag.Value.
func (a *Age) Set(text string) (err error) {
	if strings.HasSuffix(text, "d") {
		*a.to, err = parseDuration(text)
	} else {
		*a.to, err = time.ParseDuration(text)
	}
	if err != nil {
		return errors.New("use a duration such as 30d, 12h or 45m")
	}
	return nil
}

// String implements pflag.Value.
func (a *Age) String() string {
	if a.to == nil || *a.to == 0 {
		return ""
	}
	return a.to.String()
}

// Type implements pflag.Value.
func (a *Age) Type() string { return "duration" }
