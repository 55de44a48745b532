package podexec

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

// Remote is the Executor that speaks to a cluster's API server. Many Execs may run at once.
type Remote struct {
	config    *rest.Config
	client    rest.Interface
	transport Transport
}

// Option changes how a Remote works.
type Option func(*Remote)

// WithTransport makes a Remote use t; without it, it is Auto.
func WithTransport(t Transport) Option {
	return func(r *Remote) { r.transport = t }
}

// New returns a Remote for the API server of config, reached as all other requests are.
// It sends nothing; an error means that config cannot be used.
func New(config *rest.Config, options ...Option) (*Remote, error) {
	client, err := typedcorev1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to run commands in pods: %w", err)
	}
	r := &Remote{config: rest.CopyConfig(config), client: client.RESTClient()}
	for _, option := range options {
		option(r)
	}
	return r, nil
}

// Exec implements Executor.
func (r *Remote) Exec(ctx context.Context, c Container, argv []string, s Streams) error {
	if len(argv) == 0 {
		return errors.New("no command given to run in " + c.String())
	}
	var borrowed loan
	defer borrowed.end()
	call := r.call(c, argv, s.options(&borrowed))
	// client-go waits for the answer to an upgrade however long it takes, whatever ctx says.
	done := make(chan error, 1)
	go func() { done <- r.transport.run(ctx, call) }()
	var err error
	select {
	case err = <-done:
		if end := ended(ctx); err != nil && end != nil {
			err = end
		}
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("running %s in %s: %w", argv[0], c, err)
	}
	return nil
}

// ended is ctx.Err, but does not wait for ctx's own timer: a connection with the same deadline may time out before it.
func ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// call prepares the request for argv in c.
func (r *Remote) call(c Container, argv []string, streams remotecommand.StreamOptions) call {
	request := r.client.Post().Resource("pods").Namespace(c.Namespace).Name(c.Pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: c.Name,
			Command:   argv,
			Stdin:     streams.Stdin != nil,
			Stdout:    true,
			Stderr:    streams.Stderr != nil,
			TTY:       streams.Tty,
		}, scheme.ParameterCodec)
	return call{config: r.config, url: *request.URL(), program: argv[0], streams: streams}
}

// options are the streams as client-go takes them.
func (s Streams) options(borrowed *loan) remotecommand.StreamOptions {
	options := remotecommand.StreamOptions{Stdin: borrowed.reader(s.Stdin), Stdout: borrowed.writer(s.Stdout)}
	if s.Terminal == nil {
		options.Stderr = borrowed.writer(s.Stderr)
		return options
	}
	options.Tty, options.TerminalSizeQueue = true, s.Terminal
	return options
}
