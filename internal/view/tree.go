package view

import (
	"cmp"
	"slices"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// MostNodes bounds the nodes of a tree.
const MostNodes = 5000

// What else a tree has at most, whatever people write into ownerReferences and selectors.
const (
	// mostDepth bounds how many owners stand above a node, and mostTargets what all nodes together send requests to.
	mostDepth   = 50
	mostTargets = 20000
)

// Role is what a ReplicaSet of a Rollout does in it, and what its pods do.
type Role string

// The values of Role.
const (
	RoleActive  Role = "active"
	RolePreview Role = "preview"
	RoleStable  Role = "stable"
	RoleCanary  Role = "canary"
	RoleOld     Role = "old"
)

// NodeInfo is something that is known of an object, by the name that Argo CD gives it.
type NodeInfo struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Node is an object of an Application's tree.
type Node struct {
	// ID is group/kind/namespace/name.
	ID string `json:"id"`
	// Parent is the ID of the owner; "" for the objects of the source, and for what has no owner in the tree.
	Parent    string                    `json:"parent,omitempty"`
	Group     string                    `json:"group"`
	Version   string                    `json:"version"`
	Kind      string                    `json:"kind"`
	Namespace string                    `json:"namespace,omitempty"`
	Name      string                    `json:"name"`
	UID       string                    `json:"uid,omitempty"`
	Managed   bool                      `json:"managed"`
	Sync      v1alpha1.SyncStatusCode   `json:"sync,omitempty"`
	Health    v1alpha1.HealthStatusCode `json:"health,omitempty"`
	Message   string                    `json:"message,omitempty" doc:"why it has that health"`
	Created   string                    `json:"created,omitempty" format:"date-time"`
	Role      Role                      `json:"role,omitempty" enum:"active,preview,stable,canary,old"`
	// Idle is set on an old ReplicaSet that is healthy and has no pods.
	Idle    bool       `json:"idle,omitempty" doc:"an old ReplicaSet without pods, which a page may leave out"`
	Info    []NodeInfo `json:"info"`
	Images  []string   `json:"images"`
	Hook    bool       `json:"hook,omitempty"`
	Wave    int64      `json:"wave,omitempty"`
	Prunes  bool       `json:"prunes,omitempty" doc:"no longer in git; a sync with prune deletes it"`
	Targets []string   `json:"targets" doc:"ids: of a Service its pods, of an Ingress its Services"`
	URLs    []string   `json:"urls"`

	from *Observed
}

// Observed returns what was observed of the object; of one that was not, only the Node is filled.
func (n Node) Observed() Observed {
	if n.from == nil {
		return Observed{Node: n}
	}
	return *n.from
}

// ID returns the ID of an object.
func ID(group, kind, namespace, name string) string {
	return group + "/" + kind + "/" + namespace + "/" + name
}

// Tree returns the objects of an Application as a tree: those that it manages, in the order of its status, and below
// each of them what it owns, however far. What was observed and belongs to nothing of that is left out. Beyond
// [MostNodes], what is worst stays, and hidden is the number of the rest.
func Tree(app *v1alpha1.Application, observed []Observed) (nodes []Node, hidden int) {
	f := newForest()
	f.addManaged(app.Status.Resources)
	f.join(observed)
	f.grow(observed)
	f.assignRoles()
	return f.cut(f.inOrder(), MostNodes)
}

// leaf is a node with what links it to others.
type leaf struct {
	Observed
	parent   int
	children []int
	// depth is the number of owners above it.
	depth int
}

// forest is a tree that is being made. Leaves are named by their index.
type forest struct {
	leaves []leaf
	byID   map[string]int
	// roles are those of ReplicaSets by the hash of their template, for each Rollout by its UID.
	roles map[string]map[string]Role
}

const noParent = -1

func newForest() forest {
	return forest{byID: map[string]int{}, roles: map[string]map[string]Role{}}
}

func (f *forest) add(o Observed, parent int) {
	at := len(f.leaves)
	f.leaves = append(f.leaves, leaf{Observed: o, parent: parent})
	f.byID[o.Node.ID] = at
	if o.roles != nil {
		f.roles[o.Node.UID] = o.roles
	}
	if parent != noParent {
		above := &f.leaves[parent]
		above.children = append(above.children, at)
		f.leaves[at].Node.Parent, f.leaves[at].depth = above.Node.ID, above.depth+1
	}
}

// addManaged begins the tree with the objects that the status lists.
func (f *forest) addManaged(resources []v1alpha1.ResourceStatus) {
	for _, r := range resources {
		n := Node{
			ID: ID(r.Group, r.Kind, r.Namespace, r.Name), Group: r.Group, Version: r.Version, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name,
			Managed: true, Sync: r.Status, Hook: r.Hook, Wave: r.SyncWave, Prunes: r.RequiresPruning,
		}
		if r.Health != nil {
			n.Health, n.Message = r.Health.Status, shortened(r.Health.Message)
		}
		if _, twice := f.byID[n.ID]; !twice {
			f.add(Observed{Node: n}, noParent)
		}
	}
}

// join adds to the managed objects what was observed of them. Their health is that of the status where there is one: it
// was judged with the settings of the Application.
func (f *forest) join(observed []Observed) {
	for _, o := range observed {
		at, ok := f.byID[o.Node.ID]
		if !ok {
			continue
		}
		managed := f.leaves[at].Node
		f.leaves[at].Observed = o
		n := &f.leaves[at].Node
		n.Managed, n.Sync, n.Hook, n.Wave, n.Prunes = true, managed.Sync, managed.Hook, managed.Wave, managed.Prunes
		n.Version = cmp.Or(managed.Version, n.Version)
		if managed.Health != "" {
			n.Health, n.Message = managed.Health, managed.Message
		}
		if o.roles != nil {
			f.roles[n.UID] = o.roles
		}
	}
}

// grow adds what the objects of the tree own, and what that owns, until there is no more. An object in another
// namespace is nobody's, whomever it names as its owner: so does the garbage collector of the cluster have it.
func (f *forest) grow(observed []Observed) {
	owned := map[string][]int{}
	for i, o := range observed {
		if f.has(o.Node.ID) {
			continue
		}
		for _, owner := range o.Owners {
			owned[owner.UID] = append(owned[owner.UID], i)
			for _, namespace := range []string{o.Node.Namespace, ""} {
				id := ID(owner.Group, owner.Kind, namespace, owner.Name)
				owned[id] = append(owned[id], i)
			}
		}
	}
	for at := 0; at < len(f.leaves); at++ {
		owner := f.leaves[at].Node
		if f.leaves[at].depth == mostDepth {
			continue
		}
		// Of a kind that is not observed, only the name is known.
		for _, i := range owned[cmp.Or(owner.UID, owner.ID)] {
			if n := observed[i].Node; !f.has(n.ID) && (owner.Namespace == "" || owner.Namespace == n.Namespace) {
				f.add(observed[i], at)
			}
		}
	}
}

// assignRoles finds out what ReplicaSets and their pods do. An owner stands before what it owns. An empty ReplicaSet of
// an owner that is of the same revision is not an old one: the owner wants no pods.
func (f *forest) assignRoles() {
	for at := range f.leaves {
		l := &f.leaves[at]
		if l.parent == noParent {
			continue
		}
		above := f.leaves[l.parent]
		switch {
		case l.Node.Group == "apps" && l.Node.Kind == "ReplicaSet":
			roles := f.roles[above.Node.UID]
			l.Node.Role = roles[l.hash]
			if l.Node.Role == "" && (len(roles) > 0 || l.empty && l.revision != above.revision) {
				l.Node.Role = RoleOld
			}
			l.Node.Idle = l.Node.Role == RoleOld && l.empty && (l.Node.Health == v1alpha1.HealthHealthy || l.Node.Health == "")
		case l.Node.Group == "" && l.Node.Kind == "Pod":
			l.Node.Role = above.Node.Role
		}
	}
}

// point has Services point to their pods, and Ingresses to their Services, as far as these are kept.
func (f *forest) point(kept []int) {
	pods, services, left := map[string][]int{}, map[string]bool{}, mostTargets
	for _, at := range kept {
		switch n := f.leaves[at].Node; {
		case n.Group != "":
		case n.Kind == "Pod":
			pods[n.Namespace] = append(pods[n.Namespace], at)
		case n.Kind == "Service":
			services[n.ID] = true
		}
	}
	for _, at := range kept {
		if left == 0 {
			break
		}
		l := &f.leaves[at]
		var targets []string
		if len(l.selector) > 0 {
			for _, pod := range pods[l.Node.Namespace] {
				if selects(l.selector, f.leaves[pod].labels) {
					targets = append(targets, f.leaves[pod].Node.ID)
				}
			}
		}
		for _, service := range l.backends {
			if id := ID("", "Service", l.Node.Namespace, service); services[id] {
				targets = append(targets, id)
			}
		}
		l.Node.Targets = firstOf(targets, left)
		left -= len(l.Node.Targets)
	}
}

func (f *forest) has(id string) bool {
	_, ok := f.byID[id]
	return ok
}

// selects reports whether a selector selects labels.
func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if has, ok := labels[key]; !ok || has != value {
			return false
		}
	}
	return true
}

