package podexec_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// sizes is a queue of terminal sizes that ends.
type sizes []remotecommand.TerminalSize

func (s *sizes) Next() *remotecommand.TerminalSize {
	if len(*s) == 0 {
		return nil
	}
	next := (*s)[0]
	*s = (*s)[1:]
	return &next
}

func TestExec_Terminal(t *testing.T) {
	for name, transport := range transports {
		t.Run(name, func(t *testing.T) {
			var server *server
			server = newServer(t, func(argv []string, stdin io.Reader, stdout, _ io.Writer) error {
				// What is typed may come before a size, and holds up what comes after it until it is read.
				typed := make(chan string, 1)
				go func() {
					line, _ := bufio.NewReader(stdin).ReadString('\n')
					typed <- line
				}()
				decoder := json.NewDecoder(<-server.resizes)
				for range 2 {
					var size remotecommand.TerminalSize
					if err := decoder.Decode(&size); err != nil {
						return err
					}
					_, _ = fmt.Fprintf(stdout, "%dx%d ", size.Width, size.Height)
				}
				_, _ = fmt.Fprintf(stdout, "%q %s", argv, <-typed)
				return nil
			})
			var stdout bytes.Buffer
			err := newRemote(t, server.URL, podexec.WithTransport(transport)).Exec(t.Context(), database, []string{"psql"}, podexec.Streams{
				Stdin: strings.NewReader("typed\n"), Stdout: &stdout, Terminal: &sizes{{Width: 80, Height: 24}, {Width: 100, Height: 30}},
			})
			require.NoError(t, err)
			assert.Equal(t, "80x24 100x30 [\"psql\"] typed\n", stdout.String())
		})
	}
}
