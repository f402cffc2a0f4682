package renderers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/sops"
)

func sopsFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "sops", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Encrypted files are opened wherever they are read, and a rendering without the key is not taken for one with it.
func TestEncryptedFiles(t *testing.T) {
	keys, err := sops.ParseKeys(sopsFile(t, "key.txt"))
	if err != nil {
		t.Fatal(err)
	}
	cached := render.Cached(Render, 10, 1<<30)
	secret := sopsFile(t, "secret.yaml")
	for name, files := range map[string]map[string]string{
		"of a directory":     {"app/s.yaml": secret},
		"of a kustomization": {"app/kustomization.yaml": "resources: [s.yaml]\n", "app/s.yaml": secret},
		"of a generator":     {"app/kustomization.yaml": "secretGenerator: [{name: s, files: [s.yaml]}]\n", "app/s.yaml": secret},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cached(mapFS(files), v1alpha1.ApplicationSource{Path: "app"}, render.Options{})
			if !render.IsRefusal(err) || !strings.Contains(err.Error(), "app/s.yaml: encrypted with SOPS; age key not found; give it in SOPS_AGE_KEY_FILE") {
				t.Errorf("without a key: got %v", err)
			}
			result, err := cached(mapFS(files), v1alpha1.ApplicationSource{Path: "app"}, render.Options{Keys: keys})
			if err != nil {
				t.Fatal(err)
			}
			data, err := render.Encode(result.Objects)
			if err != nil {
				t.Fatal(err)
			}
			if text := string(data); strings.Contains(text, "ENC[") || strings.Contains(text, "sops:") || !strings.Contains(text, "kind: Secret") {
				t.Errorf("got\n%s", text)
			}
		})
	}
}
