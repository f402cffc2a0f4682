package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/cluster"
)

// managerRole is the name that existing installations use, so that registering a cluster again finds what is there.
const managerRole = "argocd-manager-role"

// token returns the token of the service account to deploy with, which is made unless one was named.
func (o *clusterAdd) token(ctx context.Context, c client.WithWatch) (string, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: cluster.ManagerAccount, Namespace: o.systemNamespace}}
	if o.serviceAccount != "" {
		account.Name = o.serviceAccount
		if err := c.Get(ctx, client.ObjectKeyFromObject(account), account); err != nil {
			return "", o.Explain(err, "reading service account "+account.Namespace+"/"+account.Name)
		}
	} else if err := o.makeAccount(ctx, c, account); err != nil {
		return "", err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: account.Name + "-long-lived-token", Namespace: account.Namespace,
			Annotations: map[string]string{corev1.ServiceAccountNameKey: account.Name},
		},
		Type: corev1.SecretTypeServiceAccountToken,
	}
	if err := createUnlessThere(ctx, c, secret); err != nil {
		return "", o.Explain(err, "making a token for service account "+account.Name)
	}
	token, err := cluster.AwaitToken(ctx, c, secret)
	return token, o.Explain(err, "")
}

// makeAccount makes the service account and grants its rights: everything, or only within the given namespaces.
func (o *clusterAdd) makeAccount(ctx context.Context, c client.Client, account *corev1.ServiceAccount) error {
	everything := []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}}
	subjects := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: account.Name, Namespace: account.Namespace}}
	objects := []client.Object{account}
	for _, namespace := range o.namespaces {
		meta := metav1.ObjectMeta{Name: managerRole, Namespace: namespace}
		objects = append(objects,
			&rbacv1.Role{ObjectMeta: meta, Rules: everything},
			&rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: managerRole + "-binding", Namespace: namespace}, Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: managerRole},
			})
	}
	if len(o.namespaces) == 0 || o.clusterResources {
		rules := append(everything, rbacv1.PolicyRule{NonResourceURLs: []string{"*"}, Verbs: []string{"*"}})
		objects = append(objects,
			&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: managerRole}, Rules: rules},
			&rbacv1.ClusterRoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: managerRole + "-binding"}, Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: managerRole},
			})
	}
	for _, object := range objects {
		if err := createUnlessThere(ctx, c, object); err != nil {
			return o.Explain(err, fmt.Sprintf("making %T %s", object, object.GetName()))
		}
	}
	return nil
}

func createUnlessThere(ctx context.Context, c client.Client, object client.Object) error {
	err := c.Create(ctx, object)
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
