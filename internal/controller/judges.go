package controller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/health"
	"github.com/cyan-cd/cyan/internal/settings"
)

// judges knows the health scripts of ConfigMap argocd-cm, for objects below those that Applications manage.
type judges struct {
	reader    client.Reader
	namespace string

	mu sync.Mutex
	// of is the ConfigMap that the judge and its name were made of.
	of    string
	judge health.Judge
	name  string
}

// current returns the judge by the scripts as they are now, and a name that changes when they do: nil and "" where
// there are none.
func (j *judges) current(ctx context.Context) (health.Judge, string, error) {
	found := &corev1.ConfigMap{}
	if err := j.reader.Get(ctx, client.ObjectKey{Namespace: j.namespace, Name: settings.ConfigName}, found, client.UnsafeDisableDeepCopy); client.IgnoreNotFound(err) != nil {
		return nil, "", fmt.Errorf("reading ConfigMap %s: %w", settings.ConfigName, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if of := string(found.UID) + "/" + found.ResourceVersion; of != j.of {
		written, _ := settings.Parse(map[string]map[string]string{settings.ConfigName: found.Data})
		if name := scriptsOf(written); name != j.name {
			j.name, j.judge = name, written.Judge()
		}
		j.of = of
	}
	return j.judge, j.name, nil
}

// scriptsOf names the health scripts of settings; "" for none.
func scriptsOf(s settings.Settings) string {
	sum, some := sha256.New(), false
	for _, c := range s.Customizations {
		if c.HealthLua != "" {
			fmt.Fprintf(sum, "%q %q %q %v\n", c.Group, c.Kind, c.HealthLua, c.UseOpenLibs)
			some = true
		}
	}
	if !some {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil)[:12])
}
