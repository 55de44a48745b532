package postgres

import (
	"context"
	"encoding/json"
	"strconv"
)

// Request is one Bind of several.
type Request struct {
	Binding Binding
	Login   Login
}

// Outcome is what became of one Request; see Bind.
type Outcome struct {
	Result *Result
	Err    error
}

// endOfBatch is the last word of a session for several bindings.
const endOfBatch = "batch"

// BindAll is Bind for many login roles of one database, in one session as long as nothing stands in the way. A transaction or a login
// that fails ends the session; what it left undone is done one by one, so that each has its own error and the others go on. The
// outcomes are in the order of the requests.
func (s *Server) BindAll(ctx context.Context, requests []Request) []Outcome {
	outcomes := make([]Outcome, len(requests))
	b := &batch{requests: requests}
	if len(requests) > 1 {
		b.run(ctx, s)
	}
	for i, r := range requests {
		switch {
		case b.done(i):
			outcomes[i].Result, outcomes[i].Err = s.result(r.Binding, b.outputs[i], b.err)
		case b.hopeless():
			outcomes[i].Err = b.failure(s)
		default:
			outcomes[i].Result, outcomes[i].Err = s.Bind(ctx, r.Binding, r.Login)
		}
	}
	return outcomes
}

// batch is one session for several bindings.
type batch struct {
	requests []Request
	session  *output   // nil: there was none
	outputs  []*output // of each request
	err      error
}

func (b *batch) run(ctx context.Context, s *Server) {
	sc, err := batchScript(b.requests)
	if err != nil {
		return // the request that cannot be written says so itself
	}
	b.session, b.err = s.psql(ctx, sc)
	if b.session != nil {
		b.split()
	}
}

// batchScript completes all roles as the administrator, and then logs in as each.
func batchScript(requests []Request) (*script, error) {
	sc := new(script).run("session")
	for i, r := range requests {
		sc.set("about", strconv.Itoa(i)).run("number")
		if err := sc.complete(r.Binding, r.Login); err != nil {
			return nil, err
		}
		sc.address(r.Binding, r.Login).run("domain").keepHost(i)
	}
	for i, r := range requests {
		sc.set("about", strconv.Itoa(i)).address(r.Binding, r.Login).takeHost(i)
		sc.run("attempt").password(r.Login.Password).run("login")
	}
	sc.set("run", endOfBatch).run("end")
	return sc.password("not-" + endOfBatch).run("trust"), sc.err
}

// split gives each request what was reported of it.
func (b *batch) split() {
	b.outputs = make([]*output, len(b.requests))
	for i := range b.outputs {
		b.outputs[i] = &output{Server: b.session.Server, Trust: b.session.Trust}
	}
	about := -1
	for _, report := range b.session.reports {
		for _, key := range []string{"about", "attempt"} {
			if number, ok := numberOf(report, key); ok {
				about = number
			}
		}
		if about >= 0 && about < len(b.outputs) {
			_ = b.outputs[about].add(report) // it was read once already
		}
	}
	for i, out := range b.outputs {
		out.End = ""
		if b.ended(out) {
			out.End = b.requests[i].Binding.Owner.Run
		}
	}
}

// ended says that a request's login was made, and that it is known whether it needed the password: before version 16, only the
// end of the session tells.
func (b *batch) ended(out *output) bool {
	return out.Login != nil && (out.Login.Method != "" || b.session.End == endOfBatch)
}

func (b *batch) done(i int) bool { return b.session != nil && b.outputs[i].End != "" }

// hopeless says that trying one by one would fail in the same way: the way to the server or the administrator's login failed, or it is a standby.
func (b *batch) hopeless() bool {
	if b.session == nil {
		return b.err != nil
	}
	return b.err != nil && !exited(b.err) || b.session.Server == nil || b.session.Server.Standby
}

func (b *batch) failure(s *Server) error {
	if b.session == nil {
		return b.err
	}
	return s.outcome(&output{Server: b.session.Server, stderr: b.session.stderr}, b.err, "")
}

// numberOf reads a report that is a number.
func numberOf(report []byte, key string) (number int, ok bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(report, &fields) != nil {
		return 0, false
	}
	number, err := strconv.Atoi(string(fields[key]))
	return number, err == nil
}
