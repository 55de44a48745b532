package secret

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestParseSource_AcceptsAndRejects(t *testing.T) {
	tests := map[string]struct {
		password, certificate bool
	}{
		"":                   {true, true},
		"stdin":              {true, false},
		"secret/admin:a.key": {true, true},
		"configmap/ca:crt":   {false, true},
		"secret/admin":       {false, false},
		"secret/:key":        {false, false},
		"secret/A B:key":     {false, false},
		"secret/a:b:c":       {false, false},
		"hunter2":            {false, false},
	}
	for text, test := range tests {
		source, err := ParsePasswordSource(text)
		assert.Equal(t, test.password, err == nil, text)
		if err == nil {
			assert.Equal(t, text, source.String())
		} else {
			assert.NotContains(t, err.Error(), "hunter2")
		}
		_, err = ParseCertificateSource(text)
		assert.Equal(t, test.certificate, err == nil, text)
	}
}

func TestReader_ReadsSources(t *testing.T) {
	meta := metav1.ObjectMeta{Namespace: "ns", Name: "n"}
	kube := fake.NewClientset(
		&corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{"k": []byte("from the secret")}},
		&corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"k": "from the configmap"}},
	)
	tests := map[string]struct {
		source      Source
		stdin, want string
		err         string
	}{
		"nothing":        {},
		"secret":         {source: Source{FromSecret, "n", "k"}, want: "from the secret"},
		"configmap":      {source: Source{FromConfigMap, "n", "k"}, want: "from the configmap"},
		"stdin":          {source: Source{Kind: FromStdin}, stdin: "a line \r\nmore", want: "a line "},
		"stdin, no end":  {source: Source{Kind: FromStdin}, stdin: "a line", want: "a line"},
		"stdin, nothing": {source: Source{Kind: FromStdin}, err: "stdin is empty"},
		"no such key":    {source: Source{FromSecret, "n", "other"}, err: "secret/n:other is empty or does not exist in namespace ns"},
		"no such object": {source: Source{FromConfigMap, "m", "k"}, err: "read configmap/m:k"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			reader := &Reader{Kube: kube, Stdin: strings.NewReader(test.stdin)}
			got, err := reader.Read(t.Context(), test.source, "ns")
			assert.Equal(t, test.want, got)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.err)
			assert.Equal(t, name == "no such object", apierrors.IsNotFound(err))
		})
	}
}
