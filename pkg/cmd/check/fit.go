package check

import (
	"context"
	"errors"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
)

// printFits prints which access level would be enough for each binding.
func (o *Options) printFits(ctx context.Context, c *factory.Check, report *printers.Report) error {
	fits, err := c.Fit(ctx, report)
	if err != nil {
		return err
	}
	if len(fits) == 0 && o.output.IsTable() {
		printers.NothingFound(o.streams.ErrOut, o.namespace)
		return nil
	}
	return o.output.Print(o.streams.Out, printers.Fits(fits), o.scope.All)
}

// checkFit rejects flags that have no effect with --fit.
func (o *Options) checkFit() error {
	if o.fit && (o.fix || o.prove) {
		return errors.New("--fit reports access levels and fixes nothing: omit --fix and --prove")
	}
	return nil
}
