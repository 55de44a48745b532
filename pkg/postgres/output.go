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

// output collects the reports of a script. Each is one line of JSON.
type output struct {
	Server     *serverFacts  `json:"server"`
	Refused    *refusal      `json:"refused"`
	Incomplete []string      `json:"incomplete"` // roles
	Reserved   string        `json:"reserved"`   // a schema
	Creators   []Creator     `json:"creators"`
	Shared     bool          `json:"shared"` // refused because of Creators
	Lacks      []string      `json:"lacks"`
	NoSchemas  []string      `json:"noSchemas"`
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
	Gone       string        `json:"gone"`    // a role
	ActsAs     string        `json:"actsAs"`  // a role
	Setting    string        `json:"setting"` // a parameter that is being set
	Context    *string       `json:"context"` // who can set it, if that is not the login role
	Full       int           `json:"full"`    // the limit of a login role that has no connection left
	Copied     []string      `json:"copied"`  // statements that reset the settings of the former role
	Public     []PublicGrant `json:"public"`
	Others     []string      `json:"others"` // databases
	Holders    []string      `json:"holders"`

	NoDatabase bool     `json:"noDatabase"` // the script's
	Databases  []string `json:"databases"`  // those that exist instead

	EventTriggers []string `json:"eventTriggers"`
	Mark          string   `json:"mark"`
	End           string   `json:"end"`

	Replication Replication `json:"replication"`

	ForeignDatabase *ForeignDatabaseError `json:"foreignDatabase"`
	Database        *databaseUse          `json:"database"`
	Existing        *ExistingSchema       `json:"existing"`
	Exposed         []Creator             `json:"exposed"`
	Kept            []Kept                `json:"kept"`
	Sharers         []string              `json:"sharers"`
	Former          *FormerLogin          `json:"formerLogin"`

	Escalations []Escalation `json:"-"` // of all lines
	Unfinished  []Unfinished `json:"-"` // of all lines

	did     []string
	holders []RoleDependencies
	objects []Objects
	reports [][]byte // every line, for reports that occur more than once
	stderr  string
}

// blames reports whether the script ended because of this role.
func (o *output) blames(role string) bool {
	return o.Refused != nil && o.Refused.Role == role
}

type serverFacts struct {
	Version   int  `json:"version"`
	Standby   bool `json:"standby"`
	Superuser bool `json:"superuser"`
}

type refusal struct {
	Role    string `json:"role"`
	Verdict string `json:"verdict"`
	Why     string `json:"why"`

	Administrators []Administrator `json:"administrators"`
}

// err returns the error for the role.
func (r *refusal) err() error {
	return &ForeignRoleError{Role: r.Role, Verdict: r.Verdict, Why: r.Why, Administrators: r.Administrators}
}

type login struct {
	SessionUser string `json:"sessionUser"`
	CurrentUser string `json:"currentUser"`
	Host        string `json:"host"`
	Method      string `json:"method"`
	Standby     bool   `json:"standby"`
	SSL         bool   `json:"ssl"`
}

// held is the roles of a claim and the databases in which they own or hold something.
type held struct {
	Roles     []string       `json:"roles"`
	Databases []HeldDatabase `json:"databases"`
}

type found struct {
	Role        bool `json:"role"`
	CreatesRole bool `json:"createsRole"`
}

const reportPrefix = "pgbind "

// parse reads the standard output of a script. It skips lines that are not reports, and a truncated last line: the caller notices that the
// last word is missing.
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
				return out, fmt.Errorf("parse the output of psql: %w", err)
			}
		}
		if last {
			return out, nil
		}
	}
}

// add adds one report.
func (o *output) add(text []byte) error {
	var one struct {
		Did         string            `json:"did"`
		Holder      *RoleDependencies `json:"holder"`
		Objects     *Objects          `json:"objects"`
		Escalations []Escalation      `json:"escalations"`
		Unfinished  []Unfinished      `json:"unfinished"`
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

// The server translates the severity, but not the SQLSTATE.
const sqlstateLine = `(?m)^(?:psql:[^\n]*?: )?\S+: {2}([0-9A-Z]{5})(?:: ([^\n]*))?$`

const classOfWarnings = "01"

// sqlError returns the last error with a SQLSTATE. It is the one that ended psql: a failed change of privileges does not end it.
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

// lastMessage returns the first line of the last message in the standard error of a program.
func lastMessage(stderr string) string {
	starts := regexp.MustCompile(`(?m)^(?:psql|createuser):`).FindAllStringIndex(stderr, -1)
	if len(starts) == 0 {
		return message(stderr)
	}
	return message(stderr[starts[len(starts)-1][0]:])
}

// message returns the first line of the standard error of a program, without the position in its script.
func message(stderr string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	return regexp.MustCompile(`^(psql|createuser):(<stdin>:\d+:)? *(error: )?(\\connect: )?`).ReplaceAllString(line, "")
}
