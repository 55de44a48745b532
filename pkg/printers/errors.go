package printers

import (
	"errors"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
)

// IfForbidden adds a next step to a Forbidden error of the API server. It does not name the namespace, because those of the workload and
// the database can differ. Other errors stay unchanged.
func IfForbidden(err error) error {
	if !apierrors.IsForbidden(err) {
		return err
	}
	return fmt.Errorf("%w: ask your administrator for this permission; to list yours: kubectl auth can-i --list -n NAMESPACE", err)
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
