package repo

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
	repourl "github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/source"
)

type repoAdd struct {
	*kit.Control
	secretType     string
	text           map[string]*string
	files          map[string]*string
	truths         map[string]*bool
	passwordStdin  bool
	proxyURL       *string
	upsert, unseen bool
}

func newAdd(a *kit.Control, secretType string) *cobra.Command {
	o := &repoAdd{Control: a, secretType: secretType, text: map[string]*string{}, files: map[string]*string{}, truths: map[string]*bool{}}
	cmd := &cobra.Command{
		Use:   "add URL",
		Short: "Remember a repository's credentials",
		Example: `  cyan repo add https://git.example/shop --username git --password-stdin < token
  cyan repo add git@git.example:shop.git --ssh-private-key-path ~/.ssh/id_ed25519`,
		Args:              kit.Exactly("the repository's URL"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	f := cmd.Flags()
	text := func(flag, key, usage string) { o.text[key] = f.String(flag, "", usage) }
	file := func(flag, key, usage string) { o.files[key] = f.String(flag, "", usage) }
	truth := func(flag, key, usage string) { o.truths[key] = f.Bool(flag, false, usage) }
	text("username", "username", "user name")
	text("password", "password", "password or token; --password-stdin keeps it out of the shell's history")
	f.BoolVar(&o.passwordStdin, "password-stdin", false, "read the password from standard input")
	text("bearer-token", "bearerToken", "token for Bitbucket Data Center and the like")
	file("ssh-private-key-path", "sshPrivateKey", "file with the SSH key")
	file("tls-client-cert-path", "tlsClientCertData", "file with the TLS client certificate")
	file("tls-client-cert-key-path", "tlsClientCertKey", "file with its key")
	truth("insecure-skip-server-verification", "insecure", "leave the server's identity unchecked, TLS or SSH")
	truth("insecure-ignore-host-key", "insecureIgnoreHostKey", "leave the SSH host key unchecked")
	text("proxy", "proxy", "proxy for http and https")
	if secretType == v1alpha1.SecretTypeRepoCredentials {
		o.proxyURL = f.String("proxy-url", "", "the same, by argocd's name of it")
	}
	text("no-proxy", "noProxy", "hosts that are reached without it")
	text("github-app-id", "githubAppID", "ID of the GitHub App")
	text("github-app-installation-id", "githubAppInstallationID", "ID of its installation")
	text("github-app-enterprise-base-url", "githubAppEnterpriseBaseUrl", "URL of a GitHub Enterprise")
	file("github-app-private-key-path", "githubAppPrivateKey", "file with the GitHub App's key")
	truth("force-http-basic-auth", "forceHttpBasicAuth", "send the user name and the password at once")
	text("type", "type", "git; helm and oci are kept as written")
	if secretType == v1alpha1.SecretTypeRepository {
		truth("enable-lfs", "enableLfs", "fetch files of Git LFS")
		text("depth", "depth", "how many commits are fetched")
		text("name", "name", "a name for it")
		text("project", "project", "only for Applications of this project")
		f.BoolVar(&o.unseen, "skip-check", false, "do not try to reach it from here first")
	}
	f.BoolVar(&o.upsert, "upsert", false, "change it if it is there already")
	return cmd
}

func (o *repoAdd) run(ctx context.Context, url string) error {
	secret, err := o.secret(url)
	if err != nil {
		return err
	}
	c, err := o.Connect()
	if err != nil {
		return err
	}
	if o.secretType == v1alpha1.SecretTypeRepository && !o.unseen && string(secret.Data["type"]) == "git" {
		if err := o.reach(ctx, c, *secret); err != nil {
			return err
		}
	}
	there, err := o.Secrets(ctx, c, o.secretType)
	if err != nil {
		return err
	}
	existing, err := o.existing(there, secret, url)
	if err != nil {
		return err
	}
	if err := o.StoreSecret(ctx, c, existing, secret); err != nil {
		return err
	}
	noteUnserved(o.Control, *secret)
	return o.Say(fmt.Sprintf("repository '%s' added", source.Repository{URL: url}))
}

// existing returns the Secret that a repository has already; an error if it must not be changed.
func (o *repoAdd) existing(there []corev1.Secret, secret *corev1.Secret, url string) (*corev1.Secret, error) {
	var existing *corev1.Secret
	for i := range there {
		if !repourl.Same(string(there[i].Data["url"]), url) || string(there[i].Data["project"]) != string(secret.Data["project"]) {
			continue
		}
		existing = &there[i]
		if !o.upsert && !sameData(existing.Data, secret.Data) {
			return nil, &problem.Error{
				Kind: problem.Refused, Object: "repository " + source.Repository{URL: url}.String(), Cause: "exists already, with other credentials", Remedy: "add --upsert to change them",
			}
		}
	}
	return existing, nil
}

func sameData(a, b map[string][]byte) bool {
	for k, v := range b {
		if string(a[k]) != string(v) {
			return false
		}
	}
	return len(a) == len(b)
}

func (o *repoAdd) secret(url string) (*corev1.Secret, error) {
	data := map[string][]byte{"url": []byte(url)}
	if o.secretType == v1alpha1.SecretTypeRepository {
		data["type"] = []byte("git")
	}
	if o.passwordStdin {
		password, err := o.ReadInput("-")
		if err != nil {
			return nil, fmt.Errorf("reading the password: %w", err)
		}
		*o.text["password"] = strings.TrimRight(string(password), "\r\n")
	}
	if o.proxyURL != nil && *o.proxyURL != "" {
		*o.text["proxy"] = *o.proxyURL
	}
	for key, value := range o.text {
		if *value != "" {
			data[key] = []byte(*value)
		}
	}
	for key, path := range o.files {
		if *path == "" {
			continue
		}
		content, err := os.ReadFile(*path)
		if err != nil {
			return nil, &problem.Error{Kind: problem.Usage, Object: "credentials", Cause: err.Error(), Err: err}
		}
		data[key] = content
	}
	for key, value := range o.truths {
		if *value {
			data[key] = []byte("true")
		}
	}
	prefix := map[string]string{v1alpha1.SecretTypeRepository: "repo", v1alpha1.SecretTypeRepoCredentials: "creds"}[o.secretType]
	return o.NewSecret(o.secretType, prefix, url, data), nil
}

// reach asks the repository for its refs, so that wrong credentials are known now and not from the controller.
func (o *repoAdd) reach(ctx context.Context, c client.Client, secret corev1.Secret) error {
	book, err := Book(ctx, o.Control, c, secret)
	if err != nil {
		return err
	}
	err = WithMirrors(func(mirrors *source.Mirrors) error {
		return mirrors.Refresh(ctx, book.Repository(source.OpenedBy(secret).URL, string(secret.Data["project"])))
	})
	if err != nil {
		return &problem.Error{Kind: problem.Refused, Cause: err.Error(), Remedy: "add --skip-check if only the controllers reach it", Err: err}
	}
	return nil
}
