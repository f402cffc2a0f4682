package cluster

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newRotateAuth(a *kit.Control) *cobra.Command {
	var of clusterAdd
	cmd := &cobra.Command{
		Use: "rotate-auth SERVER|NAME", Short: "Have a new token made for a cluster, and the old one forgotten", Example: "  cyan cluster rotate-auth staging",
		Args: kit.Exactly("the cluster's URL or name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			of.Control = a
			return of.rotate(cmd, args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&of.serviceAccount, "service-account", managerAccount, "the service account whose token it is")
	f.StringVar(&of.systemNamespace, "system-namespace", "kube-system", "namespace of the service account")
	return cmd
}

// rotate makes a second token with the first, keeps it, and then takes the first one's Secret away, so that at any time
// one of both works.
func (o *clusterAdd) rotate(cmd *cobra.Command, name string) error {
	ctx := cmd.Context()
	c, err := o.Connect()
	if err != nil {
		return err
	}
	registered, err := Find(ctx, o.Control, c, name)
	if err != nil {
		return err
	}
	connection := cluster.Connection{}
	if err := json.Unmarshal(registered.secret.Data["config"], &connection); err != nil || connection.BearerToken == "" {
		return &problem.Error{Kind: problem.Refused, Object: fmt.Sprintf("cluster %q", registered.Name), Cause: "reached without a token of a service account", Remedy: "register it anew with " + o.Command("cluster add CONTEXT --upsert")}
	}
	spec, err := registered.Spec()
	if err != nil {
		return err
	}
	remote, err := client.NewWithWatch(spec.Config, client.Options{Scheme: kit.Scheme()})
	if err != nil {
		return o.Explain(err, "reaching the cluster "+registered.Name)
	}
	fresh := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: o.serviceAccount + "-token-", Namespace: o.systemNamespace,
			Annotations: map[string]string{corev1.ServiceAccountNameKey: o.serviceAccount},
		},
		Type: corev1.SecretTypeServiceAccountToken,
	}
	if err := remote.Create(ctx, fresh); err != nil {
		return o.Explain(err, "making a token for service account "+o.serviceAccount)
	}
	token, err := o.awaitToken(ctx, remote, fresh)
	if err != nil {
		return err
	}
	old := connection.BearerToken
	connection.BearerToken = token
	if err := o.replace(cmd, c, registered, connection); err != nil {
		return err
	}
	if err := o.forget(cmd, spec.Config, token, old); err != nil {
		return err
	}
	return o.Say(fmt.Sprintf("cluster '%s' rotated auth", registered.Name))
}

// replace keeps a connection in the Secret of a cluster, with all other fields as they are.
func (o *clusterAdd) replace(cmd *cobra.Command, c client.Client, registered Registered, connection cluster.Connection) error {
	config := map[string]any{}
	if err := json.Unmarshal(registered.secret.Data["config"], &config); err != nil {
		return err
	}
	config["bearerToken"] = connection.BearerToken
	data, err := json.Marshal(config)
	if err != nil {
		return err
	}
	before := registered.secret.DeepCopy()
	registered.secret.Data["config"] = data
	err = c.Patch(cmd.Context(), registered.secret, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	return o.Explain(err, "writing Secret "+registered.secret.Name)
}

// forget deletes the Secret of the old token on the cluster, by the rights of the new one.
func (o *clusterAdd) forget(cmd *cobra.Command, config *rest.Config, token, old string) error {
	config = rest.CopyConfig(config)
	config.BearerToken = token
	remote, err := client.New(config, client.Options{Scheme: kit.Scheme()})
	if err != nil {
		return o.Explain(err, "reaching the cluster with its new token")
	}
	all := &corev1.SecretList{}
	if err := remote.List(cmd.Context(), all, client.InNamespace(o.systemNamespace)); err != nil {
		return o.Explain(err, "looking for the old token")
	}
	for i := range all.Items {
		s := &all.Items[i]
		if s.Type == corev1.SecretTypeServiceAccountToken && string(s.Data[corev1.ServiceAccountTokenKey]) == old {
			return o.Explain(client.IgnoreNotFound(remote.Delete(cmd.Context(), s)), "deleting the old token")
		}
	}
	o.Note("note: the Secret of the old token was not found in namespace %s; the token may still work", o.systemNamespace)
	return nil
}
