package postgres

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// quit ends a psql whose input stays open.
const quit = "\\quit\n"

// holdInput is how long the input stays open, so that the container waits until its output has arrived. If the output
// is lost, it would wait forever.
const holdInput = 20 * time.Second

// endOfExec limits the wait for the end of an exec whose psql has reported its exit code.
const endOfExec = 2 * time.Second

// runPSQL runs files of the sh folder and then psql, by run_psql.sh, which reads the whole input however early psql ends. The scripts get
// args and the input first. The error is a *MissingProgramError for the shell where the container has none.
func (s *Server) runPSQL(ctx context.Context, files, args []string, input string) (stdout *bytes.Buffer, stderr string, err error) {
	if s.shellless {
		return &bytes.Buffer{}, "", &MissingProgramError{Program: shell, Where: s.Container}
	}
	prefix, err := s.prefix()
	if err != nil {
		return &bytes.Buffer{}, "", err
	}
	text, err := shellScript(slices.Concat([]string{"started"}, files, []string{"run_psql"})...)
	if err != nil {
		return &bytes.Buffer{}, "", err
	}
	psql := s.psqlProgram()
	argv := append(append(prefix, s.env()...), shell, "-c", text, shell)
	stdout, stderr, reported, err := s.execute(ctx, append(append(argv, args...), s.command(psql)...), input+quit)
	if !reported && isMissing(err) {
		s.shellless = true
		return stdout, stderr, &MissingProgramError{Program: shell, Where: s.Container}
	}
	return stdout, stderr, s.classify(psql.name, err)
}

// execute runs a command that begins with started.sh, apart from what reads the administrator's password, and ends with run_psql.sh. Programs
// report their own exit codes, because the end of an exec is sometimes lost; reported says that psql did, and the error is then its exit
// code. It waits for the end of the exec as well, so that all of the output is there.
func (s *Server) execute(ctx context.Context, argv []string, input string) (stdout *bytes.Buffer, stderr string, reported bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read, stdin := io.Pipe()
	var messages bytes.Buffer
	out, started, ended, code := &lineWriter{}, make(chan struct{}), make(chan struct{}), 0
	begin := sync.OnceFunc(func() { close(started) })
	end := regexp.MustCompile(`^pgbind \{"psql": (\d{1,3})\}$`)
	out.onLine = func(line []byte) {
		if string(line) == "started" {
			begin()
		}
		found := end.FindSubmatch(line)
		if found == nil {
			return
		}
		code, _ = strconv.Atoi(string(found[1])) // digits; the last one counts
		if !reported {
			reported = true
			close(ended)
		}
	}
	done := make(chan error, 1)
	go func() {
		err := s.Exec.Exec(ctx, s.Container, argv, podexec.Streams{Stdin: read, Stdout: out, Stderr: &messages})
		_ = read.Close() // ends the writer
		done <- err
	}()
	release := time.AfterFunc(holdInput, func() { _ = stdin.Close() })
	defer release.Stop()
	_, _ = io.WriteString(stdin, s.afterPassword("")) // if a write fails, the error of the exec is the cause
	select {
	case <-started:
		release.Stop()
		_, _ = io.WriteString(stdin, input)
	case err = <-done:
		done <- err
	}
	release.Reset(holdInput)
	select {
	case err = <-done:
	case <-ended:
		_ = stdin.Close() // always nil
		select {
		case err = <-done:
		case <-time.After(endOfExec):
			cancel()
			err = <-done
		}
	}
	_ = stdin.Close()
	if reported {
		err = nil
		if code != 0 {
			err = &podexec.ExitError{Code: code}
		}
	}
	return &out.text, messages.String(), reported, err
}

// lineWriter keeps what is written to it and calls onLine with each complete line.
type lineWriter struct {
	text   bytes.Buffer
	seen   int
	onLine func(line []byte)
}

// Write implements io.Writer.
func (w *lineWriter) Write(p []byte) (int, error) {
	n, err := w.text.Write(p)
	for {
		line, _, whole := bytes.Cut(w.text.Bytes()[w.seen:], []byte("\n"))
		if !whole {
			return n, err
		}
		w.seen += len(line) + 1
		w.onLine(line)
	}
}
