package application

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/validate"
)

// judgement is what validation found, and with which knowledge.
type judgement struct {
	known    string
	findings []validate.Finding
}

// judge validates rendered objects against what the cluster serves. It is done again when they or the cluster's kinds changed.
func judge(ctx context.Context, cluster *live.Cluster, r *rendering, namespace string) ([]validate.Finding, error) {
	wanted := kindsOf(r.result.Objects)
	kinds, err := cluster.Kinds(ctx, wanted)
	if err != nil {
		return nil, err
	}
	crds, err := cluster.Definitions(ctx, wanted)
	if err != nil {
		return nil, err
	}
	known := validate.Known{Kinds: kinds.All(), CRDs: crds, DefaultNamespace: namespace}
	name := knowledge(wanted, known)
	if r.judged == nil || r.judged.known != name {
		r.judged = &judgement{name, validate.Check(r.result.Objects, &known)}
	}
	return r.judged.findings, nil
}

func kindsOf(objects []render.Rendered) []schema.GroupVersionKind {
	all := map[schema.GroupVersionKind]bool{}
	for _, o := range objects {
		all[o.Object.GroupVersionKind()] = true
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })
}

// knowledge names what validation of these kinds depends on.
func knowledge(wanted []schema.GroupVersionKind, known validate.Known) string {
	h := sha256.New()
	for _, kind := range wanted {
		namespaced, served := known.Kinds[kind]
		fmt.Fprintln(h, kind, namespaced, served)
	}
	for _, crd := range known.CRDs {
		fmt.Fprintln(h, crd.Name, crd.UID, crd.ResourceVersion)
	}
	fmt.Fprintln(h, known.DefaultNamespace)
	return hex.EncodeToString(h.Sum(nil))
}

// maxFindings bounds a condition: the first ones are enough to begin with.
const maxFindings = 10

func describeFindings(findings []validate.Finding) string {
	lines := make([]string, 0, len(findings))
	for i, f := range findings {
		if i == maxFindings {
			lines = append(lines, fmt.Sprintf("and %d more", len(findings)-maxFindings))
			break
		}
		lines = append(lines, f.String())
	}
	return "nothing was applied, because the manifests are not valid:\n" + strings.Join(lines, "\n")
}
