package live_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/live"
)

// What opens a registered cluster is in no line of the log and in no error, whatever goes wrong with it: it is away, it
// is behind a proxy that is away, or its Secret can't be used.
func TestCredentialsOfAClusterThatCannotBeReached(t *testing.T) {
	const secret = "hunter2"
	for name, c := range map[string]struct{ server, config string }{
		"a token":                    {"https://127.0.0.1:1", `{"bearerToken":"hunter2"}`},
		"a password":                 {"https://127.0.0.1:1", `{"username":"hunter2","password":"hunter2"}`},
		"a token for a proxy":        {"https://127.0.0.1:1", `{"bearerToken":"hunter2","proxyUrl":"http://hunter2:hunter2@127.0.0.1:1"}`},
		"a proxy that is no URL":     {"https://127.0.0.1:1", `{"bearerToken":"hunter2","proxyUrl":"http://hunter2:%zz@127.0.0.1:1"}`},
		"a key that is none":         {"https://127.0.0.1:1", `{"tlsClientConfig":{"certData":"aHVudGVyMg==","keyData":"aHVudGVyMg=="}}`},
		"a token with a line break":  {"https://127.0.0.1:1", `{"bearerToken":"hunter2\nx"}`},
		"config that is broken off":  {"https://127.0.0.1:1", `{"bearerToken":"hunter2"`},
		"config of another type":     {"https://127.0.0.1:1", `{"bearerToken":{"hunter2":"hunter2"}}`},
		"a password in the address":  {"https://hunter2:hunter2@127.0.0.1:1", `{}`},
		"an address that is no URL":  {"https://hunter2:%zz@127.0.0.1:1", `{}`},
		"a token that an array is":   {"https://127.0.0.1:1", `[{"bearerToken":"hunter2"}]`},
		"a token under another name": {"https://127.0.0.1:1", `{"bearerToken":"x","password":5,"hint":"hunter2"}`},
	} {
		var log bytes.Buffer
		registry := live.NewRegistry(t.Context(), &rest.Config{Host: "https://127.0.0.1:1"}, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), func(string) {})
		registry.Update([]*corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "far"}, Data: map[string][]byte{"name": []byte("far"), "server": []byte(c.server), "config": []byte(c.config)}}})
		told := []string{}
		known, err := registry.For(v1alpha1.ApplicationDestination{Name: "far"})
		told = append(told, fmt.Sprintf("%v %+v", err, err))
		if err == nil {
			_, first := known.Kinds(t.Context(), nil)
			_, snapshot := known.Snapshot(t.Context(), live.Wanted{Instance: "shop"})
			if first == nil || snapshot == nil {
				t.Errorf("%s: the cluster was reached", name)
			}
			told = append(told, fmt.Sprintf("%v %+v %v %+v %v", first, first, snapshot, snapshot, known.Away()))
		}
		told = append(told, fmt.Sprintf("%+v", registry.States()), log.String())
		for _, text := range told {
			if strings.Contains(strings.ReplaceAll(text, "aHVudGVyMg", secret), secret) {
				t.Errorf("%s: shown in %s", name, text)
			}
		}
	}
}
