package secret

import (
	"cmp"
	"net/url"
	"path"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
)

const usualPort = 5432

// Credentials are what an application needs to log in.
type Credentials struct {
	Host, Username, Password string

	Port     int32  // 0: 5432
	Database string // empty: postgres
	SSLMode  string // for URIs; empty: the driver's default
	CA       string // CA certificates of the server, in PEM; optional
	CAPath   string // path of the CA file in the container; optional
}

// NewSecret returns the Secret of a binding with the keys that its metadata requests. It fails if a template cannot be rendered.
func NewSecret(name types.NamespacedName, marks Marks, c Credentials) (*corev1.Secret, error) {
	secret := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		Type:       typeOf(marks.BindingSpec),
	}
	return secret, Renew(secret, marks, c)
}

// LoginPort returns the port at which the application logs in.
func (c Credentials) LoginPort() int32 { return cmp.Or(c.Port, usualPort) }

// Of reads the login from a Secret: from the keys that have one value alone, and else from the metadata. ok is false if a key of the
// binding is missing, or host, user name or password.
func Of(secret *corev1.Secret) (c Credentials, ok bool) {
	marks, _ := MarksOf(secret)
	c = Credentials{
		Host: marks.BindingStatus.Host, Port: marks.BindingStatus.Port, SSLMode: marks.BindingStatus.SSLMode,
		Username: marks.Role, Database: marks.DBName, CA: string(secret.Data[CAFile]),
	}
	if c.CA != "" && marks.MountPath != "" {
		c.CAPath = path.Join(marks.MountPath, CAFile)
	}
	templates, err := Templates(marks.BindingSpec)
	complete := c.read(secret.Data, templates)
	return c, err == nil && complete && c.Host != "" && c.Username != "" && c.Password != ""
}

// read reads the values of the templates, and reports whether none is missing.
func (c *Credentials) read(data map[string][]byte, templates []keys.Template) bool {
	complete, read := true, map[string]bool{}
	for _, t := range templates {
		value, there := data[t.Name()]
		complete = complete && (there || t.Optional())
		if field := t.Alone(); there && !read[field] {
			c.set(field, string(value))
			read[field] = true
		}
	}
	c.readURI(data["POSTGRES_URI"])
	c.readURI(data["POSTGRES_JDBC_URL"])
	return complete
}

// set sets the field of that name in templates.
func (c *Credentials) set(field, value string) {
	switch field {
	case "Host":
		c.Host = value
	case "Port":
		port, _ := strconv.ParseInt(value, 10, 32)
		c.Port = int32(port)
	case "Database":
		c.Database = value
	case "Username":
		c.Username = value
	case "Password":
		c.Password = value
	}
}

// readURI reads the TLS settings from a URI of a Secret whose metadata does not have them, because an early version wrote it.
func (c *Credentials) readURI(uri []byte) {
	u, err := url.Parse(strings.TrimPrefix(string(uri), "jdbc:"))
	if err != nil {
		return
	}
	c.SSLMode = cmp.Or(c.SSLMode, u.Query().Get("sslmode"))
	c.CAPath = cmp.Or(c.CAPath, u.Query().Get("sslrootcert"))
}
