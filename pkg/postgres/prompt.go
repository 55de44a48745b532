package postgres

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// prompt sends the password when psql asks for it. On a terminal, psql turns off the echo before it asks: a password that is sent earlier
// appears on the terminal.
type prompt struct {
	texts []string      // the possible questions; they depend on the version of psql
	seen  chan struct{} // closed when psql asks
	over  chan struct{} // closed when psql ends

	once sync.Once
	held bytes.Buffer // output that can be the start of the question
	to   io.Writer
	line bool // the end of the line of the question has not arrived yet
	done bool
}

func newPrompt(texts ...string) *prompt {
	return &prompt{texts: texts, seen: make(chan struct{}), over: make(chan struct{})}
}

// input returns the password followed by the caller's input.
func (p *prompt) input(shell Shell) io.Reader {
	password := strings.NewReader(shell.Login.Password + "\n")
	stdin := shell.Stdin
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	if shell.Terminal == nil {
		return io.MultiReader(password, stdin)
	}
	return io.MultiReader(&afterwards{p}, password, stdin)
}

// afterwards is an empty input that ends when psql asks for the password or ends.
type afterwards struct{ prompt *prompt }

func (a *afterwards) Read([]byte) (int, error) {
	select {
	case <-a.prompt.seen:
		return 0, io.EOF
	case <-a.prompt.over:
		return 0, io.ErrClosedPipe
	}
}

// output returns a writer that forwards what psql writes, without the question.
func (p *prompt) output(to io.Writer) io.Writer {
	if to == nil {
		to = io.Discard
	}
	p.to = to
	return p
}

// Write implements io.Writer.
func (p *prompt) Write(data []byte) (int, error) {
	if p.done {
		return p.to.Write(data)
	}
	p.held.Write(data)
	if !p.line {
		before, after, found := p.cut()
		if !found {
			return len(data), p.release(p.held.Len() - longest(p.texts) + 1)
		}
		rest := bytes.Clone(after)
		if _, err := p.to.Write(before); err != nil {
			return 0, err
		}
		p.held.Reset()
		p.held.Write(rest)
		p.line = true
		close(p.seen)
	}
	return len(data), p.endLine()
}

// cut finds the question in the held output.
func (p *prompt) cut() (before, after []byte, found bool) {
	for _, text := range p.texts {
		if before, after, found = bytes.Cut(p.held.Bytes(), []byte(text)); found {
			return before, after, true
		}
	}
	return nil, nil, false
}

func longest(texts []string) int {
	n := 0
	for _, text := range texts {
		n = max(n, len(text))
	}
	return n
}

// endLine drops the line break that psql writes after it reads the password.
func (p *prompt) endLine() error {
	text := p.held.Bytes()
	trimmed := bytes.TrimPrefix(text, []byte("\r"))
	if len(trimmed) == 0 {
		return nil
	}
	p.done = true
	_, err := p.to.Write(bytes.TrimPrefix(trimmed, []byte("\n")))
	return err
}

// release forwards the first n held bytes, which cannot be part of the question.
func (p *prompt) release(n int) error {
	if n <= 0 {
		return nil
	}
	_, err := p.to.Write(p.held.Next(n))
	return err
}

// end forwards the held output and ends the input.
func (p *prompt) end() {
	p.once.Do(func() { close(p.over) })
	if !p.done && p.to != nil {
		_ = p.release(p.held.Len()) // psql has ended: its exit status matters more than this error
	}
}
