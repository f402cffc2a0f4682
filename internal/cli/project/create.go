package project

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newCreate(a *kit.Control) *cobra.Command {
	var description string
	var sources, destinations, kinds []string
	var upsert bool
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create a project",
		Example:           "  cyan proj create shop --src https://git.example/shop --dest https://kubernetes.default.svc,shop --allow-cluster-resource rbac.authorization.k8s.io/ClusterRole",
		Args:              kit.Exactly("the project's name"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := &v1alpha1.AppProject{
				ObjectMeta: metav1.ObjectMeta{Name: args[0], Namespace: a.Namespace},
				Spec:       v1alpha1.AppProjectSpec{Description: description, SourceRepos: sources},
			}
			for _, d := range destinations {
				parts := strings.Split(d, ",")
				if len(parts) != 2 {
					return kit.Usage("--dest", fmt.Sprintf("%q is not of the form SERVER,NAMESPACE", d), "")
				}
				p.Spec.Destinations = append(p.Spec.Destinations, v1alpha1.ApplicationDestination{Server: parts[0], Namespace: parts[1]})
			}
			for _, k := range kinds {
				group, kind, ok := strings.Cut(k, "/")
				if !ok {
					return kit.Usage("--allow-cluster-resource", fmt.Sprintf("%q is not of the form GROUP/KIND", k), "")
				}
				p.Spec.ClusterResourceWhitelist = append(p.Spec.ClusterResourceWhitelist, v1alpha1.GroupKindPattern{Group: group, Kind: kind})
			}
			c, err := a.Connect()
			if err != nil {
				return err
			}
			err = c.Create(cmd.Context(), p)
			if apierrors.IsAlreadyExists(err) && upsert {
				live := &v1alpha1.AppProject{}
				if err = c.Get(cmd.Context(), client.ObjectKeyFromObject(p), live); err == nil {
					before := live.DeepCopy()
					live.Spec = p.Spec
					err = patch.Object(cmd.Context(), c, before, live)
				}
			}
			if apierrors.IsAlreadyExists(err) {
				return &problem.Error{Kind: problem.Refused, Object: fmt.Sprintf("AppProject %q", p.Name), Cause: "exists already", Remedy: "add --upsert to change it"}
			}
			if err != nil {
				return a.Explain(err, "creating AppProject "+p.Name)
			}
			return a.Say(fmt.Sprintf("project '%s' created", p.Name))
		},
	}
	f := cmd.Flags()
	f.StringVar(&description, "description", "", "what it is for")
	f.StringArrayVarP(&sources, "src", "s", nil, "repository that is allowed; a glob, and a leading ! denies")
	f.StringArrayVarP(&destinations, "dest", "d", nil, "SERVER,NAMESPACE that is allowed; globs, and a leading ! denies")
	f.StringArrayVar(&kinds, "allow-cluster-resource", nil, "GROUP/KIND without a namespace that is allowed")
	f.BoolVar(&upsert, "upsert", false, "change it if it is there already")
	return cmd
}
