package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/server"
	"github.com/cyan-cd/cyan/internal/source"
)

// maxDeliveries is how many deliveries of webhooks are remembered, so that one that is sent again is not one more.
const maxDeliveries = 4096

// push is a webhook that is being read.
type push struct {
	*source.Webhook
	seen  *lru.Cache
	heard *notices
}

// Push has the repositories looked at that a webhook names.
func (p *push) Push(body []byte) ([]string, error) {
	urls, err := p.Repositories(body)
	if err != nil {
		return nil, explained(err)
	}
	id := p.Delivery()
	if _, again := p.seen.Get(id); again {
		return urls, nil
	}
	if err := p.heard.hear(urls); err != nil {
		return nil, fmt.Errorf("%w: %w", server.ErrUnavailable, err)
	}
	if id != "" {
		// Only what was heard need not be heard again.
		p.seen.Add(id, nil)
	}
	return urls, nil
}

// explained is err as the server knows it.
func explained(err error) error {
	if errors.Is(err, source.ErrUnauthenticated) {
		return fmt.Errorf("%w: %w", server.ErrUnauthenticated, err)
	}
	return err
}

// webhookSecretsName is the Secret that existing installations keep the secrets of webhooks in.
const webhookSecretsName = "argocd-secret"

// webhookSecrets are read when a webhook comes, and no more than once in a while, whatever number comes. Without the
// Secret, every host is believed.
type webhookSecrets struct {
	from      client.Reader
	namespace string

	mu      sync.Mutex
	at      time.Time
	current source.WebhookSecrets
}

// secretsFor is how long the secrets of webhooks are taken to be what they were.
const secretsFor = 2 * time.Second

func (w *webhookSecrets) read() (source.WebhookSecrets, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.at.IsZero() && time.Since(w.at) < secretsFor {
		return w.current, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	secret := &corev1.Secret{}
	err := w.from.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: webhookSecretsName}, secret)
	if err != nil && !apierrors.IsNotFound(err) {
		return source.WebhookSecrets{}, fmt.Errorf("reading the secrets of webhooks, Secret %s in namespace %s: %w", webhookSecretsName, w.namespace, err)
	}
	w.current, w.at = source.ReadWebhookSecrets(secret.Data), time.Now()
	return w.current, nil
}
