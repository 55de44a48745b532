package harness

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Proxy forwards requests to the API server with the permissions of the kubeconfig. It records them and can hold one of them back.
type Proxy struct {
	// Kubeconfig is the path of a kubeconfig with the address of the proxy, for Command.As.
	Kubeconfig string

	server  *httptest.Server
	forward *httputil.ReverseProxy
	hold    func(*http.Request) bool
	after   bool
	held    chan struct{}
	release chan struct{}

	mutex    sync.Mutex
	requests []string
}

// NewProxy starts a proxy on the loopback address, with its kubeconfig in dir; the caller must Close it.
func (h *Harness) NewProxy(dir string) (*Proxy, error) {
	config, err := clientcmd.BuildConfigFromFlags("", h.config.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig %s: %w", h.config.Kubeconfig, err)
	}
	tls, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig %s: %w", h.config.Kubeconfig, err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		return nil, fmt.Errorf("read the address of the API server: %w", err)
	}
	p := &Proxy{held: make(chan struct{}), release: make(chan struct{}), Kubeconfig: filepath.Join(dir, "proxy.kubeconfig")}
	// An exec upgrades the connection, which only HTTP/1.1 allows.
	p.forward = &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{TLSClientConfig: tls},
	}
	p.server = httptest.NewServer(p)
	cluster := clientcmdapi.NewConfig()
	cluster.Clusters["proxy"] = &clientcmdapi.Cluster{Server: p.server.URL}
	cluster.Contexts["proxy"] = &clientcmdapi.Context{Cluster: "proxy"}
	cluster.CurrentContext = "proxy"
	if err := clientcmd.WriteToFile(*cluster, p.Kubeconfig); err != nil {
		p.Close()
		return nil, fmt.Errorf("write the proxy's kubeconfig: %w", err)
	}
	return p, nil
}

// Hold makes the proxy hold the first request that matches or, with after, its answer.
// An upgrade is held only before it is sent. Call Hold before the first request.
func (p *Proxy) Hold(matches func(*http.Request) bool, after bool) {
	p.hold, p.after = matches, after
}

// WaitHeld waits until the request is held back.
func (p *Proxy) WaitHeld(ctx context.Context) error {
	select {
	case <-p.held:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("no request came that was to be held back: %w", context.Cause(ctx))
	}
}

// Release forwards the held request, and all later ones.
func (p *Proxy) Release() { close(p.release) }

// Requests lists the requests in their order: method, path and query.
func (p *Proxy) Requests() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return append([]string(nil), p.requests...)
}

// Close ends the proxy. Held requests must have been released.
func (p *Proxy) Close() {
	p.server.CloseClientConnections()
	p.server.Close()
}

// ServeHTTP forwards one request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.note(r) {
		p.forward.ServeHTTP(w, r)
		return
	}
	if !p.after {
		p.wait()
	}
	if r.Header.Get("Upgrade") != "" {
		p.forward.ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	// As on a slow network, the request reaches the API server even if the client is gone.
	p.forward.ServeHTTP(answer, r.WithContext(context.WithoutCancel(r.Context())))
	if p.after {
		p.wait()
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (p *Proxy) wait() {
	close(p.held)
	<-p.release
}

// note records a request, and returns whether it is the one to hold.
func (p *Proxy) note(r *http.Request) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.requests = append(p.requests, r.Method+" "+r.URL.RequestURI())
	if p.hold == nil || !p.hold(r) {
		return false
	}
	p.hold = nil
	return true
}
