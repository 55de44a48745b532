// Package faultproxy is a proxy between a program and an API server. It records every request and stream, and a test can disturb each
// of them: before the server gets it, in the middle of a stream, or after the server has acted.
package faultproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Proxy listens on the loopback address and speaks plain HTTP to its clients. It adds the credentials for the API server itself.
type Proxy struct {
	server  *httptest.Server
	disturb func(Exchange) Fault
	mu      sync.Mutex
	seen    []*Exchange
}

// Start starts a proxy to the API server of config. It calls disturb for each exchange when its request arrives, from many goroutines,
// and applies the fault that disturb returns. An error means that config is not usable.
func Start(config *rest.Config, disturb func(Exchange) Fault) (*Proxy, error) {
	upgradable := rest.CopyConfig(config)
	upgradable.NextProtos = []string{"http/1.1"} // HTTP/2 has no upgrades
	transport, err := rest.TransportFor(upgradable)
	if err != nil {
		return nil, fmt.Errorf("make a transport to %s: %w", config.Host, err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		return nil, fmt.Errorf("read the address of the API server: %w", err)
	}
	p := &Proxy{disturb: disturb}
	p.server = httptest.NewServer(p.handler(&httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:      transport,
		FlushInterval:  -1,
		ModifyResponse: answered,
		ErrorHandler:   failed,
		ErrorLog:       log.New(io.Discard, "", 0), // faults are intended
	}))
	return p, nil
}

// Close ends the proxy. Its clients must have ended before.
func (p *Proxy) Close() { p.server.Close() }

// WriteKubeconfig writes a kubeconfig of the proxy to a file. It contains no credentials.
func (p *Proxy) WriteKubeconfig(file string) error {
	const name = "faultproxy"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: p.server.URL}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		return fmt.Errorf("write the kubeconfig of the proxy: %w", err)
	}
	return nil
}

// Exchanges returns the exchanges so far, in the order in which their requests arrived.
func (p *Proxy) Exchanges() []Exchange {
	p.mu.Lock()
	defer p.mu.Unlock()
	var copies []Exchange
	for _, e := range p.seen {
		copies = append(copies, *e)
	}
	return copies
}

// record adds the exchange of a request.
func (p *Proxy) record(r *http.Request) *Exchange {
	e := exchangeOf(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, earlier := range p.seen {
		if earlier.Request == e.Request {
			e.Nth++
		}
	}
	p.seen = append(slices.Clip(p.seen), e)
	return e
}

// update changes a recorded exchange.
func (p *Proxy) update(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// passage is an exchange that the proxy forwards.
type passage struct {
	proxy    *Proxy
	exchange *Exchange
	fault    Fault
	stopped  sync.Once
}

// stop makes the exchange wait, if its fault requires it.
func (pass *passage) stop(m Moment) {
	if pass.fault.stops(m) {
		pass.stopped.Do(pass.fault.call)
	}
}

type passageKey struct{}

func (p *Proxy) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := p.record(r)
		pass := &passage{proxy: p, exchange: e, fault: p.disturb(*e)}
		if pass.fault.strikes(Before) {
			// The server detects the end of the client only after it has read the body.
			_, _ = io.Copy(io.Discard, r.Body)
			pass.fault.answer(w, r)
			return
		}
		pass.stop(Before)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), passageKey{}, pass)))
	})
}

// errStruck ends an answer or a stream that a fault disturbs.
var errStruck = errors.New("struck by a fault of the test")

// answered gets the API server's answer before the client does.
func answered(response *http.Response) error {
	pass, ok := response.Request.Context().Value(passageKey{}).(*passage)
	if !ok {
		return errors.New("a request came from nowhere")
	}
	if response.StatusCode == http.StatusSwitchingProtocols {
		return pass.intercept(response)
	}
	pass.stop(After)
	if !pass.fault.strikes(After) {
		return nil
	}
	if response.Request.URL.Query().Has("watch") {
		return errStruck // the answer does not end
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	return errStruck
}

// failed answers instead of the API server.
func failed(w http.ResponseWriter, r *http.Request, err error) {
	pass, ok := r.Context().Value(passageKey{}).(*passage)
	if ok && errors.Is(err, errStruck) {
		pass.fault.answer(w, r)
		return
	}
	http.Error(w, err.Error(), http.StatusBadGateway)
}
