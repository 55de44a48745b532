package postgres

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// output is what the scripts report, a JSON object a line.
type output struct {
	Server     *serverFacts  `json:"server"`
	Refused    *refusal      `json:"refused"`
	Incomplete bool          `json:"incomplete"`
	Lacks      []string      `json:"lacks"`
	Public     []PublicGrant `json:"public"`
	Lockers    []string      `json:"lockers"`
	Host       *string       `json:"host"` // also says that the transaction is committed
	Login      *login        `json:"login"`
	Trust      bool          `json:"trust"`
	Found      *found        `json:"found"`
	End        string        `json:"end"`

	did    []string
	stderr string
}

type serverFacts struct {
	Version   int  `json:"version"`
	Standby   bool `json:"standby"`
	Superuser bool `json:"superuser"`
}

type refusal struct {
	Role    string `json:"role"`
	Verdict string `json:"verdict"`
}

type login struct {
	SessionUser string `json:"sessionUser"`
	CurrentUser string `json:"currentUser"`
	Host        string `json:"host"`
	Method      string `json:"method"`
	Standby     bool   `json:"standby"`
	SSL         bool   `json:"ssl"`
}

type found struct {
	Role        bool `json:"role"`
	CreatesRole bool `json:"createsRole"`
}

const reportPrefix = "pgbind "

// parse reads a script's standard output. Lines that are no report are passed over.
func parse(r io.Reader) (*output, error) {
	out := &output{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), reportPrefix)
		if !ok {
			continue
		}
		var one struct {
			Did string `json:"did"`
		}
		if err := json.Unmarshal([]byte(text), out); err != nil {
			return out, fmt.Errorf("read what psql reported: %w", err)
		}
		if err := json.Unmarshal([]byte(text), &one); err == nil && one.Did != "" {
			out.did = append(out.did, one.Did)
		}
	}
	return out, lines.Err()
}

// The severity is translated by the server, the SQLSTATE is not.
const sqlstateLine = `(?m)^(?:psql:[^\n]*?: )?\S+: {2}([0-9A-Z]{5})(?:: ([^\n]*))?$`

// sqlError is the first error that psql wrote, if it carries a SQLSTATE.
func (o *output) sqlError() *SQLError {
	match := regexp.MustCompile(sqlstateLine).FindStringSubmatch(o.stderr)
	if match == nil {
		return nil
	}
	ofRoles := regexp.MustCompile(`(?m): {2}pg_authid$`).MatchString(o.stderr)
	return &SQLError{State: match[1], Message: match[2], OfRoles: ofRoles}
}

// message is the first line of what a program wrote to its standard error, without the program's own position in its script.
func message(stderr string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	return regexp.MustCompile(`^(psql|createuser):(<stdin>:\d+:)? *(error: )?(\\connect: )?`).ReplaceAllString(line, "")
}
