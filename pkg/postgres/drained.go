package postgres

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// conversation is an exec of a script that reports how its programs ended. It is known then, and nobody depends on the end of the exec itself, of
// which the output gets lost now and then that comes right before.
type conversation struct {
	input *io.PipeWriter
	done  chan struct{} // closed when the exec has ended; err is set then
	err   error

	mu       sync.Mutex
	out      bytes.Buffer
	looked   int // how much of out was looked through for reports
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

func newConversation(input *io.PipeWriter) *conversation {
	c := &conversation{input: input, done: make(chan struct{}), heard: map[string]*report{}, pattern: regexp.MustCompile(`^pgbind \{"(\w+)" ?:(?: (\d{1,3})\}$)?`)}
	for _, key := range []string{endOfCreateuser, endOfPsql, lastWord} {
		c.heard[key] = &report{come: make(chan struct{})}
	}
	return c
}

// converse begins the exec of a program's script. The end of ctx ends it.
func (s *Server) converse(ctx context.Context, p program) (*conversation, error) {
	argv, err := s.argv(p)
	if err != nil {
		return nil, err
	}
	read, write := io.Pipe()
	c, container := newConversation(write), s.Container
	go func() {
		defer close(c.done)
		c.err = s.Exec.Exec(ctx, container, argv, podexec.Streams{Stdin: read, Stdout: writer(c.take), Stderr: writer(c.takeMessage)})
		_ = read.Close() // what is still told goes nowhere
	}()
	return c, nil
}

// say is heard by the program that reads the input; where there is none, the exec's end tells why.
func (c *conversation) say(text string) { _, _ = io.WriteString(c.input, text) }

// leave ends the input.
func (c *conversation) leave() { _ = c.input.Close() } // always nil

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func (c *conversation) takeMessage(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.messages.Write(p)
}

// take takes a part of the standard output, and passes the reports in it on to those who wait for them.
func (c *conversation) take(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.out.Write(p) // to memory
	for {
		line, _, whole := bytes.Cut(c.out.Bytes()[c.looked:], []byte("\n"))
		if !whole {
			return len(p), nil
		}
		c.looked += len(line) + 1
		c.hear(line)
	}
}

// hear passes a line on if it is a report that somebody waits for. Only the first one of its kind counts.
func (c *conversation) hear(line []byte) {
	found := c.pattern.FindSubmatch(line)
	if found == nil || c.heard[string(found[1])] == nil {
		return
	}
	heard := c.heard[string(found[1])]
	select {
	case <-heard.come:
	default:
		heard.code, _ = strconv.Atoi(string(found[2])) // digits, or none
		close(heard.come)
	}
}

// end waits until a program or the whole exec has ended. The error is a *podexec.ExitError, or the exec's; told says that it is the program's own end.
func (c *conversation) end(program string) (told bool, err error) {
	ended := c.heard[program]
	select {
	case <-ended.come:
	case <-c.done:
		select {
		case <-ended.come:
		default:
			return false, c.err
		}
	}
	if ended.code != 0 {
		return true, &podexec.ExitError{Code: ended.code}
	}
	return true, nil
}

// concluded waits until the script's last word has come, and says whether it came before psql had ended.
func (c *conversation) concluded() bool {
	select {
	case <-c.heard[lastWord].come:
		return true
	case <-c.heard[endOfPsql].come:
	case <-c.done:
	}
	return false
}

// sofar is what was written until now.
func (c *conversation) sofar() (stdout *bytes.Buffer, stderr string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.NewBuffer(bytes.Clone(c.out.Bytes())), c.messages.String()
}

// wait waits for the end of the exec, for that long at most.
func (c *conversation) wait(limit time.Duration) {
	select {
	case <-c.done:
	case <-time.After(limit):
	}
}

// finish waits for psql's end, and ends the input.
func (c *conversation) finish() reading {
	_, err := c.end(endOfPsql)
	c.leave()
	select {
	case <-c.heard[lastWord].come:
	default:
		if err != nil {
			<-c.done // the messages travel by themselves
		}
	}
	stdout, stderr := c.sofar()
	return reading{stdout: stdout, stderr: stderr, err: err}
}
