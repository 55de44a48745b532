package printers

import (
	"fmt"
	"io"
	"sync"

	"k8s.io/client-go/rest"
)

// warningCode is the code of the warnings of an API server (RFC 7234).
const warningCode = 299

// warnings prints what the API server warns of, as kubectl does.
type warnings struct {
	to io.Writer

	mu      sync.Mutex
	printed map[string]bool
}

// NewWarnings returns what prints the warnings of the API server to w, each once: a dry run causes the same warnings as
// the change after it.
func NewWarnings(w io.Writer) rest.WarningHandler {
	return &warnings{to: w, printed: map[string]bool{}}
}

// HandleWarningHeader prints one warning.
func (w *warnings) HandleWarningHeader(code int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if code != warningCode || text == "" || w.printed[text] {
		return
	}
	w.printed[text] = true
	fmt.Fprintln(w.to, Visible("Warning: "+text))
}
