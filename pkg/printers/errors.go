package printers

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/permissions"
)

// IfForbidden adds a next step to a Forbidden error of the API server, which is a missing permission or a quota that is
// used up. Other errors stay unchanged.
func IfForbidden(err error) error {
	if missing := (*permissions.MissingError)(nil); errors.As(err, &missing) || !apierrors.IsForbidden(err) {
		return err // it says what is missing
	}
	if strings.Contains(err.Error(), "exceeded quota") { // nothing else tells a quota from a missing permission
		return fmt.Errorf(
			"%w: the quota of the namespace is used up; to list it: kubectl describe resourcequota%s", err, namespaceFlag(err),
		)
	}
	return fmt.Errorf("%w: ask your administrator for this permission; to list yours: kubectl auth can-i --list%s", err, namespaceFlag(err))
}

// namespaceFlag returns the flag of kubectl for the namespace that the error is about, which is that of the workload or that of the
// server. A permission in the whole cluster has none.
func namespaceFlag(err error) string {
	for _, name := range []*regexp.Regexp{
		regexp.MustCompile(`in the namespace "([a-z0-9-]+)"`), // of the API server
		regexp.MustCompile(`.*\bin namespace ([a-z0-9-]+)`),   // of this program, the last one, which is nearest to the cause
	} {
		if found := name.FindStringSubmatch(err.Error()); found != nil {
			return " -n " + found[1]
		}
	}
	return ""
}

// IfNotFound adds to a NotFound error the command that lists the existing workloads.
func IfNotFound(err error, namespace string) error {
	status := apierrors.APIStatus(nil)
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return err
	}
	return fmt.Errorf("%w: list the existing ones with: kubectl get %s -n %s", err, status.Status().Details.Kind, namespace)
}

// PrintErrors prints the errors that err contains, a line each, as at the end of a command that fails.
func PrintErrors(w io.Writer, err error) {
	for _, err := range EachError(err, IfForbidden) {
		fmt.Fprintln(w, Visible("error: "+err.Error()))
	}
}

// EachError returns the errors that err contains, each passed through explain.
func EachError(err error, explain func(error) error) []error {
	if err == nil {
		return nil
	}
	errs := []error{err}
	if several := utilerrors.Aggregate(nil); errors.As(err, &several) {
		errs = utilerrors.Flatten(several).Errors()
	}
	for i := range errs {
		errs[i] = explain(errs[i])
	}
	return errs
}
