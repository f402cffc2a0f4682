package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/settings"
)

// configuration is a ConfigMap with what becomes of its keys.
type configuration struct {
	Name  string             `json:"name"`
	Found bool               `json:"found"`
	Keys  []settings.Written `json:"keys"`
}

type inForceAnswer struct {
	Body struct {
		Version    string          `json:"version"`
		Kubernetes string          `json:"kubernetes,omitempty" doc:"the version of the cluster"`
		Home       string          `json:"home" doc:"the control namespace"`
		Maps       []configuration `json:"maps"`
		Doctor     []diagnosis     `json:"doctor" doc:"what the checks of the installation have found in the last minute"`
	}
}

// configurations is the call that shows what of the installation's ConfigMaps is in force.
type configurations struct {
	*service
	examined *examined
}

func (s configurations) register() {
	register(s.service, huma.Operation{OperationID: "viewSettings", Method: http.MethodGet, Path: "/api/v1/view/settings", Summary: "What of the installation's ConfigMaps is in force, for who may change accounts", Tags: viewTags}, s.get)
}

func (s configurations) get(ctx context.Context, c *caller, _ *struct{}) (*inForceAnswer, error) {
	// Whoever may set passwords may log in as whoever may see these.
	if err := c.allow(accountRequest(access.Update, "*")); err != nil {
		return nil, err
	}
	out := &inForceAnswer{}
	examination := s.examined.current(ctx, s.service)
	out.Body.Version, out.Body.Home, out.Body.Kubernetes, out.Body.Doctor = s.Version, s.Namespace, examination.kubernetes, examination.found
	for _, name := range settings.ConfigMapNames {
		written := &corev1.ConfigMap{}
		err := s.Config.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: name}, written)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading ConfigMap %s: %w", name, err)
		}
		out.Body.Maps = append(out.Body.Maps, configuration{name, err == nil, settings.KeysOf(name, written.Data)})
	}
	return out, nil
}
