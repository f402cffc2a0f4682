package application_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

func rawJSON(t *testing.T, value any) runtime.RawExtension {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return runtime.RawExtension{Raw: text}
}

func (w *world) create(objects ...client.Object) {
	w.Helper()
	for _, o := range objects {
		if err := w.Create(context.Background(), o); err != nil {
			w.Fatal(err)
		}
	}
}

// Objects are written, tried and deleted with the rights of the service account that the project names, and not with
// Cyan's own.
func TestWritesAreDoneAsTheServiceAccountOfTheProject(t *testing.T) {
	w := newWorld(t)
	w.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "argocd-cm"}, Data: map[string]string{"application.sync.impersonation.enabled": "true"}})
	w.teamProject(func(p *v1alpha1.AppProject) {
		p.Spec.DestinationServiceAccounts = []runtime.RawExtension{rawJSON(t, map[string]string{"server": "*", "namespace": w.to, "defaultServiceAccount": "deployer"})}
	})
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", func(a *v1alpha1.Application) {
		a.Spec.Project, a.Finalizers = "team", []string{v1alpha1.ResourcesFinalizer}
	})
	w.eventually(app, "a look", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.OutOfSync })
	w.operate(app, &v1alpha1.SyncOperation{})
	user := "system:serviceaccount:" + w.to + ":deployer"
	got := w.eventually(app, "the sync to be refused", func(a *v1alpha1.Application) bool {
		return a.Status.OperationState != nil && a.Status.OperationState.Phase == v1alpha1.OperationFailed
	})
	if m := got.Status.OperationState.Message; !strings.Contains(m, user) {
		t.Errorf("the sync failed with %q, want it refused to %s", m, user)
	}
	if w.data("a") != nil {
		t.Error("a was written without the rights of the service account")
	}
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "deployer"}, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "create", "patch"}}}}
	w.create(role, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "deployer"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "deployer"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: w.to, Name: "deployer"}},
	})
	w.operate(app, &v1alpha1.SyncOperation{})
	w.eventually(app, "the sync with the rights", syncedTo(sha))

	w.remove(app)
	w.eventually(app, "the deletion to be refused", func(a *v1alpha1.Application) bool {
		return strings.Contains(condition(a, v1alpha1.ConditionDeletionError), user)
	})
	if w.data("a") == nil {
		t.Error("a was deleted without the rights of the service account")
	}
	role.Rules[0].Verbs = append(role.Rules[0].Verbs, "delete")
	if err := w.Update(context.Background(), role); err != nil {
		t.Fatal(err)
	}
	w.untilGone(app)
	if w.data("a") != nil {
		t.Error("a is still there after the deletion")
	}
}

// Where the project names no service account, an Application is compared, and nothing of it is written or deleted; what
// is live is left as it was, also while automation would heal it.
func TestNothingIsWrittenWithoutAServiceAccount(t *testing.T) {
	const why = "no matching service account found for destination server " + v1alpha1.InClusterServer
	w := newWorld(t)
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "argocd-cm"}}
	w.create(settings)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/b.yaml": configMap("b", "green")})
	app := w.app("shop", func(a *v1alpha1.Application) {
		automated(a)
		a.Spec.SyncPolicy.Automated.SelfHeal = new(true)
		a.Finalizers = []string{v1alpha1.ResourcesFinalizer}
	})
	w.eventually(app, "the sync", syncedTo(sha))
	settings.Data = map[string]string{"application.sync.impersonation.enabled": "true"}
	if err := w.Update(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	w.eventually(app, "the condition", func(a *v1alpha1.Application) bool {
		return strings.Contains(condition(a, v1alpha1.ConditionInvalidSpecError), why) && a.Status.Sync.Status == v1alpha1.Synced
	})
	w.push(map[string]string{"k8s/a.yaml": configMap("a", "blue"), "k8s/b.yaml": configMap("b", "green")})
	got := w.eventually(app, "the failure of the sync", func(a *v1alpha1.Application) bool {
		return a.Status.OperationState != nil && strings.Contains(a.Status.OperationState.Message, why)
	})
	if len(got.Status.Resources) != 2 || got.Status.Resources[0].Status != v1alpha1.OutOfSync || got.Status.Resources[1].Status != v1alpha1.Synced {
		t.Errorf("got %+v, want a OutOfSync and b Synced", got.Status.Resources)
	}
	w.remove(app)
	w.eventually(app, "the deletion to be refused", func(a *v1alpha1.Application) bool {
		return strings.Contains(condition(a, v1alpha1.ConditionDeletionError), why)
	})
	if a, b := w.data("a"), w.data("b"); a["colour"] != "green" || b["colour"] != "green" {
		t.Errorf("live are %v and %v, want both as they were", a, b)
	}
	settings.Data = nil
	if err := w.Update(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	w.untilGone(app)
}

// A project that is deleted stays for as long as Applications use it, and says which; then it goes.
func TestAProjectGoesWhenNobodyUsesIt(t *testing.T) {
	w := newWorld(t)
	w.teamProject(func(p *v1alpha1.AppProject) { p.Finalizers = []string{v1alpha1.ResourcesFinalizer, "example.com/kept"} })
	w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", func(a *v1alpha1.Application) { a.Spec.Project = "team" })
	w.start()
	team := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "team"}}
	if err := w.Delete(t.Context(), team); err != nil {
		t.Fatal(err)
	}
	w.until("the event that names who uses it", func(ctx context.Context) (bool, error) {
		var all eventsv1.EventList
		if err := w.List(ctx, &all, client.InNamespace(w.control)); err != nil {
			return false, err
		}
		return slices.ContainsFunc(all.Items, func(e eventsv1.Event) bool {
			return e.Reason == "DeletionWaits" && strings.Contains(e.Note, "AppProject team: used by the Applications shop; delete them")
		}), nil
	})
	finalizers := func(ctx context.Context) []string {
		if err := w.Get(ctx, client.ObjectKeyFromObject(team), team); err != nil {
			t.Fatal(err)
		}
		return team.Finalizers
	}
	if got := finalizers(t.Context()); len(got) != 2 {
		t.Errorf("finalizers are %v while it is used, want both", got)
	}
	w.remove(app)
	w.until("the project to be let go", func(ctx context.Context) (bool, error) { return len(finalizers(ctx)) == 1, nil })
	if team.Finalizers[0] != "example.com/kept" {
		t.Errorf("finalizers are %v, want the one of others", team.Finalizers)
	}
	if err := w.Patch(t.Context(), team, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))); err != nil {
		t.Fatal(err)
	}
}

