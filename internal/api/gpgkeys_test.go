package api

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/settings"
)

// The public keys of those who sign are added, found by any spelling of their name, and removed.
func TestGPGKeys(t *testing.T) {
	w := newWorld(t)
	armored, err := os.ReadFile("../source/testdata/keys/two.asc")
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{"keyData": string(armored)})
	if err != nil {
		t.Fatal(err)
	}
	const all = "/api/v1/gpgkeys"
	w.run(t, steps{
		{"none", "reader", http.MethodGet, all, "", 200, `"items":[]`},
		{"by who may only read", "reader", http.MethodPost, all, string(body), 403, "permission denied"},
		{"what is sent is not read for everybody", "reader", http.MethodPost, all, `{"keyData":"x"}`, 403, "permission denied"},
		{"no key", "admin", http.MethodPost, all, `{"keyData":"x"}`, 400, "keyData: no public key found"},
		{"added", "admin", http.MethodPost, all, string(body), 200, `"subType":"ed25519"`},
		{"added again", "admin", http.MethodPost, all + "?upsert=true", string(body), 200, `"skipped":[]`},
		{"listed", "reader", http.MethodGet, all, "", 200, `"keyID":"D257C82D0ECAE63A"`},
		{"one of them", "reader", http.MethodGet, all + "?keyID=0AD41D13CA30D0F3", "", 200, `{"items":[{"fingerprint":"F14567ACE299476FC151C0F00AD41D13CA30D0F3","keyID":"0AD41D13CA30D0F3","owner":"Ada ed25519 \u003cada-ed25519@example.com\u003e","subType":"ed25519"}]}`},
		{"not listed to who may not see them", "nobody", http.MethodGet, all, "", 200, `"items":[]`},
		{"got", "reader", http.MethodGet, all + "/0ad41d13ca30d0f3", "", 200, "BEGIN PGP PUBLIC KEY BLOCK"},
		{"by its fingerprint", "reader", http.MethodGet, all + "/F14567ACE299476FC151C0F00AD41D13CA30D0F3", "", 200, `"keyID":"0AD41D13CA30D0F3"`},
		{"hidden", "nobody", http.MethodGet, all + "/0AD41D13CA30D0F3", "", 403, "permission denied"},
		{"missing", "reader", http.MethodGet, all + "/AAAA1D13CA30D0F3", "", 404, "not found"},
		{"not removed by who may only read", "reader", http.MethodDelete, all + "?keyID=0AD41D13CA30D0F3", "", 403, "permission denied"},
		{"which one", "admin", http.MethodDelete, all, "", 400, "keyID"},
		{"removed", "admin", http.MethodDelete, all + "?keyID=0AD41D13CA30D0F3", "", 200, ""},
		{"gone", "admin", http.MethodDelete, all + "?keyID=0AD41D13CA30D0F3", "", 404, "not found"},
	})
	// A right to one key is no right to it under another name.
	w.policy("p, shopper, gpgkeys, get, 62106*, allow")
	w.run(t, steps{{"by a name that a rule happens to fit", "shopper", http.MethodGet, all + "/62106A91E9ED9FE1FE5C0C95D257C82D0ECAE63A", "", 403, "permission denied"}})
	kept := &corev1.ConfigMap{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: control, Name: settings.GPGKeysName}, kept); err != nil || len(kept.Data) != 1 || kept.Labels["app.kubernetes.io/part-of"] != "argocd" {
		t.Errorf("kept: %v %v %v", kept.Labels, kept.Data, err)
	}
}
