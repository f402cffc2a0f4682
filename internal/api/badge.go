package api

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
	"github.com/cyan-cd/cyan/internal/settings"
)

type badgeInput struct {
	Name         string   `query:"name" maxLength:"253"`
	Namespace    string   `query:"namespace" maxLength:"63"`
	Project      []string `query:"project,explode" maxItems:"100"`
	Revision     bool     `query:"revision"`
	FullRevision bool     `query:"keepFullRevision"`
	ShowName     bool     `query:"showAppName"`
	Width        int      `query:"width" minimum:"0" maximum:"2000"`
}

type badgeAnswer struct {
	ContentType string `header:"Content-Type"`
	Origin      string `header:"Access-Control-Allow-Origin"`
	// Shown lets the pages of other sites show the picture, which is what it is for.
	Shown string `header:"Cross-Origin-Resource-Policy"`
	Body  []byte
}

// badges is the call that draws how an Application is, for readmes.
type badges struct{ looked }

func (s badges) register() {
	register(s.service, huma.Operation{OperationID: "badge", Method: http.MethodGet, Path: "/api/badge", Summary: "How an Application is, as a picture; where statusbadge.enabled of ConfigMap argocd-cm is true", Tags: []string{"applications"}, Security: anybody}, s.badge)
}

// badge is what a picture shows.
type badge struct{ name, health, sync, revision string }

func (s badges) badge(ctx context.Context, c *caller, in *badgeInput) (*badgeAnswer, error) {
	c.open()
	shown := badge{health: "Not Found", sync: "Unknown"}
	written, err := s.configOf(ctx, settings.ConfigName)
	if err != nil {
		return nil, err
	}
	if written["statusbadge.enabled"] == "true" {
		if shown, err = s.of(ctx, in); err != nil {
			return nil, err
		}
	}
	return &badgeAnswer{"image/svg+xml", "*", "cross-origin", []byte(shown.draw(in.Width))}, nil
}

// of returns what a picture shows of an Application, or of those of projects together.
func (s badges) of(ctx context.Context, in *badgeInput) (badge, error) {
	b := badge{health: "Not Found", sync: "Unknown"}
	if in.Name == "" {
		return s.ofProjects(ctx, in.Project)
	}
	key := client.ObjectKey{Namespace: in.Namespace, Name: in.Name}
	if key.Namespace == "" {
		key.Namespace = s.Namespace
	}
	app := &v1alpha1.Application{}
	if err := s.Reader.Get(ctx, key, app); err != nil {
		return b, client.IgnoreNotFound(err)
	}
	b.health, b.sync = string(app.Status.Health.Status), string(app.Status.Sync.Status)
	if in.ShowName {
		b.name = app.Name
	}
	const short = 7
	if last := len(app.Status.History); in.Revision && last > 0 {
		if b.revision = app.Status.History[last-1].Revision; !in.FullRevision && len(b.revision) > short {
			b.revision = b.revision[:short]
		}
	}
	return b, nil
}

func (s badges) ofProjects(ctx context.Context, projects []string) (badge, error) {
	b := badge{health: "Not Found", sync: "Unknown"}
	var all v1alpha1.ApplicationList
	if err := s.listAll(ctx, &all); err != nil {
		return b, err
	}
	worst, synced, found := v1alpha1.HealthStatusCode(""), v1alpha1.Synced, false
	for i := range all.Items {
		app := &all.Items[i]
		if !slices.Contains(projects, app.Spec.Project) {
			continue
		}
		found, worst = true, health.Worse(worst, app.Status.Health.Status)
		if app.Status.Sync.Status != v1alpha1.Synced {
			synced = v1alpha1.OutOfSync
		}
	}
	if found {
		b.health, b.sync = string(worst), string(synced)
	}
	return b, nil
}

// badgeColours are those of what a picture shows; anything else is grey.
var badgeColours = map[string]string{
	"Healthy": "#137a46", "Progressing": "#0d6e8c", "Suspended": "#596273", "Degraded": "#b3261e", "Missing": "#8a5a00", "Synced": "#137a46", "OutOfSync": "#8a5a00",
}

// draw returns the picture. A width of 0 is that of the text.
func (b badge) draw(width int) string {
	parts := []struct{ text, colour string }{{b.name, "#24292f"}, {b.health, colourOf(b.health)}, {b.sync, colourOf(b.sync)}, {b.revision, "#24292f"}}
	const perLetter, around, height = 7, 14, 20
	var drawn strings.Builder
	at := 0
	for _, part := range parts {
		if part.text == "" {
			continue
		}
		wide := perLetter*len(part.text) + around
		fmt.Fprintf(&drawn, `<rect x="%d" width="%d" height="%d" fill="%s"/><text x="%d" y="14" fill="#fff" text-anchor="middle">%s</text>`, at, wide, height, part.colour, at+wide/2, html.EscapeString(part.text))
		at += wide
	}
	if width == 0 {
		width = at
	}
	label := html.EscapeString(strings.TrimSpace(strings.Join([]string{b.name, b.health, b.sync, b.revision}, " ")))
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s" font-family="DejaVu Sans,Verdana,sans-serif" font-size="11">%s</svg>`, width, height, at, height, label, drawn.String())
}

func colourOf(text string) string {
	if colour, ok := badgeColours[text]; ok {
		return colour
	}
	return "#596273"
}
