package postgres

import (
	"cmp"
	"context"
	"slices"
	"strconv"
)

// Request is one Bind of several.
type Request struct {
	Role  RoleSpec
	Login Login
}

// Outcome is the result of one Request; see Bind.
type Outcome struct {
	Result *Result
	Err    error
}

// endOfBatch is the last report of a session for several bindings.
const endOfBatch = "batch"

// maxFailedSessions is how many requests can end a session before the rest run one by one.
const maxFailedSessions = 3

// BindAll is Bind for many login roles of one database, in one session, and with one transaction for all that share an access role. A
// failed transaction or login ends the session: its request then runs alone, with an error of its own, and the others run in another
// session. The outcomes are in the order of the requests.
func (s *Server) BindAll(ctx context.Context, requests []Request) []Outcome {
	outcomes := make([]Outcome, len(requests))
	s.bindAll(ctx, slices.Clone(requests), upTo(len(requests)), outcomes)
	return outcomes
}

// bindAll runs the requests of left, and sets their outcomes. After a session that ended early it clears their addresses.
func (s *Server) bindAll(ctx context.Context, requests []Request, left []int, outcomes []Outcome) {
	for tried := 0; tried < maxFailedSessions && len(left) > 1; {
		b := newBatch(requests, left)
		b.run(ctx, s)
		before := len(left)
		left = b.conclude(ctx, s, outcomes)
		if b.session == nil || len(b.session.Incomplete) == 0 || len(left) == before {
			tried++
		}
		forgetAddresses(requests, left)
	}
	for _, i := range left {
		outcomes[i].Result, outcomes[i].Err = s.Bind(ctx, requests[i].Role, requests[i].Login)
	}
}

// forgetAddresses has psql resolve the names of the requests again: an outdated address can have ended their session.
func forgetAddresses(requests []Request, left []int) {
	for _, i := range left {
		requests[i].Login.Address = ""
	}
}

// batch is one session for several bindings.
type batch struct {
	numbers  []int // of the requests among all
	requests []Request
	groups   [][]int   // those that share an access role
	session  *output   // nil: no session started
	outputs  []*output // of each request
	last     int       // the request of the last report; -1: no report yet
	err      error
}

func newBatch(all []Request, numbers []int) *batch {
	b := &batch{numbers: numbers, last: -1}
	type shared struct {
		role   string
		former string
		force  bool
		also   string
	}
	groups := map[shared]int{}
	for i, number := range numbers {
		r := all[number]
		b.requests = append(b.requests, r)
		key := shared{r.Role.Access.Role(), r.Role.Former, r.Role.Force, r.Role.Creates.key()}
		if _, known := groups[key]; !known {
			groups[key] = len(b.groups)
			b.groups = append(b.groups, nil)
		}
		b.groups[groups[key]] = append(b.groups[groups[key]], i)
	}
	return b
}

func (b *batch) run(ctx context.Context, s *Server) {
	sc, err := b.script()
	if err != nil {
		return // Bind of the request returns the error
	}
	b.session, b.err = s.psql(ctx, sc)
	if b.session != nil {
		b.split()
	}
}

// script returns the script that completes all roles as the administrator, and then logs in as each of them.
func (b *batch) script() (*script, error) {
	if len(b.requests) == 1 {
		return bindScript(b.requests[0].Role, b.requests[0].Login)
	}
	sc := new(script).run("begin_session", "cluster_domain")
	for _, group := range b.groups {
		var requests []Request
		for _, i := range group {
			requests = append(requests, b.requests[i])
		}
		if err := sc.complete(requests, group); err != nil {
			return nil, err
		}
	}
	sc.run("await_standbys").otherDatabases(b.requests[0].Role)
	for i, r := range b.requests {
		sc.keep(i, r.Login.Password)
	}
	for i, r := range b.requests {
		r.Login.resolved = b.firstWithHost(i) < i
		sc.set("about", strconv.Itoa(i)).address(r.Login, r.Role.Name, r.Role.Access.Database).run("begin_login").kept(i).run("login")
	}
	return sc.set("run", endOfBatch).run("end", "login_without_password"), sc.err
}

// firstWithHost returns the first request that logs in at the host of request i. Its login resolves the name of the host, which takes a sixth of a
// login; the others use the address of that name, if it is known.
func (b *batch) firstWithHost(i int) int {
	l := b.requests[i].Login
	return slices.IndexFunc(b.requests, func(r Request) bool {
		return r.Login.Host == l.Host && r.Login.HostComplete == l.HostComplete && r.Login.Port == l.Port
	})
}

// number begins a part of the script. Its reports belong to the item of this number.
func (s *script) number(i int) *script {
	s.parts = append(s.parts, i)
	return s.set("about", strconv.Itoa(i)).run("begin_item")
}

