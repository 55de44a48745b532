package binding

import (
	"cmp"
	"path"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// credentials returns what the Secrets contain.
func (p *Plan) credentials(login verified) secret.Credentials {
	c := secret.Credentials{
		Host: login.host, Username: p.role.Name, Password: p.password, Port: p.endpoint.Port, Database: p.spec.DBName,
		SSLMode: p.sslMode(login), CA: p.options.Values.CA,
	}
	if mount := p.spec.MountPath; c.CA != "" && mount != "" {
		c.CAPath = path.Join(mount, secret.CAFile)
	}
	return c
}

// sslMode returns the requested mode, or else the strictest one that works: the verified login shows whether the server encrypts.
func (p *Plan) sslMode(login verified) string {
	offered := "disable"
	switch {
	case login.encrypted && p.options.Values.CA != "":
		offered = "verify-ca"
	case login.encrypted:
		offered = "require"
	}
	return cmp.Or(p.spec.SSLMode, offered)
}

// expected is what the login will show as far as it is known before.
func (p *Plan) expected() verified {
	return verified{host: cmp.Or(p.endpoint.HostName(), p.endpoint.PodIP)}
}

// wantedSecret returns the Secret as it should be. If the request names a value that can differ from the present one, all values of ours
// are computed again. Otherwise the present ones stay.
func (p *Plan) wantedSecret(login verified) (*corev1.Secret, error) {
	if p.secret.existing == nil {
		return p.newSecret(login)
	}
	wanted, err := p.extendedSecret(login)
	if err != nil {
		return nil, err
	}
	return wanted, secret.AddFormer(wanted, p.hidden)
}

// extendedSecret returns the existing Secret with the wanted keys.
func (p *Plan) extendedSecret(login verified) (*corev1.Secret, error) {
	wanted, c, asked := p.secret.existing.DeepCopy(), p.credentials(login), p.requested
	if p.adopted != nil {
		secret.Adopt(wanted, p.stored(), *p.adopted)
		return wanted, nil
	}
	chooses := asked.Host != "" || asked.Port != 0 || p.options.Values.CA != "" || asked.SSLMode != "" || len(asked.Presets) > 0 ||
		len(asked.Env) > 0 ||
		p.followsServer()
	if !p.options.Exact && !chooses {
		return wanted, secret.Complete(wanted, p.stored(), c)
	}
	if !p.options.Exact {
		held, _ := secret.Of(wanted)
		if p.options.Values.CA == "" {
			c.SSLMode = cmp.Or(p.spec.SSLMode, held.SSLMode, c.SSLMode)
		}
		if asked.Host == "" && !p.followsServer() {
			c.Host, c.Port = held.Host, cmp.Or(asked.Port, held.Port, c.Port)
		}
	}
	return wanted, secret.Renew(wanted, p.stored(), c)
}

// newSecret returns the binding's Secret as it is created.
func (p *Plan) newSecret(login verified) (*corev1.Secret, error) {
	created, err := secret.NewSecret(p.secretName(), p.marks(), p.credentials(login))
	if err != nil {
		return nil, err
	}
	secret.CopyLabels(created, p.workload.Labels())
	return created, secret.AddFormer(created, p.hidden)
}
