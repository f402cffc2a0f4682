package pki

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// Kubeconfig is where a client finds the API server, and who it says it is.
type Kubeconfig struct {
	// Context is the name that the cluster, the user and the context have in the file.
	Context string
	// Server is the URL of the API server.
	Server  string
	Subject Subject
}

// WriteKubeconfig issues a client certificate and writes a kubeconfig with everything inside, readable by its owner
// only.
func (a *Authority) WriteKubeconfig(file string, k Kubeconfig) error {
	der, key, err := a.issue(k.Subject)
	if err != nil {
		return fmt.Errorf("issuing the certificate of %s: %w", k.Subject.Name, err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("encoding the key of %s: %w", k.Subject.Name, err)
	}
	config := map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": k.Context,
		"clusters": []any{map[string]any{"name": k.Context, "cluster": map[string]any{
			"server": k.Server, "certificate-authority-data": a.Certificate(),
		}}},
		"users": []any{map[string]any{"name": k.Context, "user": map[string]any{
			"client-certificate-data": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			"client-key-data":         pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}),
		}}},
		"contexts": []any{map[string]any{"name": k.Context, "context": map[string]any{"cluster": k.Context, "user": k.Context}}},
	}
	data, err := json.MarshalIndent(config, "", "  ") // JSON is YAML
	if err != nil {
		return fmt.Errorf("encoding the kubeconfig of %s: %w", k.Subject.Name, err)
	}
	return state.WriteFile(file, append(data, '\n'), 0o600)
}
