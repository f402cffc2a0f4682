package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/source"
)

func newRepoCommand(e *env) *cobra.Command {
	a := &apps{env: e}
	cmd := &cobra.Command{
		Use:     "repo",
		Aliases: []string{"repos", "repository"},
		Short:   "Repositories, and the credentials that open them",
		Example: `  cyan repo add https://git.example/shop --username git --password-stdin < token
  cyan repo list`,
	}
	a.bind(cmd)
	cmd.AddCommand(newRepoAdd(a, v1alpha1.SecretTypeRepository), newRepoList(a, v1alpha1.SecretTypeRepository), newRepoRemove(a, v1alpha1.SecretTypeRepository))
	return cmd
}

func newRepoCredsCommand(e *env) *cobra.Command {
	a := &apps{env: e}
	cmd := &cobra.Command{
		Use: "repocreds", Short: "Credentials for every repository below a URL",
		Example: "  argocd repocreds add https://git.example/ --username git --password-stdin < token",
	}
	a.bind(cmd)
	cmd.AddCommand(newRepoAdd(a, v1alpha1.SecretTypeRepoCredentials), newRepoList(a, v1alpha1.SecretTypeRepoCredentials), newRepoRemove(a, v1alpha1.SecretTypeRepoCredentials))
	return cmd
}

type repoAdd struct {
	*apps
	secretType     string
	text           map[string]*string
	files          map[string]*string
	truths         map[string]*bool
	passwordStdin  bool
	upsert, unseen bool
}

func newRepoAdd(a *apps, secretType string) *cobra.Command {
	o := &repoAdd{apps: a, secretType: secretType, text: map[string]*string{}, files: map[string]*string{}, truths: map[string]*bool{}}
	cmd := &cobra.Command{
		Use:   "add URL",
		Short: "Remember a repository's credentials",
		Example: `  cyan repo add https://git.example/shop --username git --password-stdin < token
  cyan repo add git@git.example:shop.git --ssh-private-key-path ~/.ssh/id_ed25519`,
		Args:              exactly("the repository's URL"),
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
	text("no-proxy", "noProxy", "hosts that are reached without it")
	if secretType == v1alpha1.SecretTypeRepository {
		text("name", "name", "a name for it")
		text("project", "project", "only for Applications of this project")
		text("type", "type", "git; helm and oci are kept as written")
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
	c, err := o.connect()
	if err != nil {
		return err
	}
	if o.secretType == v1alpha1.SecretTypeRepository && !o.unseen && string(secret.Data["type"]) == "git" {
		if err := o.reach(ctx, c, *secret); err != nil {
			return err
		}
	}
	there, err := o.secrets(ctx, c, o.secretType)
	if err != nil {
		return err
	}
	var existing *corev1.Secret
	for i := range there {
		if source.NormalizeURL(string(there[i].Data["url"])) != source.NormalizeURL(url) {
			continue
		}
		existing = &there[i]
		if !o.upsert && !sameData(existing.Data, secret.Data) {
			return &Trouble{Problem: fmt.Sprintf("the repository %s is there already, with other credentials", source.Repository{URL: url}), Remedy: "add --upsert to change them", Code: codeGeneric}
		}
	}
	if err := o.store(ctx, c, existing, secret); err != nil {
		return err
	}
	return o.say(fmt.Sprintf("repository '%s' added", source.Repository{URL: url}))
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
		password, err := o.readInput("-")
		if err != nil {
			return nil, fmt.Errorf("reading the password: %w", err)
		}
		*o.text["password"] = strings.TrimRight(string(password), "\r\n")
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
			return nil, &Trouble{Problem: "reading the credentials: " + err.Error(), Code: codeUsage, cause: err}
		}
		data[key] = content
	}
	for key, value := range o.truths {
		if *value {
			data[key] = []byte("true")
		}
	}
	prefix := map[string]string{v1alpha1.SecretTypeRepository: "repo", v1alpha1.SecretTypeRepoCredentials: "creds"}[o.secretType]
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: secretName(prefix, url), Namespace: o.namespace,
			Labels: map[string]string{v1alpha1.SecretTypeLabel: o.secretType}, Annotations: map[string]string{managedBy: managedByValue},
		},
		Data: data,
	}, nil
}

