package secret

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/kubernetes"
)

// The kinds of a Source.
const (
	FromStdin     = "stdin"
	FromSecret    = "secret"
	FromConfigMap = "configmap"
)

// Source refers to a value that must not be on a command line: standard input, or a key of a Secret or ConfigMap. The zero Source
// refers to nothing.
type Source struct{ Kind, Name, Key string }

// ParsePasswordSource parses "stdin" or "secret/NAME:KEY"; an empty text is the zero Source. The error does not repeat the text, which may
// be the password itself.
func ParsePasswordSource(text string) (Source, error) {
	if text == FromStdin {
		return Source{Kind: FromStdin}, nil
	}
	if s, ok := parseSource(text, FromSecret); ok {
		return s, nil
	}
	return Source{}, errors.New("invalid source of a password: use secret/NAME:KEY or stdin")
}

// ParseCertificateSource parses "secret/NAME:KEY" or "configmap/NAME:KEY"; an empty text is the zero Source.
func ParseCertificateSource(text string) (Source, error) {
	if s, ok := parseSource(text, FromSecret, FromConfigMap); ok {
		return s, nil
	}
	return Source{}, fmt.Errorf("invalid source of certificates %q: use secret/NAME:KEY or configmap/NAME:KEY", text)
}

// parseSource parses KIND/NAME:KEY with one of the kinds.
func parseSource(text string, kinds ...string) (Source, bool) {
	if text == "" {
		return Source{}, true
	}
	for _, kind := range kinds {
		rest, found := strings.CutPrefix(text, kind+"/")
		name, key, _ := strings.Cut(rest, ":")
		if found && len(validation.IsDNS1123Subdomain(name)) == 0 && len(validation.IsConfigMapKey(key)) == 0 {
			return Source{Kind: kind, Name: name, Key: key}, true
		}
	}
	return Source{}, false
}

// String returns the Source in the form of the command line.
func (s Source) String() string {
	if s.Name == "" {
		return s.Kind
	}
	return s.Kind + "/" + s.Name + ":" + s.Key
}

// Reader reads the values of Sources.
type Reader struct {
	Kube  kubernetes.Interface
	Stdin io.Reader // for one Source
}

// Read returns the value of source in namespace: the first line of standard input, or the value of a key. The value of the zero Source is
// empty. The error names the source and wraps the API server's error.
func (r *Reader) Read(ctx context.Context, source Source, namespace string) (string, error) {
	if source == (Source{}) {
		return "", nil
	}
	value, err := r.read(ctx, source, namespace)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", source, err)
	}
	if value == "" {
		return "", fmt.Errorf("%s is empty or does not exist in namespace %s", source, namespace)
	}
	return value, nil
}

func (r *Reader) read(ctx context.Context, source Source, namespace string) (string, error) {
	switch source.Kind {
	case FromSecret:
		secret, err := r.Kube.CoreV1().Secrets(namespace).Get(ctx, source.Name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		return string(secret.Data[source.Key]), nil
	case FromConfigMap:
		config, err := r.Kube.CoreV1().ConfigMaps(namespace).Get(ctx, source.Name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		return config.Data[source.Key], nil
	}
	line, err := bufio.NewReader(r.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
}
