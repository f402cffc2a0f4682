package application

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"filippo.io/age"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/render/sops"
)

// secretReader reads one Secret, or an error.
type secretReader struct {
	client.Reader
	data  map[string][]byte
	err   error
	reads int
}

func (s *secretReader) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	s.reads++
	if s.err != nil {
		return s.err
	}
	if key.Namespace != "argocd" || key.Name != keysSecret {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
	}
	into.(*corev1.Secret).Data = s.data
	return nil
}

func TestKeyring(t *testing.T) {
	newKey := func() string {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		return id.String()
	}
	parse := func(text ...string) sops.Keys {
		keys, err := sops.ParseKeys(text...)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	a, b, c := newKey(), newKey(), newKey()
	reader := &secretReader{data: map[string][]byte{"b.agekey": []byte(b), "notes": []byte("no key")}}
	now := time.Unix(0, 0)
	ring := &keyring{started: parse(a), reader: reader, namespace: "argocd", now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler)}
	check := func(what string, want sops.Keys, reads int) {
		t.Helper()
		if got := ring.current(t.Context()); got.Fingerprint() != want.Fingerprint() || reader.reads != reads {
			t.Errorf("%s: got %q after %d reads, want %q after %d", what, got.Fingerprint(), reader.reads, want.Fingerprint(), reads)
		}
	}
	check("at first", parse(a).With(parse(b)), 1)
	reader.data = map[string][]byte{"b.agekey": []byte(b), "c.agekey": []byte(c)}
	check("soon after", parse(a).With(parse(b)), 1)
	now = now.Add(keysAge)
	check("later", parse(a).With(parse(b, c)), 2)
	now = now.Add(keysAge)
	reader.err = errors.New("away")
	check("while the API server is away", parse(a).With(parse(b, c)), 3)
	now = now.Add(keysAge)
	reader.err = apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, keysSecret)
	check("without the Secret", parse(a), 4)
}
