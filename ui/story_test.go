package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
)

const inCluster = "https://kubernetes.default.svc"

// tell has happen in the shop what the pictures show, up to where the browser comes in.
func (s *scene) tell(ctx context.Context) {
	s.Helper()
	s.writeShop()
	s.writeCounter()
	s.makeApplications()
	for _, c := range counted {
		s.count(c)
	}
	s.waitInFrontOfSwitches()
	s.leaveTrouble(ctx)
	// From now on there is time to look at each version.
	s.edit(counterRepository, rolloutOfCounter, "autoPromotionSeconds: 3", "autoPromotionSeconds: 600")
	s.edit(counterRepository, rolloutOfCounter, "scaleDownDelaySeconds: 10", "scaleDownDelaySeconds: 600")
	s.commit(counterRepository, "Chiara Rossi", "Look at each version before it takes the traffic")
	s.untilApplication("request-counter", func(*v1alpha1.Application) bool {
		delay := s.rollout("counter", "app").Spec.Strategy.BlueGreen.ScaleDownDelaySeconds
		return delay != nil && *delay == 600
	})
}

const (
	rolloutOfCounter = "k8s/kustomize/base/app/rollout.yml"
	versionOfCounter = "cmd/app/version.go"
)

// change is what somebody commits to the request counter, which is delivered.
type change struct{ author, message string }

// counted are delivered one after another; coming is what is on its way while the browser looks.
var (
	counted = []change{{"Aiko Tanaka", "Count requests by path"}, {"Ben Okafor", "Retry what redis did not answer"}, {"Chiara Rossi", "Answer within 50 ms or not at all"}, {"田中 愛子", "応答にバージョンを含める"}}
	coming  = change{"Dmitri Volkov", "Keep the count when redis moves"}
)

// writeShop commits the shop, and builds what it runs.
func (s *scene) writeShop() {
	s.Helper()
	copyShop(s, s.clones[shopRepository])
	s.build()
	for _, p := range append(slices.Clone(parts), toCome) {
		s.write(shopRepository, p.files(s.cluster.Registry, s.digest))
	}
	s.write(shopRepository, map[string]string{
		"apps/catalog/base/prices.yaml":        pricesOf("2025", "19%"),
		"apps/catalog/base/kustomization.yaml": kustomization("resources: [workload.yaml, service.yaml, prices.yaml]"),
	})
	s.commit(shopRepository, "Ben Okafor", "The shop, part by part")
	s.git(s.clones[shopRepository], "push", "--quiet", "origin", "HEAD:refs/heads/gift-wrapping", "HEAD:refs/heads/summer-sale", "HEAD:refs/tags/v1.0")
}

// writeCounter commits the example, and has its images built and set.
func (s *scene) writeCounter() {
	s.Helper()
	if err := os.CopyFS(s.clones[counterRepository], os.DirFS(filepath.Join(testkit.Root(), "examples", "request-counter"))); err != nil {
		s.Fatal(err)
	}
	s.commit(counterRepository, "Aiko Tanaka", "Count requests")
	// Both are built of the same commit.
	for _, name := range []string{"redis", "app"} {
		s.deliverCounter(name)
	}
	s.pull(counterRepository)
}

func (s *scene) deliverCounter(name string) {
	s.Helper()
	s.delivers(counterRepository, "./cmd/"+name, name+"-image="+s.cluster.Registry+"/request-counter/"+name, counterOverlay)
}

// makeApplications makes projects, repositories and Applications as people do, and waits for what they deploy.
func (s *scene) makeApplications() {
	s.Helper()
	for name, description := range map[string]string{"shop": "What customers see", "platform": "What every part of the shop needs"} {
		s.cyan("proj", "create", name, "--description", description, "--src", "http://git.example/shop/*", "--dest", inCluster+","+name, "--allow-cluster-resource", "Namespace")
	}
	s.cyan("repo", "add", shopRepository, "--name", "shop")
	s.cyan("repo", "add", counterRepository, "--name", "request-counter")
	s.create("request-counter", "default", "counter", "platform", counterRepository, counterOverlay, false)
	for _, p := range parts {
		s.create(p.name, p.project, p.namespace, p.team, shopRepository, p.overlay(), p.byHand)
		if p.byHand {
			s.cyan("app", "sync", p.name)
		}
	}
	for _, p := range parts {
		if p.requires == "" {
			s.untilApplication(p.name, healthy)
		}
	}
	s.untilApplication("request-counter", healthy)
}

func healthy(app *v1alpha1.Application) bool {
	return app.Status.Sync.Status == v1alpha1.Synced && app.Status.Health.Status == v1alpha1.HealthHealthy
}

func (s *scene) create(name, project, namespace, team, url, path string, byHand bool) {
	s.Helper()
	args := []string{"app", "create", name, "--project", project, "--repo", url, "--path", path, "--dest-server", inCluster, "--dest-namespace", namespace, "--label", "team=" + team, "--sync-option", "CreateNamespace=true"}
	if !byHand {
		args = append(args, "--sync-policy", "automated", "--auto-prune", "--self-heal")
	}
	s.cyan(args...)
}

