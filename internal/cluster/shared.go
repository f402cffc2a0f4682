package cluster

import (
	"net/http"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// Shared is what all clients of a cluster ask it over. Clients that are made of a configuration have connections of
// their own each where the configuration says how to connect, and there may be a thousand users.
type Shared struct {
	config *rest.Config
	over   http.RoundTripper
}

// Share returns what clients of a cluster may share; nothing is connected to yet.
func Share(config *rest.Config) (Shared, error) {
	config = rest.CopyConfig(config)
	if config.UserAgent == "" {
		config.UserAgent = rest.DefaultKubernetesUserAgent()
	}
	over, err := rest.TransportFor(config)
	return Shared{config: config, over: over}, err
}

// As returns what clients of a user are made of, for whom the program stands in, or of the program itself for "". The
// HTTP client is bounded by the configuration's timeout.
func (s Shared) As(user string) (*rest.Config, *http.Client) { return s.with(user, s.config.Timeout) }

// Streaming returns what clients are made of whose answers go on without an end.
func (s Shared) Streaming() (*rest.Config, *http.Client) { return s.with("", 0) }

func (s Shared) with(user string, timeout time.Duration) (*rest.Config, *http.Client) {
	config := rest.CopyConfig(s.config)
	config.Timeout = timeout
	over := s.over
	if user != "" {
		config.Impersonate = rest.ImpersonationConfig{UserName: user}
		over = transport.NewImpersonatingRoundTripper(transport.ImpersonationConfig{UserName: user}, over)
	}
	return config, &http.Client{Transport: over, Timeout: timeout}
}
