package postgres

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// output is what the scripts report, a JSON object a line.
type output struct {
	Server     *serverFacts  `json:"server"`
	Refused    *refusal      `json:"refused"`
	Incomplete string        `json:"incomplete"` // a role
	Reserved   string        `json:"reserved"`   // a schema
	Creators   []Creator     `json:"creators"`
	Shared     bool          `json:"shared"` // refused because of Creators
	Lacks      []string      `json:"lacks"`
	Withheld   []Withheld    `json:"withheld"`
	Unowned    *Unowned      `json:"unowned"`
	Vanished   string        `json:"vanished"` // a role
	Committed  bool          `json:"committed"`
	Domain     string        `json:"domain"` // the cluster's
	Login      *login        `json:"login"`
	Trust      bool          `json:"trust"`
	Found      *found        `json:"found"`
	Held       *held         `json:"held"`
	Sessions   int           `json:"sessions"`
	Stays      bool          `json:"stays"`
	Gone       string        `json:"gone"`   // a role
	ActsAs     string        `json:"actsAs"` // a role
	Public     []PublicGrant `json:"public"`
	Holders    []string      `json:"holders"`
	Mark       string        `json:"mark"`
	End        string        `json:"end"`

	Escalations []Escalation `json:"-"` // of all lines
	Unfinished  []Unfinished `json:"-"` // of all lines

	did     []string
	holders []Holder
	objects []Objects
	reports [][]byte // every line, for what reports more than once
	stderr  string
}

// blames says that the script ended because of this role.
func (o *output) blames(role string) bool {
	return o.Incomplete == role || o.Refused != nil && o.Refused.Role == role
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

// held is the roles of a claim, and the databases that know them.
type held struct {
	Roles     []string       `json:"roles"`
	Databases []HeldDatabase `json:"databases"`
}

type found struct {
	Role        bool `json:"role"`
	CreatesRole bool `json:"createsRole"`
}

const reportPrefix = "pgbind "

// parse reads a script's standard output. Lines that are no report are passed over, and so is a last one that was cut off: what follows
// from that is for the missing last word to tell.
func parse(r io.Reader) (*output, error) {
	out := &output{}
	lines := bufio.NewReader(r)
	for {
		line, readErr := lines.ReadString('\n')
		last := errors.Is(readErr, io.EOF)
		if readErr != nil && !last {
			return out, readErr
		}
		if text, ok := strings.CutPrefix(line, reportPrefix); ok {
			if err := out.add([]byte(text)); err != nil && !last {
				return out, fmt.Errorf("read what psql reported: %w", err)
			}
		}
		if last {
			return out, nil
		}
	}
}

// add takes one report.
func (o *output) add(text []byte) error {
	var one struct {
		Did         string       `json:"did"`
		Holder      *Holder      `json:"holder"`
		Objects     *Objects     `json:"objects"`
		Escalations []Escalation `json:"escalations"`
		Unfinished  []Unfinished `json:"unfinished"`
	}
	if err := errors.Join(json.Unmarshal(text, o), json.Unmarshal(text, &one)); err != nil {
		return err
	}
	o.reports = append(o.reports, text)
	o.Escalations = append(o.Escalations, one.Escalations...)
	o.Unfinished = append(o.Unfinished, one.Unfinished...)
	if one.Did != "" {
		o.did = append(o.did, one.Did)
	}
	if one.Holder != nil {
		o.holders = append(o.holders, *one.Holder)
	}
	if one.Objects != nil {
		o.objects = append(o.objects, *one.Objects)
	}
	return nil
}

// The severity is translated by the server, the SQLSTATE is not.
const sqlstateLine = `(?m)^(?:psql:[^\n]*?: )?\S+: {2}([0-9A-Z]{5})(?:: ([^\n]*))?$`

const classOfWarnings = "01"

// sqlError is the error that ended psql, if it carries a SQLSTATE: the last one, since a change of a privilege that fails ends nothing.
func (o *output) sqlError() *SQLError {
	all := regexp.MustCompile(sqlstateLine).FindAllStringSubmatchIndex(o.stderr, -1)
	for _, at := range slices.Backward(all) {
		state, text := o.stderr[at[2]:at[3]], ""
		if strings.HasPrefix(state, classOfWarnings) {
			continue
		}
		if at[4] >= 0 {
			text = o.stderr[at[4]:at[5]]
		}
		ofRoles := regexp.MustCompile(`(?m): {2}pg_authid$`).MatchString(o.stderr[at[0]:])
		return &SQLError{State: state, Message: text, OfRoles: ofRoles}
	}
	return nil
}

// lastMessage is what a program wrote to its standard error last, which may have several lines.
func lastMessage(stderr string) string {
	starts := regexp.MustCompile(`(?m)^(?:psql|createuser):`).FindAllStringIndex(stderr, -1)
	if len(starts) == 0 {
		return message(stderr)
	}
	return message(stderr[starts[len(starts)-1][0]:])
}

// message is the first line of what a program wrote to its standard error, without the program's own position in its script.
func message(stderr string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	return regexp.MustCompile(`^(psql|createuser):(<stdin>:\d+:)? *(error: )?(\\connect: )?`).ReplaceAllString(line, "")
}
