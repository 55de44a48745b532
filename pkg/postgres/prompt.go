package postgres

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// prompt answers psql's question for the password. On a terminal psql turns the echo off before it asks, so the answer must wait for
// the question: sent earlier, the terminal would show it.
type prompt struct {
	texts []string      // the forms of the question; which one it is depends on psql's version
	seen  chan struct{} // closed when psql has asked
	over  chan struct{} // closed when psql has ended

	once sync.Once
	held bytes.Buffer // what may be the beginning of the question
	to   io.Writer
	line bool // the end of the question's line is still to come
	done bool
}

func newPrompt(texts ...string) *prompt {
	return &prompt{texts: texts, seen: make(chan struct{}), over: make(chan struct{})}
}

// input is the password and then the caller's input.
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

// afterwards is an empty input that ends when psql has asked, or never will.
type afterwards struct{ prompt *prompt }

func (a *afterwards) Read([]byte) (int, error) {
	select {
	case <-a.prompt.seen:
		return 0, io.EOF
	case <-a.prompt.over:
		return 0, io.ErrClosedPipe
	}
}

// output passes on what psql writes, without its question.
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

// cut looks for the question in what is held.
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

// endLine drops the end of the line that psql writes when it has the answer.
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

// release passes on the first n bytes of what is held, which cannot be part of the question any more.
func (p *prompt) release(n int) error {
	if n <= 0 {
		return nil
	}
	_, err := p.to.Write(p.held.Next(n))
	return err
}

// end passes on what is held and lets go of the input.
func (p *prompt) end() {
	p.once.Do(func() { close(p.over) })
	if !p.done && p.to != nil {
		_ = p.release(p.held.Len()) // psql has ended, and its status tells more than this
	}
}
