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

// The age keys of the server are in this Secret of its namespace, under names that end so. Those that serve the
// Applications of one project alone are in a Secret with the project's name behind a dot.
const (
	keysSecret = "sops-age"
	keysSuffix = ".agekey"
)

func keysSecretOf(project string) string { return keysSecret + "." + project }

const (
	// keysAge is how old what is known of the keys may be, while their Secret can be read.
	keysAge = 30 * time.Second
	// keysKept is after how long the keys of a project are dropped that nobody has asked for.
	keysKept = time.Hour
)

// keyring has the keys that open files encrypted with SOPS: those that the server was started with, and those of the
// Secrets. A key of a project opens nothing for the Applications of another, which could have a copy of the file.
type keyring struct {
	started   sops.Keys
	reader    client.Reader
	namespace string
	now       func() time.Time
	log       *slog.Logger

	mu   sync.Mutex
	read map[string]readKeys
}

// readKeys are the keys of a Secret, and when they were read.
type readKeys struct {
	at   time.Time
	keys sops.Keys
}

// current returns the keys for the Applications of a project. While a Secret cannot be read, its keys are those of
// before.
func (k *keyring) current(ctx context.Context, project string) sops.Keys {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.started.With(k.of(ctx, keysSecret)).With(k.of(ctx, keysSecretOf(project)))
}

// of returns the keys of a Secret.
func (k *keyring) of(ctx context.Context, name string) sops.Keys {
	known, now := k.read[name], k.now()
	if !known.at.IsZero() && now.Sub(known.at) < keysAge {
		return known.keys
	}
	keys, err := k.readSecret(ctx, name)
	if err != nil {
		k.log.Error("reading the age keys", "secret", k.namespace+"/"+name, "error", err)
		keys = known.keys
	}
	if k.read == nil {
		k.read = map[string]readKeys{}
	}
	maps.DeleteFunc(k.read, func(_ string, r readKeys) bool { return now.Sub(r.at) >= keysKept })
	k.read[name] = readKeys{now, keys}
	return keys
}

func (k *keyring) readSecret(ctx context.Context, name string) (sops.Keys, error) {
	var secret corev1.Secret
	err := k.reader.Get(ctx, types.NamespacedName{Namespace: k.namespace, Name: name}, &secret)
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
