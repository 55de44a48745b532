package cmd

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
)

// ifForbidden adds a next step to the API server's refusal, which names the missing right but no way on. The namespace is left open:
// the workload's and the database's may differ. Other errors stay as they are.
func ifForbidden(err error) error {
	if !apierrors.IsForbidden(err) {
		return err
	}
	return fmt.Errorf("%w: ask for this right; what you may do shows: kubectl auth can-i --list -n NAMESPACE", err)
}

// ifNotFound adds to the API server's word that a workload is not there how to see which are.
func ifNotFound(err error, namespace string) error {
	status := apierrors.APIStatus(nil)
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return err
	}
	return fmt.Errorf("%w: see what there is with: kubectl get %s -n %s", err, status.Status().Details.Kind, namespace)
}

// eachError lists the errors that err stands for, as explain puts them.
func eachError(err error, explain func(error) error) []error {
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
