package podexec

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// FuzzAnswer reads answers to an upgrade. An answer that is not a Status must not be repeated in the error.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"", "null", "[]", "<h1>Forbidden</h1>", `{"kind":"Status","status":"Failure","reason":"Forbidden","code":403}`, `{"kind":"Status","status":"Success"}`,
		`{"kind":"Status","status":"Failure","code":-1}`, `{"kind":"Status","status":"Failure","details":null}`, `{"kind":"Page"}`, `{"kind":"Status","status":"Failure","code":9999999999}`,
	} {
		f.Add(seed, 403)
	}
	f.Fuzz(func(t *testing.T, body string, code int) {
		if code < 100 || code > 999 {
			return // no HTTP answer
		}
		err := answerError(&http.Response{StatusCode: code, Status: http.StatusText(code), Body: io.NopCloser(strings.NewReader(body))})
		status := (*apierrors.StatusError)(nil)
		if errors.As(err, &status) {
			assert.NotZero(t, status.ErrStatus.Code)
			return
		}
		assert.Equal(t, &httpError{status: http.StatusText(code)}, err)
	})
}

// FuzzRemoteError reads the error texts of client-go.
func FuzzRemoteError(f *testing.F) {
	for _, seed := range []string{"", "Internal error occurred: ", "Internal error occurred: Internal error occurred: no such file", "unable to upgrade", "Internal error occurred: \n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := remoteError(errors.New(text), "psql")
		start := (*StartError)(nil)
		if errors.As(err, &start) {
			assert.True(t, strings.HasSuffix(text, start.Reason))
			return
		}
		assert.EqualError(t, err, text)
	})
}
