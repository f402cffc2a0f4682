package delivery

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/app"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/remote"
	"github.com/cyan-cd/cyan/internal/view"
)

// wanted is which deliveries are looked for: those of all Applications where none is named.
type wanted struct {
	namespace, application string
	limit                  int
}

// deliveries are where deliveries are seen.
type deliveries interface {
	// look returns deliveries, newest first.
	look(ctx context.Context, of wanted) ([]view.Delivery, error)
	close()
}

// open returns where deliveries are seen: through the server that a person has logged in to, or in the cluster.
func open(a *kit.Control) (deliveries, error) {
	s, is, err := kit.Remote(a.Env)
	if err != nil {
		return nil, err
	}
	c, err := a.ConnectServed()
	if err != nil {
		return nil, err
	}
	if is {
		return served{a, s, c}, nil
	}
	return newObserved(a, c), nil
}

// served are the deliveries that a server shows.
type served struct {
	a *kit.Control
	remote.Server
	apps client.Client
}

func (s served) close() {}

func (s served) look(ctx context.Context, of wanted) ([]view.Delivery, error) {
	query := url.Values{"limit": {strconv.Itoa(of.limit)}}
	if of.namespace == "" && s.a.NamesNamespace() {
		of.namespace = s.a.Namespace
	}
	for name, value := range map[string]string{"namespace": of.namespace, "application": of.application} {
		if value != "" {
			query.Set(name, value)
		}
	}
	var answer struct{ Items []view.Delivery }
	if err := s.Do(ctx, http.MethodGet, "/api/v1/view/deliveries", query, nil, &answer); err != nil {
		return nil, err
	}
	if len(answer.Items) == 0 && of.application != "" {
		// That there is none is not that there is no such Application.
		if _, err := app.Find(ctx, s.a, s.apps, named(of)); err != nil {
			return nil, err
		}
	}
	return answer.Items, nil
}

// named is an Application as a person names it.
func named(of wanted) string {
	if of.namespace == "" {
		return of.application
	}
	return of.namespace + "/" + of.application
}

// completeApplications completes the name of one.
func completeApplications(a *kit.Control) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all := &v1alpha1.ApplicationList{}
		return a.CompleteObjects(cmd, all, a.Namespace, func() (names []string) {
			for i := range all.Items {
				names = append(names, all.Items[i].Name)
			}
			return names
		})
	}
}
