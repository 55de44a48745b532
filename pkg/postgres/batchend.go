package postgres

import (
	"encoding/json"
	"strconv"
)

// culprit returns the number of the request that ended the session; -1 if it is unknown.
func (b *batch) culprit() int {
	for i, r := range b.requests {
		if b.session != nil && b.session.blames(r.Role.Name) {
			return b.numbers[i]
		}
	}
	if b.last < 0 || b.done(b.last) {
		return -1
	}
	return b.numbers[b.last]
}

// ended reports whether a request's login succeeded, and whether it is known if the server asked for the password: before version 16, only
// the end of the session shows that.
func (b *batch) ended(out *output) bool {
	return out.Login != nil && (out.Login.Method != "" || b.session.End == endOfBatch)
}

func (b *batch) done(i int) bool { return b.session != nil && b.outputs[i].End != "" }

// failsForAll reports whether each request alone would fail in the same way: the exec or the administrator's login failed,
// or the server is a standby.
func (b *batch) failsForAll() bool {
	if b.session == nil {
		return b.err != nil
	}
	if b.session.Server == nil {
		return b.err != nil // without an error, the output is truncated
	}
	return b.err != nil && !exited(b.err) || b.session.Server.Standby
}

func (b *batch) failure(s *Server) error {
	if b.session == nil {
		return b.err
	}
	return s.outcome(&output{Server: b.session.Server, stderr: b.session.stderr}, b.err, "")
}

// numberOf returns the number that a report contains under the key.
func numberOf(report []byte, key string) (number int, ok bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(report, &fields) != nil {
		return 0, false
	}
	number, err := strconv.Atoi(string(fields[key]))
	return number, err == nil
}
