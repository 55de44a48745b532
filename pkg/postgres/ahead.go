package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// ahead is an exec that began before it was known what it shall do: createuser makes a role when its name is told, and psql, which waits
// beside it, gets a script when the role is made. Until they are told, nothing but psql's login happens.
type ahead struct {
	first   string // what the input begins with
	input   *io.PipeWriter
	created bool          // createuser made the role
	told    bool          // psql's script was told with the role's name
	done    chan struct{} // closed when the exec has ended; err is set then
	err     error

	mu       sync.Mutex
	out      bytes.Buffer
	messages bytes.Buffer
	pattern  *regexp.Regexp // of a line that may be a report
	heard    map[string]*report
}

// The reports that somebody waits for, by their first key. The end of createuser and of psql is their exit code, as the container reports it.
const (
	endOfCreateuser = "createuser"
	endOfPsql       = "psql"
	lastWord        = "end"
)

// report is one that somebody waits for.
type report struct {
	come chan struct{} // closed when it is there
	code int
}

func newAhead(input *io.PipeWriter, first string) *ahead {
	a := &ahead{first: first, input: input, done: make(chan struct{}), heard: map[string]*report{}, pattern: regexp.MustCompile(`^pgbind \{"(\w+)" ?:(?: (\d{1,3})\}$)?`)}
	for _, key := range []string{endOfCreateuser, endOfPsql, lastWord} {
		a.heard[key] = &report{come: make(chan struct{})}
	}
	return a
}

// Connect begins the exec that Create, or CreateUser and the next script, needs, so that it is ready when it is known what it shall do. It
// changes nothing, and what goes wrong is told by them. The end of ctx ends it.
func (s *Server) Connect(ctx context.Context) {
	argv, err := s.argv(s.createuserThenPsql("converse"))
	if err != nil {
		return // the programs tell it when they run by themselves
	}
	read, write := io.Pipe()
	first := ""
	if s.Password != "" {
		first = s.Password + "\n"
	}
	a := newAhead(write, first)
	go func() {
		defer close(a.done)
		a.err = s.Exec.Exec(ctx, s.Container, argv, podexec.Streams{Stdin: read, Stdout: writer(a.take), Stderr: writer(a.takeMessage)})
		_ = read.Close() // what is still told goes nowhere
	}()
	s.ahead = a
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func (a *ahead) takeMessage(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.messages.Write(p)
}

// take takes a part of the standard output, and passes the reports in it on to those who wait for them.
func (a *ahead) take(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	whole := bytes.Count(a.out.Bytes(), []byte("\n"))
	_, _ = a.out.Write(p) // to memory
	lines := bytes.Split(a.out.Bytes(), []byte("\n"))
	for _, line := range lines[whole : len(lines)-1] {
		found := a.pattern.FindSubmatch(line)
		if found == nil || a.heard[string(found[1])] == nil {
			continue
		}
		heard := a.heard[string(found[1])]
		select {
		case <-heard.come: // only the first one counts
		default:
			heard.code, _ = strconv.Atoi(string(found[2])) // digits, or none
			close(heard.come)
		}
	}
	return len(p), nil
}

// end waits until a program or the whole exec has ended. The error is a *podexec.ExitError, or the exec's; told says that it is the program's own end.
func (a *ahead) end(program string) (told bool, err error) {
	ended := a.heard[program]
	select {
	case <-ended.come:
	case <-a.done:
		select {
		case <-ended.come:
		default:
			return false, a.err
		}
	}
	if ended.code != 0 {
		return true, &podexec.ExitError{Code: ended.code}
	}
	return true, nil
}

// concluded waits until the script's last word has come, and says whether it came before psql had ended.
func (a *ahead) concluded() bool {
	select {
	case <-a.heard[lastWord].come:
		return true
	case <-a.heard[endOfPsql].come:
	case <-a.done:
	}
	return false
}

// sofar is what was written until now.
func (a *ahead) sofar() (stdout *bytes.Buffer, stderr string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return bytes.NewBuffer(bytes.Clone(a.out.Bytes())), a.messages.String()
}

// createuser makes a role. Where it is known already what psql shall read after that, the container need not wait for it.
func (a *ahead) createuser(role, next string) (stderr string, err error) {
	_, _ = io.WriteString(a.input, a.first+role+"\n"+next) // the exec's end tells what went wrong
	a.first = ""
	if a.told = next != ""; a.told {
		a.leave()
	}
	told, err := a.end(endOfCreateuser)
	a.created = told && err == nil
	switch {
	case a.created:
		return "", nil
	case err == nil:
		err = fmt.Errorf("createuser %w", errCut)
	}
	a.leave()
	<-a.done // the messages travel by themselves
	_, stderr = a.sofar()
	return stderr, err
}

// tell gives psql its script, unless it has it already.
func (a *ahead) tell(script string) {
	if a.told {
		return
	}
	if !a.created {
		script = a.first + "\n" + script
	}
	_, _ = io.WriteString(a.input, script)
	a.leave()
}

// finish waits for psql's end.
func (a *ahead) finish() reading {
	_, err := a.end(endOfPsql)
	select {
	case <-a.heard[lastWord].come:
	default:
		if err != nil {
			<-a.done // the messages travel by themselves
		}
	}
	stdout, stderr := a.sofar()
	return reading{stdout: stdout, stderr: stderr, err: err}
}

// createuserAhead is createuser in the exec that was begun before, and lets psql read what is next when the role is made; psqlAhead then
// hears of it. used is false where there is no such exec, or where its container lacks a program for that: nothing was done then.
func (s *Server) createuserAhead(role, next string) (used bool, stderr string, err error) {
	if s.ahead == nil || strings.ContainsAny(role, "\r\n\x00") {
		return false, "", nil
	}
	if len(next) > drained {
		next = ""
	}
	stderr, err = s.ahead.createuser(role, next)
	err = s.classify("createuser", err)
	if err != nil {
		s.ahead = nil
	}
	missing := (*MissingProgramError)(nil)
	return !errors.As(err, &missing), stderr, err
}

// psqlAhead is psql in the exec that was begun before; used is as for createuserAhead, and also false where psql had no session.
func (s *Server) psqlAhead(sc *script) (used bool, r reading) {
	begun, text := s.ahead, sc.text.String()
	s.ahead = nil
	switch {
	case begun == nil:
		return false, reading{}
	case len(text) > drained:
		begun.leave()
		return false, reading{}
	}
	begun.tell(text)
	finish := func() reading {
		r := begun.finish()
		r.err = s.classify("psql", r.err)
		return r
	}
	if sc.early && begun.concluded() {
		stdout, stderr := begun.sofar()
		return true, reading{stdout: stdout, stderr: stderr, rest: func() reading {
			<-begun.done // a caller that is done exits, and would cut the exec
			return finish()
		}}
	}
	r = finish()
	missing, exit := (*MissingProgramError)(nil), (*podexec.ExitError)(nil)
	// The server has ended the session while it waited, or gave it none: nothing of the script was done, and by now it may be otherwise.
	sessionless := errors.As(r.err, &exit) && !bytes.Contains(r.stdout.Bytes(), []byte(reportPrefix+`{"server"`))
	return !sessionless && !errors.As(r.err, &missing), r
}

// leave ends the input, so that psql goes when it has read what it got.
func (a *ahead) leave() {
	_ = a.input.Close() // always nil
}
