package controller

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/server"
	"github.com/cyan-cd/cyan/internal/source"
)

// flaky is an API server that cannot be reached the first time that it is asked for a list.
type flaky struct {
	client.Reader
	asked int
}

func (f *flaky) List(context.Context, client.ObjectList, ...client.ListOption) error {
	if f.asked++; f.asked == 1 {
		return errors.New("connection refused")
	}
	return nil
}

// A delivery counts as heard once it was: a host that sends it again after an error is not taken for one that repeats
// itself. What was heard is not heard again.
func TestADeliveryCountsOnceItWasHeard(t *testing.T) {
	for name, header := range map[string]http.Header{
		"with a name":    {"X-Github-Event": {"push"}, "X-Github-Delivery": {"1"}},
		"without a name": {"X-Github-Event": {"push"}},
	} {
		t.Run(name, func(t *testing.T) {
			reader := &flaky{}
			standby := &notices{apps: reader, elected: make(chan struct{}), log: slog.New(slog.DiscardHandler)}
			seen := lru.New(10)
			send := func() error {
				hook, err := source.OpenWebhook(header, source.WebhookSecrets{})
				if err != nil {
					t.Fatal(err)
				}
				_, err = (&push{Webhook: hook, seen: seen, heard: standby}).Push([]byte(`{"repository":{"clone_url":"https://git.example/team/shop"}}`))
				return err
			}
			if err := send(); !errors.Is(err, server.ErrUnavailable) {
				t.Errorf("while the API server is away: got %v, want one that has the host send it again", err)
			}
			for range 2 {
				if err := send(); err != nil {
					t.Errorf("sent again: %v", err)
				}
			}
			want := 2
			if header.Get("X-Github-Delivery") == "" {
				want = 3
			}
			if reader.asked != want {
				t.Errorf("heard %d times, want %d", reader.asked, want)
			}
		})
	}
}
