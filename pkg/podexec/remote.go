package podexec

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

// Remote is the Executor for a cluster's API server. Execs can run in parallel.
type Remote struct {
	config    *rest.Config
	client    rest.Interface
	transport Transport
}

// Option changes how a Remote works.
type Option func(*Remote)

// WithTransport selects the transport. The default is Auto.
func WithTransport(t Transport) Option {
	return func(r *Remote) { r.transport = t }
}

// New returns a Remote for the API server of config. It uses config as all other requests do, and sends nothing.
// It fails if config is not valid.
func New(config *rest.Config, options ...Option) (*Remote, error) {
	client, err := typedcorev1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("prepare to run commands in Pods: %w", err)
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
		return fmt.Errorf("no command to run in %s", c)
	}
	var streams detachable
	defer streams.detach()
	call := r.call(c, argv, s.options(&streams))
	// client-go waits for the answer to an upgrade even if ctx has ended.
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
		return fmt.Errorf("run %s in %s: %w", argv[0], c, err)
	}
	return nil
}

// ended returns ctx.Err. It does not wait for ctx's own timer, because a connection with the same deadline can time out first.
func ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// call returns the request that runs argv in c.
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

// options returns the streams in the form that client-go takes.
func (s Streams) options(d *detachable) remotecommand.StreamOptions {
	options := remotecommand.StreamOptions{Stdin: d.reader(s.Stdin), Stdout: d.writer(s.Stdout)}
	if s.Terminal == nil {
		options.Stderr = d.writer(s.Stderr)
		return options
	}
	options.Tty, options.TerminalSizeQueue = true, s.Terminal
	return options
}