// count has a change of the request counter committed and delivered, and waits until it has the traffic.
func (s *scene) count(c change) {
	s.Helper()
	before := imageOf(s.rollout("counter", "app"))
	s.push(c)
	s.untilRollout("counter", "app", before, v1alpha1.RolloutHealthy)
}

// push has a change of the request counter committed and delivered.
func (s *scene) push(c change) {
	s.Helper()
	version := s.git(s.clones[counterRepository], "rev-list", "--count", "HEAD")
	s.write(counterRepository, map[string]string{versionOfCounter: fmt.Sprintf("package main\n\n// version is what every answer reports. Change it, commit and push, and watch the traffic follow.\nconst version = \"v%s\"\n", version)})
	s.commit(counterRepository, c.author, c.message)
	s.deliverCounter("app")
	s.pull(counterRepository)
}

// deliverPart has a change of a part of the shop committed and delivered.
func (s *scene) deliverPart(name string, c change) {
	s.Helper()
	version := s.git(s.clones[shopRepository], "rev-list", "--count", "HEAD")
	s.write(shopRepository, map[string]string{"cmd/service/version.go": fmt.Sprintf("package main\n\n// version is what the service reports of itself.\nconst version = \"1.%s\"\n", version)})
	s.commit(shopRepository, c.author, c.message)
	s.delivers(shopRepository, "./cmd/service", "app-image="+s.cluster.Registry+"/shop/"+name, "apps/"+name+"/overlays/production")
	s.pull(shopRepository)
}

// waitInFrontOfSwitches delivers what somebody has to decide about.
func (s *scene) waitInFrontOfSwitches() {
	s.Helper()
	s.deliverPart("storefront", change{"Chiara Rossi", "Show what others have bought"})
	s.deliverPart("orders", change{"Ben Okafor", "Send the receipt at once"})
	s.deliverPart("checkout", change{"Aiko Tanaka", "Pay with one click"})
	for _, name := range []string{"storefront", "orders", "checkout"} {
		s.untilRollout("shop", name, "", v1alpha1.RolloutPaused)
	}
	s.cyan("rollout", "promote", "storefront", "-n", "shop")
	s.cyan("rollout", "abort", "orders", "-n", "shop")
	s.untilRollout("shop", "storefront", "", v1alpha1.RolloutHealthy)
	s.untilRollout("shop", "orders", "", v1alpha1.RolloutDegraded)
}

// leaveTrouble leaves a version that is never ready, one that the API server would refuse, a sync that somebody has to
// ask for, and a Deployment that was changed by hand.
func (s *scene) leaveTrouble(ctx context.Context) {
	s.Helper()
	s.edit(shopRepository, "apps/search/base/workload.yaml", "port: http}, periodSeconds", "port: 9090}, periodSeconds")
	s.commit(shopRepository, "Dmitri Volkov", "Ask port 9090 whether search is ready")
	s.edit(shopRepository, "apps/catalog/base/workload.yaml", "value: info", "value: debug")
	s.write(shopRepository, map[string]string{
		"apps/catalog/base/migration.yaml":     migration,
		"apps/catalog/base/prices.yaml":        pricesOf("2026", "21%"),
		"apps/catalog/base/kustomization.yaml": kustomization("resources: [workload.yaml, service.yaml, prices.yaml, migration.yaml]"),
	})
	s.commit(shopRepository, "Chiara Rossi", "Prices of 2026")
	s.edit(shopRepository, "apps/payments/base/service.yaml", "port: 80", "port: 80443")
	s.commit(shopRepository, "Ben Okafor", "Take payments by TLS")
	accounts := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "platform", Name: "accounts"}}
	byHand := `{"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"accounts","env":[{"name":"LOG_LEVEL","value":"debug"}],"resources":{"limits":{"memory":"128Mi"}}}]}}}}`
	if err := s.cluster.Client.Patch(ctx, accounts, client.RawPatch(types.StrategicMergePatchType, []byte(byHand)), client.FieldOwner("kubectl-edit")); err != nil {
		s.Fatal(err)
	}
	s.untilRollout("shop", "search", "", v1alpha1.RolloutDegraded)
	for _, name := range []string{"catalog", "accounts"} {
		s.untilApplication(name, func(app *v1alpha1.Application) bool { return app.Status.Sync.Status == v1alpha1.OutOfSync })
	}
	s.untilApplication("reviews", func(app *v1alpha1.Application) bool { return app.Status.Health.Status == v1alpha1.HealthDegraded })
}

// hooks is what happens beside the page while the browser looks.
func (s *scene) hooks() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /deliver", func(http.ResponseWriter, *http.Request) { s.push(coming) })
	return mux
}
