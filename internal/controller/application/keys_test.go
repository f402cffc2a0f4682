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

// secretReader reads the Secret of all projects, those of some by their names, or an error.
type secretReader struct {
	client.Reader
	data  map[string][]byte
	of    map[string]map[string][]byte
	err   error
	reads int
}

func (s *secretReader) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	s.reads++
	if s.err != nil {
		return s.err
	}
	data, there := s.of[key.Name]
	if key.Name == keysSecret {
		data, there = s.data, true
	}
	if key.Namespace != "argocd" || !there {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
	}
	into.(*corev1.Secret).Data = data
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
		if got := ring.current(t.Context(), "team"); got.Fingerprint() != want.Fingerprint() || reader.reads != 2*reads {
			t.Errorf("%s: got %q after %d reads, want %q after %d", what, got.Fingerprint(), reader.reads, want.Fingerprint(), 2*reads)
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

// The keys of a project open nothing for another one.
func TestKeysOfProjects(t *testing.T) {
	text := map[string]string{}
	parse := func(names ...string) string {
		var keys sops.Keys
		for _, name := range names {
			read, err := sops.ParseKeys(text[name])
			if err != nil {
				t.Fatal(err)
			}
			keys = keys.With(read)
		}
		return keys.Fingerprint()
	}
	for _, name := range []string{"all", "blog", "shop"} {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		text[name] = id.String()
	}
	secret := func(name string) map[string][]byte { return map[string][]byte{"x.agekey": []byte(text[name])} }
	now := time.Unix(0, 0)
	reader := &secretReader{data: secret("all"), of: map[string]map[string][]byte{"sops-age.blog": secret("blog"), "sops-age.shop": secret("shop")}}
	ring := &keyring{reader: reader, namespace: "argocd", now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler)}
	for project, want := range map[string]string{"blog": parse("all", "blog"), "shop": parse("all", "shop"), "default": parse("all"), "": parse("all")} {
		if got := ring.current(t.Context(), project).Fingerprint(); got != want {
			t.Errorf("project %q: got keys %s, want %s", project, got, want)
		}
	}
	reader.err = errors.New("away")
	now = now.Add(keysAge)
	if got := ring.current(t.Context(), "blog").Fingerprint(); got != parse("all", "blog") {
		t.Error("while the API server is away the keys of blog are forgotten")
	}
	reader.err = nil
	if now = now.Add(keysKept); ring.current(t.Context(), "shop").Fingerprint() != parse("all", "shop") || len(ring.read) != 2 {
		t.Errorf("after an hour %d Secrets are remembered, want those that are asked for", len(ring.read))
	}
}