// reach asks the repository for its refs, so that wrong credentials are told now and not by the controller.
func (o *repoAdd) reach(ctx context.Context, c client.Client, secret corev1.Secret) error {
	book, err := o.book(ctx, c, secret)
	if err != nil {
		return err
	}
	err = withMirrors(func(mirrors *source.Mirrors) error {
		return mirrors.Refresh(ctx, book.Repository(source.OpenedBy(secret).URL))
	})
	if err != nil {
		return &Trouble{Problem: err.Error(), Remedy: "add --skip-check if only the controllers reach it", Code: codeGeneric, cause: err}
	}
	return nil
}

// withMirrors gives git a folder that is gone afterwards.
func withMirrors(use func(*source.Mirrors) error) (err error) {
	dir, err := os.MkdirTemp("", "cyan-git-")
	if err != nil {
		return err
	}
	defer func() {
		if removed := os.RemoveAll(dir); err == nil {
			err = removed
		}
	}()
	mirrors, err := source.Open(dir, source.Options{OwnConfiguration: true})
	if err != nil {
		return err
	}
	defer func() { _ = mirrors.Close() }()
	return use(mirrors)
}

// repository is what a Secret says, without what is secret.
type repository struct {
	Type    string `json:"type,omitempty"`
	Name    string `json:"name,omitempty"`
	URL     string `json:"url"`
	Project string `json:"project,omitempty"`
	// Credentials says which there are.
	Credentials string `json:"credentials"`
}

func newRepoList(a *apps, secretType string) *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the repositories; credentials are named, never shown", Example: "  cyan repo list", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			secrets, err := a.secrets(cmd.Context(), c, secretType)
			if err != nil {
				return err
			}
			return a.showRepositories(secrets, out.value)
		},
	}
	out.bind(cmd, outJSON, outYAML, outWide, outName, "url")
	return cmd
}

func (a *apps) showRepositories(secrets []corev1.Secret, as string) error {
	var all []repository
	for _, s := range secrets {
		opened := source.OpenedBy(s)
		all = append(all, repository{string(s.Data["type"]), string(s.Data["name"]), opened.String(), string(s.Data["project"]), opened.Credentials.String()})
	}
	slices.SortFunc(all, func(x, y repository) int { return strings.Compare(x.URL, y.URL) })
	switch as {
	case outJSON, outYAML:
		return a.dump(all, as)
	case outName, "url":
		for _, r := range all {
			if err := a.say(r.URL); err != nil {
				return err
			}
		}
		return nil
	}
	rows := [][]string{{"TYPE", "NAME", "REPO", "PROJECT", "CREDENTIALS"}}
	for _, r := range all {
		rows = append(rows, []string{orWords(r.Type, "git"), r.Name, r.URL, r.Project, r.Credentials})
	}
	return a.table(rows, 2)
}

func newRepoRemove(a *apps, secretType string) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "rm URL", Aliases: []string{"remove", "delete"}, Short: "Forget a repository's credentials", Example: "  cyan repo rm https://git.example/shop",
		Args: exactly("the repository's URL"),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			list := &corev1.SecretList{}
			return a.complete(cmd, list, client.InNamespace(a.namespace), func() (urls []string) {
				for _, s := range list.Items {
					if s.Labels[v1alpha1.SecretTypeLabel] == secretType && len(args) == 0 {
						urls = append(urls, source.Repository{URL: string(s.Data["url"])}.String())
					}
				}
				return urls
			})
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.removeRepository(cmd.Context(), secretType, args[0], yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (a *apps) removeRepository(ctx context.Context, secretType, url string, yes bool) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	secrets, err := a.secrets(ctx, c, secretType)
	if err != nil {
		return err
	}
	shown := source.Repository{URL: url}.String()
	var there []string
	for i := range secrets {
		s := &secrets[i]
		if source.NormalizeURL(string(s.Data["url"])) != source.NormalizeURL(url) {
			there = append(there, source.Repository{URL: string(s.Data["url"])}.String())
			continue
		}
		if err := a.confirm("forget the credentials of "+shown+"?", yes); err != nil {
			return err
		}
		if err := c.Delete(ctx, s); client.IgnoreNotFound(err) != nil {
			return a.explain(err, "forgetting the repository "+shown)
		}
		return a.say("repository '" + shown + "' removed")
	}
	return missing("repository", a.namespace, shown, there, "`"+a.program+" repo add URL` adds one")
}
