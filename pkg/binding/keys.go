package binding

import (
	"cmp"
	"maps"
	"path"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// credentials is what the Secrets hand over.
func (p *Plan) credentials(login verified) credentials.Credentials {
	c := credentials.Credentials{
		Host: login.host, Username: p.binding.Role, Password: p.password, Port: p.database.Port, Database: p.options.Database,
		SSLMode: p.sslMode(login), CA: p.options.Keys.CA,
	}
	if mount := p.options.Reference.MountPath; c.CA != "" && mount != "" {
		c.CAPath = path.Join(mount, credentials.CAFile)
	}
	return c
}

// sslMode is the one that was asked for, else the strictest that works: the proof has shown whether the server encrypts.
func (p *Plan) sslMode(login verified) string {
	offered := "disable"
	switch {
	case login.encrypted && p.options.Keys.CA != "":
		offered = "verify-ca"
	case login.encrypted:
		offered = "require"
	}
	return cmp.Or(p.options.Keys.SSLMode, offered)
}

// variables are the keys that the Secret has or will have and that can be variables.
func (p *Plan) variables() []string {
	return credentials.VariablesOf(p.completedData(verified{}))
}

// completedData is what the binding's Secret has, and what it lacks of what it shall have.
func (p *Plan) completedData(login verified) map[string][]byte {
	data := p.newSecret(login).Data
	if p.secret.existing != nil {
		maps.Copy(data, p.secret.existing.Data)
	}
	return data
}

// wantedData is what the binding's Secret shall hold of ours. Where an option tells what may have been otherwise, that is all that it has of ours
// already, too; else what is there stays.
func (p *Plan) wantedData(login verified) map[string][]byte {
	o, existing := p.options, p.secret.existing
	told := o.Reference.Exact || o.Choice.Host != "" || o.Choice.Port != 0 || o.Keys.CA != "" || o.Keys.SSLMode != ""
	if !told {
		return p.completedData(login)
	}
	c := p.credentials(login)
	if !o.Reference.Exact {
		before, _ := credentials.MarksOf(existing)
		c.SSLMode = cmp.Or(o.Keys.SSLMode, before.Choices.SSLMode, c.SSLMode)
		if o.Choice.Host == "" {
			c.Host, c.Port = string(existing.Data[credentials.KeyHost]), cmp.Or(o.Choice.Port, before.Choices.Port, c.Port)
		}
	}
	renewed := existing.DeepCopy()
	credentials.Renew(renewed, p.marks(), c, o.Keys.Keys...)
	return renewed.Data
}
