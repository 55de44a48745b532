package phases

import "github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"

// TryFirst calls try for the first item of each kind, and for the next one as long as try returns an error. It is for dry runs of writes:
// the API server decides by user, namespace and kind, so that one request of each kind is enough. Items without a kind are left out. At
// most limit kinds are tried at the same time.
func TryFirst[T any](items []T, limit int, kindOf func(T) string, try func(T) error) {
	parallel.EachGroup(items, kindOf, limit, func(kind string, of []T) {
		if kind == "" {
			return
		}
		for _, item := range of {
			if try(item) == nil {
				return
			}
		}
	})
}
