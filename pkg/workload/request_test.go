package workload

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestAbout_NamesAnObjectOnce(t *testing.T) {
	absent := ReadError("deployment.apps/web", "shop", apierrors.NewNotFound(schema.GroupResource{Resource: "deployments"}, "web"))
	for want, err := range map[string]error{
		"deployment.apps/web not found in namespace shop":                        absent,
		"deployment.apps/web in namespace shop: no binding":                      errors.New("deployment.apps/web in namespace shop: no binding"),
		"deployment.apps/web in namespace shop: deployment.apps/web is bound":    errors.New("deployment.apps/web is bound"),
		"deployment.apps/web in namespace shop: pod/pg not found in namespace x": errors.New("pod/pg not found in namespace x"),
	} {
		assert.EqualError(t, About("deployment.apps/web", "shop", err), want)
	}
}
