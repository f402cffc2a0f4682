package application

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/render/sops"
)

// The age keys of the server are in this Secret of its namespace, under names that end so.
const (
	keysSecret = "sops-age"
	keysSuffix = ".agekey"
)

// keysAge is how old what is known of the keys may be.
const keysAge = 30 * time.Second

// keyring has the keys that open files encrypted with SOPS: those that the server was started with, and those of the
// Secret.
type keyring struct {
	started   sops.Keys
	reader    client.Reader
	namespace string
	now       func() time.Time
	log       *slog.Logger

	mu     sync.Mutex
	readAt time.Time
	read   sops.Keys
}

// current returns the keys. While the Secret cannot be read, they are those of before.
func (k *keyring) current(ctx context.Context) sops.Keys {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.now(); k.readAt.IsZero() || now.Sub(k.readAt) >= keysAge {
		k.readAt = now
		keys, err := k.readSecret(ctx)
		if err != nil {
			k.log.Error("reading the age keys", "secret", k.namespace+"/"+keysSecret, "error", err)
		} else {
			k.read = keys
		}
	}
	return k.started.With(k.read)
}

func (k *keyring) readSecret(ctx context.Context) (sops.Keys, error) {
	var secret corev1.Secret
	err := k.reader.Get(ctx, types.NamespacedName{Namespace: k.namespace, Name: keysSecret}, &secret)
	if apierrors.IsNotFound(err) {
		return sops.Keys{}, nil
	} else if err != nil {
		return sops.Keys{}, err
	}
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(secret.Data)) {
		if strings.HasSuffix(name, keysSuffix) {
			texts = append(texts, string(secret.Data[name]))
		}
	}
	return sops.ParseKeys(texts...)
}
