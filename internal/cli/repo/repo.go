// Package repo is about repositories, and the credentials that open them.
package repo

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// New makes the command repo.
func New(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "repo",
		Aliases: []string{"repos", "repository"},
		Short:   "Repositories, and the credentials that open them",
		Example: `  cyan repo add https://git.example/shop --username git --password-stdin < token
  cyan repo list`,
	}
	a := kit.NewControl(e, cmd)
	cmd.AddCommand(newAdd(a, v1alpha1.SecretTypeRepository), newList(a, v1alpha1.SecretTypeRepository), newGet(a), newRemove(a, v1alpha1.SecretTypeRepository))
	return cmd
}

// NewTemplates makes the command repocreds, for credentials of all repositories below a URL.
func NewTemplates(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "repocreds", Short: "Credentials for every repository below a URL",
		Example: "  argocd repocreds add https://git.example/ --username git --password-stdin < token",
	}
	a := kit.NewControl(e, cmd)
	cmd.AddCommand(newAdd(a, v1alpha1.SecretTypeRepoCredentials), newList(a, v1alpha1.SecretTypeRepoCredentials), newRemove(a, v1alpha1.SecretTypeRepoCredentials))
	return cmd
}
