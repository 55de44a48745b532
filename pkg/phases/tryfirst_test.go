package phases

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTryFirst_SendsOneRequestOfEachKind(t *testing.T) {
	var tried []string
	kinds := map[string]string{"a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b", "c1": ""}
	TryFirst([]string{"a1", "a2", "a3", "b1", "b2", "c1"}, 1, func(item string) string { return kinds[item] }, func(item string) error {
		tried = append(tried, item)
		if item == "a1" {
			return errors.New("refused")
		}
		return nil
	})
	assert.Equal(t, []string{"a1", "a2", "b1"}, tried)
}