// inOrder returns the leaves with each behind its owner, and siblings by kind, the newest first.
func (f *forest) inOrder() []int {
	order := make([]int, 0, len(f.leaves))
	var below func(at int)
	below = func(at int) {
		order = append(order, at)
		slices.SortFunc(f.leaves[at].children, f.compare)
		for _, child := range f.leaves[at].children {
			below(child)
		}
	}
	for at := range f.leaves {
		if f.leaves[at].parent == noParent {
			below(at)
		}
	}
	return order
}

func (f *forest) compare(a, b int) int {
	x, y := f.leaves[a].Node, f.leaves[b].Node
	return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(y.Created, x.Created), cmp.Compare(x.ID, y.ID))
}

// cut returns the nodes of an order, at most so many: those in trouble before the others, each with its owners.
func (f *forest) cut(order []int, most int) (nodes []Node, hidden int) {
	keep, all := f.choose(order, most), len(order)
	kept := slices.DeleteFunc(order, func(at int) bool { return !keep[at] })
	f.point(kept)
	nodes = make([]Node, 0, len(kept))
	for _, at := range kept {
		n := f.leaves[at].Node
		n.from = &f.leaves[at].Observed
		nodes = append(nodes, n.complete())
	}
	return nodes, all - len(kept)
}

func (f *forest) choose(order []int, most int) map[int]bool {
	keep := make(map[int]bool, min(len(order), most))
	ranked := order
	if len(order) > most {
		ranked = slices.Clone(order)
		slices.SortStableFunc(ranked, func(a, b int) int { return f.rank(a) - f.rank(b) })
	}
	for _, at := range ranked {
		var way []int
		for up := at; up != noParent && !keep[up]; up = f.leaves[up].parent {
			way = append(way, up)
		}
		if len(keep)+len(way) > most {
			continue
		}
		for _, up := range way {
			keep[up] = true
		}
	}
	return keep
}

// rank orders nodes by how much somebody needs to see them.
func (f *forest) rank(at int) int {
	n := f.leaves[at].Node
	switch {
	case n.Health == v1alpha1.HealthDegraded, n.Health == v1alpha1.HealthMissing, n.Health == v1alpha1.HealthUnknown:
		return 0
	case n.Health == v1alpha1.HealthProgressing, n.Health == v1alpha1.HealthSuspended:
		return 1
	case n.Managed && n.Sync != v1alpha1.Synced:
		return 2
	case n.Managed:
		return 3
	case n.Idle:
		return 5
	}
	return 4
}

// complete returns the node with lists that are never null.
func (n Node) complete() Node {
	if n.Info == nil {
		n.Info = []NodeInfo{}
	}
	for _, list := range []*[]string{&n.Images, &n.Targets, &n.URLs} {
		if *list == nil {
			*list = []string{}
		}
	}
	return n
}