// conclude sets the outcomes that are known, runs the request that ended the session alone, and returns the numbers of
// the requests without an outcome.
func (b *batch) conclude(ctx context.Context, s *Server, outcomes []Outcome) (left []int) {
	if len(b.requests) == 1 {
		outcomes[b.numbers[0]] = b.only(ctx, s)
		return nil
	}
	left = b.setOutcomes(s, outcomes)
	if b.session != nil && len(b.session.Incomplete) > 0 {
		return left // they have their outcomes, and nothing is wrong with the others
	}
	at := slices.Index(b.numbers, b.culprit())
	if len(left) == 0 || at < 0 {
		return left
	}
	number, r := b.numbers[at], b.requests[at]
	outcomes[number].Result, outcomes[number].Err = s.Bind(ctx, r.Role, r.Login)
	return slices.DeleteFunc(left, func(i int) bool { return i == number })
}

// only returns the outcome of a batch of one request. The session of the batch was the first attempt.
func (b *batch) only(ctx context.Context, s *Server) Outcome {
	r, first := b.requests[0], true
	result, err := prove(ctx, r.Login, func(l Login) (*Result, error) {
		if !first {
			return s.bind(ctx, r.Role, l)
		}
		first = false
		return s.result(r, b.session, b.err)
	})
	return Outcome{result, s.addCause(ctx, r.Role.Name, err)}
}

// setOutcomes sets the outcomes that are known, and returns the numbers of the requests without an outcome.
func (b *batch) setOutcomes(s *Server, outcomes []Outcome) (left []int) {
	for i, number := range b.numbers {
		switch {
		case b.done(i):
			outcomes[number].Result, outcomes[number].Err = s.result(b.requests[i], b.outputs[i], b.err)
		case b.session != nil && slices.Contains(b.session.Incomplete, b.requests[i].Role.Name):
			outcomes[number].Err = ErrIncomplete
		case b.failsForAll():
			outcomes[number].Err = b.failure(s)
		default:
			left = append(left, number)
		}
	}
	return left
}

// split assigns each report to its request.
func (b *batch) split() {
	b.outputs = make([]*output, len(b.requests))
	for i := range b.outputs {
		b.outputs[i] = &output{
			Server:      b.session.Server,
			Trust:       b.session.Trust,
			Domain:      b.session.Domain,
			Replication: b.session.Replication,
			Others:      b.session.Others,
		}
	}
	for _, report := range b.session.reports {
		for _, key := range []string{"about", "attempt"} {
			if number, ok := numberOf(report, key); ok && number < len(b.outputs) {
				b.last = number
			}
		}
		if b.last >= 0 {
			_ = b.outputs[b.last].add(report) // parse has read it without an error
		}
	}
	b.share()
	for i, out := range b.outputs {
		b.follow(i)
		out.End = ""
		if b.ended(out) {
			out.End = b.requests[i].Role.Owner.Run
		}
	}
}

// follow copies what firstWithHost found about the name of the host to a login that used its address: if the name did not
// resolve, it would not have resolved here.
func (b *batch) follow(i int) {
	l, led := b.requests[i].Login, b.outputs[b.firstWithHost(i)].Login
	if out := b.outputs[i]; l.Address != "" && led != nil && out.Login != nil && led.Host == l.PodIP {
		out.Login.Host = led.Host
	}
}

// share copies the reports about an access role and its transaction to all requests of the access role.
func (b *batch) share() {
	for _, group := range b.groups {
		var about output
		for _, i := range group {
			about.NoSchemas = append(about.NoSchemas, b.outputs[i].NoSchemas...)
			about.Lacks, about.Public = append(about.Lacks, b.outputs[i].Lacks...), append(about.Public, b.outputs[i].Public...)
			about.Withheld = append(about.Withheld, b.outputs[i].Withheld...)
			about.Escalations = append(about.Escalations, b.outputs[i].Escalations...)
			about.Unfinished = append(about.Unfinished, b.outputs[i].Unfinished...)
			about.Unowned, about.Existing = cmp.Or(about.Unowned, b.outputs[i].Unowned), cmp.Or(about.Existing, b.outputs[i].Existing)
			about.Committed = about.Committed || b.outputs[i].Committed
		}
		for _, i := range group {
			b.outputs[i].Lacks, b.outputs[i].Public, b.outputs[i].Committed = about.Lacks, about.Public, about.Committed
			b.outputs[i].Unfinished, b.outputs[i].Existing = about.Unfinished, about.Existing
			b.outputs[i].NoSchemas = about.NoSchemas
			b.outputs[i].Withheld, b.outputs[i].Escalations, b.outputs[i].Unowned = about.Withheld, about.Escalations, about.Unowned
		}
	}
}