// What a project asks for and does not get is told on the project.
func TestProjectsAreToldWhatIsNotServed(t *testing.T) {
	w := newWorld(t)
	w.teamProject(func(p *v1alpha1.AppProject) {
		p.Annotations = map[string]string{"notifications.argoproj.io/subscribe.on-x.slack": "c"}
	})
	w.start()
	w.until("the event", func(ctx context.Context) (bool, error) {
		var all eventsv1.EventList
		if err := w.List(ctx, &all, client.InNamespace(w.control)); err != nil {
			return false, err
		}
		return slices.ContainsFunc(all.Items, func(e eventsv1.Event) bool {
			return e.Reason == "Unsupported" && strings.HasPrefix(e.Note, "AppProject team: annotation notifications.argoproj.io/subscribe.on-x.slack: notifications are not sent")
		}), nil
	})
}

// What would be less safe if it were passed over keeps an Application from being synced; the rest is named.
func TestWhatAProjectAsksForAndDoesNotGet(t *testing.T) {
	for name, c := range map[string]struct {
		project func(*testing.T, *v1alpha1.AppProject)
		// written is a merge patch of the project with what its type does not have.
		written   string
		cluster   map[string]string
		settings  map[string]string
		condition string
		says      string
		synced    bool
		// refused is set where it is the objects that are not permitted: their sync fails.
		refused bool
	}{
		"a misspelt field": {
			written:   `{"spec":{"signatureKey":[{"keyID":"4AEE18F83AFDEB23"}]}}`,
			condition: v1alpha1.ConditionInvalidSpecError, says: "AppProject team: spec.signatureKey: unknown field; did you mean spec.signatureKeys?",
		},
		"a field that nobody knows": {
			written:   `{"spec":{"entirelyNew":true}}`,
			condition: v1alpha1.ConditionUnsupportedWarning, says: "AppProject team: spec.entirelyNew: unknown field; remove it", synced: true,
		},
		"signatures of no key": {
			project: func(t *testing.T, p *v1alpha1.AppProject) {
				p.Spec.SignatureKeys = []runtime.RawExtension{rawJSON(t, map[string]string{"keyID": "3AFDEB23"})}
			},
			condition: v1alpha1.ConditionInvalidSpecError, says: "AppProject team: spec.signatureKeys: entry 1 is invalid",
		},
		"the integrity of sources, without a policy": {
			project: func(t *testing.T, p *v1alpha1.AppProject) {
				integrity := rawJSON(t, map[string]any{"git": map[string]any{}})
				p.Spec.SourceIntegrity = &integrity
			},
			condition: v1alpha1.ConditionInvalidSpecError, says: "AppProject team: spec.sourceIntegrity: ",
		},
		"service accounts, while impersonation is off": {
			project: func(t *testing.T, p *v1alpha1.AppProject) {
				p.Spec.DestinationServiceAccounts = []runtime.RawExtension{rawJSON(t, map[string]string{"server": "*", "namespace": "*", "defaultServiceAccount": "deployer"})}
			},
			condition: v1alpha1.ConditionUnsupportedWarning, says: "AppProject team: spec.destinationServiceAccounts: not used, since impersonation is off", synced: true,
		},
		"no service account, while impersonation is on": {
			settings:  map[string]string{"application.sync.impersonation.enabled": "true"},
			condition: v1alpha1.ConditionInvalidSpecError, says: "AppProject team: spec.destinationServiceAccounts: no matching service account found for destination server https://kubernetes.default.svc", refused: true,
		},
		"only clusters of its own": {
			project:   func(_ *testing.T, p *v1alpha1.AppProject) { p.Spec.PermitOnlyProjectScopedClusters = true },
			condition: v1alpha1.ConditionInvalidSpecError, says: "project team permits only clusters of its own, and cluster in-cluster is not",
		},
		"a cluster of another project": {
			cluster:   map[string]string{"project": "other"},
			condition: v1alpha1.ConditionInvalidSpecError, says: "cluster home is for project other alone, and not for project team",
		},
		"a cluster that is limited to other namespaces": {
			cluster:   map[string]string{"namespaces": "elsewhere"},
			condition: v1alpha1.ConditionInvalidSpecError, says: "is not one that cluster home is limited to", refused: true,
		},
		"a global project that denies": {
			settings:  map[string]string{"globalProjects": "- {projectName: everywhere, labelSelector: {matchLabels: {team: a}}}"},
			condition: v1alpha1.ConditionInvalidSpecError, says: "ConfigMap is not permitted in project team", refused: true,
		},
		"a global project that is missing": {
			settings:  map[string]string{"globalProjects": "- {projectName: nowhere, labelSelector: {matchLabels: {team: a}}}"},
			condition: v1alpha1.ConditionUnsupportedWarning, says: `globalProjects: AppProject "nowhere" not found`, synced: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.create(&v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "everywhere"}, Spec: v1alpha1.AppProjectSpec{NamespaceResourceBlacklist: []v1alpha1.GroupKindPattern{{Kind: "ConfigMap"}}}})
			w.teamProject(func(p *v1alpha1.AppProject) {
				p.Labels = map[string]string{"team": "a"}
				if c.project != nil {
					c.project(t, p)
				}
			})
			if c.written != "" {
				team := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "team"}}
				if err := w.Patch(t.Context(), team, client.RawPatch(types.MergePatchType, []byte(c.written))); err != nil {
					t.Fatal(err)
				}
			}
			if c.settings != nil {
				w.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "argocd-cm"}, Data: c.settings})
			}
			if c.cluster != nil {
				secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "home", Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster}},
					StringData: map[string]string{"name": "home", "server": v1alpha1.InClusterServer}}
				for key, value := range c.cluster {
					secret.StringData[key] = value
				}
				w.create(secret)
			}
			w.start()
			sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
			app := w.app("shop", func(a *v1alpha1.Application) { automated(a); a.Spec.Project = "team" })
			got := w.eventually(app, "the condition", func(a *v1alpha1.Application) bool { return strings.Contains(condition(a, c.condition), c.says) })
			if c.synced {
				w.eventually(app, "the sync all the same", syncedTo(sha))
				return
			}
			if c.refused {
				w.eventually(app, "the failure of the sync", func(a *v1alpha1.Application) bool {
					return a.Status.OperationState != nil && strings.Contains(a.Status.OperationState.Message, c.says)
				})
			}
			if (got.Status.OperationState != nil && !c.refused) || w.data("a") != nil {
				t.Errorf("it was synced: %+v, %v", got.Status.OperationState, w.data("a"))
			}
		})
	}
}

// A repository whose Secret is for a project alone needs no place in its sourceRepos, from the moment the Secret is
// there.
func TestRepositoriesOfAProject(t *testing.T) {
	w := newWorld(t)
	w.teamProject(func(p *v1alpha1.AppProject) { p.Spec.SourceRepos = nil })
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", func(app *v1alpha1.Application) {
		automated(app)
		app.Spec.Project = "team"
	})
	w.eventually(app, "the refusal", func(a *v1alpha1.Application) bool {
		return strings.Contains(condition(a, v1alpha1.ConditionInvalidSpecError), "is not permitted in project team")
	})
	for _, of := range []string{"other", "team"} {
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "repository-of-" + of, Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeRepository}},
			Data:       map[string][]byte{"url": []byte(w.repo.URL), "project": []byte(of)},
		}
		if err := w.Create(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	w.eventually(app, "the sync", syncedTo(sha))
}
