package live

import (
	"fmt"
	"strings"

	"k8s.io/client-go/dynamic"
	"k8s.io/utils/lru"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/problem"
)

// maxUsers bounds the users whose clients are kept, those that were used last.
const maxUsers = 1024

// identities are those as whom objects are written in a cluster.
type identities struct {
	spec   cluster.Cluster
	shared cluster.Shared
	// client has the program's own rights.
	client *apply.Client
	// users has the *apply.Client of each user as whom objects are written.
	users *lru.Cache
}

func newIdentities(spec cluster.Cluster, shared cluster.Shared, own dynamic.Interface, kinds apply.Kinds) *identities {
	i := &identities{spec: spec, shared: shared, users: lru.New(maxUsers)}
	i.client = apply.NewClient(own, kinds).Within(i.limit)
	return i
}

// As returns what writes in the cluster as a user, for whom the program stands in; as itself for "".
func (i *identities) As(user string) (*apply.Client, error) {
	if user == "" {
		return i.client, nil
	}
	if known, ok := i.users.Get(user); ok {
		return known.(*apply.Client), nil
	}
	connection, err := dynamic.NewForConfigAndClient(i.shared.As(user))
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %s as %s: %w", i.spec.Name, user, err)
	}
	client := i.client.By(connection)
	i.users.Add(user, client)
	return client, nil
}

// Refusing returns what writes nothing in the cluster, and tries nothing, for a reason.
func (i *identities) Refusing(why error) *apply.Client {
	return i.client.Within(func(apply.Ref) error { return why })
}

// limit is why an object is not one that the cluster is used for; nil when it is.
func (i *identities) limit(ref apply.Ref) error {
	if i.spec.Uses(ref.Namespace) {
		return nil
	}
	return &problem.Error{
		Kind: problem.Refused, Object: ref.String(), Cause: fmt.Sprintf("cluster %s is limited to namespaces %s", i.spec.Name, strings.Join(i.spec.Namespaces, ", ")),
		Remedy: "change namespaces or clusterResources in the cluster's Secret, or remove the object",
	}
}
