package project_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

// What a cluster's Secret says of how far the cluster is used, and for whom, bounds objects as the project does.
func TestBoundsOfAClusterAndItsProject(t *testing.T) {
	everything := project.Default("argocd").Spec
	nothing := everything
	nothing.Destinations = nil
	only := everything
	only.PermitOnlyProjectScopedClusters = true
	configMap := "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: shop}}"
	role := "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader}}"
	for name, c := range map[string]struct {
		spec   v1alpha1.AppProjectSpec
		to     project.Destination
		object string
		says   string
	}{
		"a cluster for all":                                 {everything, project.Destination{}, configMap, ""},
		"its kinds without a namespace":                     {everything, project.Destination{}, role, ""},
		"the project's own cluster":                         {everything, project.Destination{Project: "team"}, configMap, ""},
		"the project's own cluster, without destinations":   {nothing, project.Destination{Project: "team"}, configMap, ""},
		"the cluster of another project":                    {everything, project.Destination{Project: "other"}, configMap, "cluster far is for project other alone, and not for project team"},
		"the same, kinds without a namespace":               {everything, project.Destination{Project: "other"}, role, "cluster far is for project other alone"},
		"a project that permits only its own":               {only, project.Destination{Project: "team"}, configMap, ""},
		"the same, in a cluster for all":                    {only, project.Destination{}, configMap, "project team permits only clusters of its own, and cluster far is not"},
		"the same, in the cluster of another":               {only, project.Destination{Project: "other"}, configMap, "cluster far is for project other alone"},
		"one of the namespaces of a limited cluster":        {everything, project.Destination{Namespaces: []string{"blog", "shop"}}, configMap, ""},
		"another namespace of it":                           {everything, project.Destination{Namespaces: []string{"blog"}}, configMap, `namespace "shop" is not one that cluster far is limited to`},
		"a namespace that only begins alike":                {everything, project.Destination{Namespaces: []string{"sho", "shop-*"}}, configMap, `namespace "shop"`},
		"kinds without a namespace in it":                   {everything, project.Destination{Namespaces: []string{"shop"}}, role, "cluster far is limited to namespaces; set clusterResources"},
		"which it may have besides":                         {everything, project.Destination{Namespaces: []string{"shop"}, ClusterResources: true}, role, ""},
		"which give it no other namespace":                  {everything, project.Destination{Namespaces: []string{"blog"}, ClusterResources: true}, configMap, `namespace "shop"`},
		"clusterResources of a cluster that is not limited": {everything, project.Destination{ClusterResources: true}, configMap, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.to.Server, c.to.Name, c.to.Namespace = "https://far", "far", "shop"
			p := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: c.spec}
			desired := object(t, c.object)
			key := plan.KeyOf(desired)
			bounds := project.BoundsOf(p, c.to)
			found := bounds.CheckObjects([]plan.Desired{{Object: desired}}, map[schema.GroupKind]bool{{Group: key.Group, Kind: key.Kind}: key.Namespace == ""})
			if c.says == "" && len(found) > 0 || c.says != "" && (len(found) != 1 || !strings.Contains(found[0].String(), c.says)) {
				t.Errorf("got %v, want %q", found, c.says)
			}
			if got := bounds.Hold(key); got != (c.says == "") {
				t.Errorf("held live is %v, want the same answer as for a desired object", got)
			}
			var said []string
			for _, v := range project.Check(p, &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "shop"}}, c.to, "argocd") {
				said = append(said, v.String())
			}
			if refused := strings.Contains(c.says, "project"); refused != (len(said) == 1) || refused && !strings.Contains(said[0], c.says) {
				t.Errorf("the Application: got %v, want it refused for the cluster: %v", said, refused)
			}
		})
	}
}

func TestNoBounds(t *testing.T) {
	key := plan.Key{Kind: "ConfigMap", Namespace: "shop", Name: "x"}
	for name, c := range map[string]struct {
		bounds project.Bounds
		want   bool
	}{
		"of nobody":             {project.Bounds{}, false},
		"of an unknown project": {project.BoundsOf(nil, project.Destination{Server: "*", Namespace: "*"}), false},
		"none":                  {project.Unbounded(), true},
	} {
		if got := c.bounds.Hold(key); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
		if got := c.bounds.CheckObjects([]plan.Desired{{Object: object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: shop}}")}}, nil); (len(got) == 0) != c.want {
			t.Errorf("%s: got %v, want it permitted: %v", name, got, c.want)
		}
	}
}

// TestNameObjects: bounds make a difference between objects of one kind in one namespace where a pattern has a name.
func TestNameObjects(t *testing.T) {
	named := []v1alpha1.GroupKindPattern{{Group: "*", Kind: "*"}, {Kind: "ConfigMap", Name: "a*"}}
	for name, c := range map[string]struct {
		bounds project.Bounds
		want   bool
	}{
		"no project":               {project.BoundsOf(nil, project.Destination{}), false},
		"everything":               {project.Unbounded(), false},
		"kinds alone":              {project.BoundsOf(&v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{NamespaceResourceWhitelist: named[:1]}}, project.Destination{}), false},
		"an allowed name":          {project.BoundsOf(&v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{NamespaceResourceWhitelist: named}}, project.Destination{}), true},
		"a denied name":            {project.BoundsOf(&v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{NamespaceResourceBlacklist: named}}, project.Destination{}), true},
		"an allowed name of no ns": {project.BoundsOf(&v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{ClusterResourceWhitelist: named}}, project.Destination{}), true},
		"a denied name of no ns":   {project.BoundsOf(&v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{ClusterResourceBlacklist: named}}, project.Destination{}), true},
	} {
		if got := c.bounds.NameObjects(); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// TestPermit: an object is permitted where nothing is found wrong with where it lies.
func TestPermit(t *testing.T) {
	spec := v1alpha1.AppProjectSpec{Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "d"}}, NamespaceResourceWhitelist: []v1alpha1.GroupKindPattern{{Kind: "ConfigMap", Name: "a*"}}}
	bounds := project.BoundsOf(&v1alpha1.AppProject{Spec: spec}, project.Destination{Server: "https://x"})
	cluster := map[schema.GroupKind]bool{{Kind: "Node"}: true}
	for key, want := range map[plan.Key]bool{
		{Kind: "ConfigMap", Namespace: "d", Name: "a1"}: true, {Kind: "ConfigMap", Namespace: "d", Name: "b"}: false, {Kind: "ConfigMap", Namespace: "e", Name: "a1"}: false, {Kind: "Node", Name: "a"}: false,
	} {
		if got := bounds.Permit(key, cluster); got != want {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
}
