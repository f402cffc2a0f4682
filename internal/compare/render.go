package compare

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"strconv"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/sops"
	"github.com/cyan-cd/cyan/internal/secret"
)

// maxApplications is the number of Applications of which results are kept, those that were used last.
const maxApplications = 1 << 14

// Rendering is what a source renders to at a commit. It is not changed once it is made.
type Rendering struct {
	// Source and Revision are what was rendered, Revision a SHA.
	Source   v1alpha1.ApplicationSource
	Revision string
	Result   *render.Result
	// Err is what is wrong with the source; then Result has no objects.
	Err error

	// options names everything but the revision that the result depends on.
	options string
	// keys names the keys that it was rendered with.
	keys string
}

// RenderTree renders an Application's source from a tree that is at hand, such as a local directory. revision may be
// empty.
func RenderTree(by render.Func, tree fs.FS, app *v1alpha1.Application, src v1alpha1.ApplicationSource, revision string, keys sops.Keys) (*Rendering, error) {
	return renderTree(by, tree, app, src, revision, render.Options{Keys: keys})
}

func renderTree(by render.Func, tree fs.FS, app *v1alpha1.Application, src v1alpha1.ApplicationSource, revision string, options render.Options) (*Rendering, error) {
	options.Namespace, options.Env, options.Names = app.Spec.Destination.Namespace, Environment(app, src, revision), []string{app.Name, app.Namespace + "_" + app.Name}
	result, err := by(tree, src, options)
	if err != nil && !render.IsRefusal(err) {
		return nil, err
	}
	if result == nil {
		result = &render.Result{}
	}
	return &Rendering{Source: src, Revision: revision, Result: result, Err: err}, nil
}

func nameOf(app *v1alpha1.Application) types.NamespacedName {
	return types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
}

// optionsHash names what a rendering depends on besides the tree; the revision is the tree's.
func optionsHash(app *v1alpha1.Application, src v1alpha1.ApplicationSource) string {
	text, err := json.Marshal([]any{src, app.Name, app.Spec.Destination.Namespace, app.Spec.Project})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// revisionVariable is the beginning of the names of all variables that tell the revision.
const revisionVariable = "ARGOCD_APP_REVISION"

// Environment returns the variables that a source may ask for, by the names that existing manifests use.
func Environment(app *v1alpha1.Application, src v1alpha1.ApplicationSource, revision string) map[string]string {
	short := func(n int) string { return revision[:min(n, len(revision))] }
	return map[string]string{
		"ARGOCD_APP_NAME": app.Name, "ARGOCD_APP_NAMESPACE": app.Spec.Destination.Namespace, "ARGOCD_APP_PROJECT_NAME": cmp.Or(app.Spec.Project, v1alpha1.DefaultProject),
		revisionVariable: revision, revisionVariable + "_SHORT": short(7), revisionVariable + "_SHORT_8": short(8),
		"ARGOCD_APP_SOURCE_REPO_URL": secret.WithoutCredentials(src.RepoURL), "ARGOCD_APP_SOURCE_PATH": src.Path, "ARGOCD_APP_SOURCE_TARGET_REVISION": src.TargetRevision,
	}
}

// Desired returns the rendered objects as a plan wants them.
func (r *Rendering) Desired() []plan.Desired {
	all := make([]plan.Desired, len(r.Result.Objects))
	for i, o := range r.Result.Objects {
		origin := o.Origin.File
		if origin != "" && o.Origin.Line > 0 {
			origin += ":" + strconv.Itoa(o.Origin.Line)
		}
		all[i] = plan.Desired{Object: o.Object, Origin: origin}
	}
	return all
}
