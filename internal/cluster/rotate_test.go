package cluster

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// tokenFor makes a token that names a subject, as an API server signs it.
func tokenFor(subject string) string {
	claims, _ := json.Marshal(map[string]string{"sub": subject}) //nolint:errchkjson // strings
	return "e30." + base64.RawURLEncoding.EncodeToString(claims) + ".c2ln"
}

// far is a cluster in memory that puts tokens into Secrets, as its controller manager does.
type far struct {
	client.WithWatch
	// used are the tokens by which it was connected to.
	used []string
	made *corev1.Secret
	// refuses has a verb and the token by which it fails.
	refuses map[string]string
	// unknown is how often a new token is not accepted yet.
	unknown int
}

func newFar(existing ...client.Object) *far {
	f := &far{refuses: map[string]string{}}
	fail := func(verb string) error {
		if token, ok := f.refuses[verb]; ok && token == f.used[len(f.used)-1] {
			return errors.New(verb + " refused")
		}
		return nil
	}
	f.WithWatch = fake.NewClientBuilder().WithObjects(existing...).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			if err := fail("create"); err != nil {
				return err
			}
			if s, ok := o.(*corev1.Secret); ok && s.Type == corev1.SecretTypeServiceAccountToken {
				s.Data = map[string][]byte{corev1.ServiceAccountTokenKey: []byte("new")}
				f.made = s
			}
			return c.Create(ctx, o, options...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			if err := fail("list"); err != nil {
				return err
			}
			if f.unknown > 0 && f.used[len(f.used)-1] == "new" {
				f.unknown--
				return apierrors.NewUnauthorized("Unauthorized")
			}
			return c.List(ctx, list, options...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.DeleteOption) error {
			if err := fail("delete"); err != nil {
				return err
			}
			return c.Delete(ctx, o, options...)
		},
		Watch: func(_ context.Context, _ client.WithWatch, _ client.ObjectList, _ ...client.ListOption) (watch.Interface, error) {
			if err := fail("watch"); err != nil {
				return nil, err
			}
			// A watch begins with what is there.
			w := watch.NewFakeWithChanSize(1, false)
			w.Add(f.made)
			return w, nil
		},
	}).Build()
	return f
}

func (f *far) connect(config *rest.Config) (client.WithWatch, error) {
	f.used = append(f.used, config.BearerToken)
	if config.BearerToken == "" {
		return nil, errors.New("no token")
	}
	return f, nil
}

// secrets returns the names of the Secrets of a namespace, those that were made by their beginning.
func (f *far) secrets(t *testing.T, namespace string) []string {
	t.Helper()
	var all corev1.SecretList
	if err := f.List(t.Context(), &all, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range all.Items {
		name := s.Name
		if s.GenerateName != "" {
			name = s.GenerateName
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Whatever fails, one token works and is kept, and nothing that was made for another is left.
func TestRotation(t *testing.T) {
	account := func(namespace, name, token string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeServiceAccountToken, Data: map[string][]byte{corev1.ServiceAccountTokenKey: []byte(token)}}
	}
	deployer := tokenFor("system:serviceaccount:deploy:deployer")
	for _, c := range []struct {
		name, config string
		asked        types.NamespacedName
		there        []client.Object
		refuses      map[string]string
		// changed is set where somebody else has changed the cluster's Secret meanwhile.
		changed bool
		kept    string
		want    Rotated
		left    []string
		fails   string
	}{
		{
			name: "the account is the one that the token names", config: `{"bearerToken":"` + deployer + `","tlsClientConfig":{"insecure":true}}`, there: []client.Object{account("deploy", "old", deployer), account("deploy", "other", "x")},
			kept: `{"bearerToken":"new","tlsClientConfig":{"insecure":true}}`, want: Rotated{Account: types.NamespacedName{Namespace: "deploy", Name: "deployer"}}, left: []string{"deployer-token-", "other"},
		},
		{
			name: "a token that names none is that of existing installations", config: `{"bearerToken":"opaque"}`, there: []client.Object{account("kube-system", "old", "opaque")},
			kept: `{"bearerToken":"new"}`, want: Rotated{Account: types.NamespacedName{Namespace: "kube-system", Name: "argocd-manager"}}, left: []string{"argocd-manager-token-"},
		},
		{
			name: "a token of somebody who is no service account", config: `{"bearerToken":"` + tokenFor("system:node:a:b") + `"}`,
			kept: `{"bearerToken":"new"}`, want: Rotated{Account: types.NamespacedName{Namespace: "kube-system", Name: "argocd-manager"}, Left: true}, left: []string{"argocd-manager-token-"},
		},
		{
			name: "another account is asked for", config: `{"bearerToken":"` + deployer + `"}`, asked: types.NamespacedName{Namespace: "ci", Name: "bot"}, there: []client.Object{account("deploy", "old", deployer)},
			kept: `{"bearerToken":"new"}`, want: Rotated{Account: types.NamespacedName{Namespace: "ci", Name: "bot"}, Left: true}, left: []string{"bot-token-"},
		},
		{
			name: "a Secret of another type that holds the token is not its own", config: `{"bearerToken":"opaque"}`,
			there: []client.Object{&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "copy"}, Data: map[string][]byte{corev1.ServiceAccountTokenKey: []byte("opaque")}}},
			kept:  `{"bearerToken":"new"}`, want: Rotated{Account: types.NamespacedName{Namespace: "kube-system", Name: "argocd-manager"}, Left: true}, left: []string{"argocd-manager-token-", "copy"},
		},
		{name: "no token", config: `{"username":"a","password":"b"}`, kept: `{"username":"a","password":"b"}`, fails: `cluster "far": reached without a token of a service account; register it anew with one`},
		{name: "no JSON", config: `{`, kept: `{`, fails: `cluster "far": reached without a token of a service account; register it anew with one`},
		{
			name: "no Secret may be made", config: `{"bearerToken":"opaque"}`, there: []client.Object{account("kube-system", "old", "opaque")}, refuses: map[string]string{"create": "opaque"},
			kept: `{"bearerToken":"opaque"}`, left: []string{"old"}, fails: "making a token of service account kube-system/argocd-manager: create refused",
		},
		{
			name: "no token comes", config: `{"bearerToken":"opaque"}`, there: []client.Object{account("kube-system", "old", "opaque")}, refuses: map[string]string{"watch": "opaque"},
			kept: `{"bearerToken":"opaque"}`, left: []string{"old"}, fails: "waiting for a token: watch refused",
		},
		{
			name: "the new token does not work", config: `{"bearerToken":"opaque"}`, there: []client.Object{account("kube-system", "old", "opaque")}, refuses: map[string]string{"list": "new"},
			kept: `{"bearerToken":"opaque"}`, left: []string{"old"}, fails: "looking for the old token with the new one: list refused",
		},
		{
			name: "the cluster's Secret has been changed meanwhile", config: `{"bearerToken":"opaque"}`, there: []client.Object{account("kube-system", "old", "opaque")}, changed: true,
			kept: `{"bearerToken":"opaque"}`, left: []string{"old"}, fails: "writing Secret far: ",
		},
		{
			name: "the old token cannot be deleted", config: `{"bearerToken":"opaque"}`, there: []client.Object{account("kube-system", "old", "opaque")}, refuses: map[string]string{"delete": "new"},
			kept: `{"bearerToken":"new"}`, left: []string{"argocd-manager-token-", "old"}, fails: "deleting the old token, Secret kube-system/old: delete refused",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "far"}, Data: map[string][]byte{"name": []byte("far"), "server": []byte("https://far.example"), "config": []byte(c.config)}}
			control := fake.NewClientBuilder().WithObjects(kept).Build()
			if err := control.Get(t.Context(), client.ObjectKeyFromObject(kept), kept); err != nil {
				t.Fatal(err)
			}
			if c.changed {
				other := kept.DeepCopy()
				other.Labels = map[string]string{"a": "b"}
				if err := control.Update(t.Context(), other); err != nil {
					t.Fatal(err)
				}
			}
			f := newFar(c.there...)
			if c.refuses != nil {
				f.refuses = c.refuses
			}
			connection, _ := parseConnection([]byte(c.config))
			got, err := Rotation{Control: control, Secret: kept, Config: &rest.Config{BearerToken: connection.BearerToken}, Account: c.asked, Connect: f.connect}.Run(t.Context())
			switch {
			case c.fails == "" && (err != nil || got != c.want):
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			case c.fails != "" && (err == nil || !strings.HasPrefix(err.Error(), c.fails)):
				t.Errorf("got %v, want %s", err, c.fails)
			}
			var now corev1.Secret
			if err := control.Get(t.Context(), client.ObjectKeyFromObject(kept), &now); err != nil || string(now.Data["config"]) != c.kept || string(now.Data["server"]) != "https://far.example" {
				t.Errorf("kept: got %s, %v, want %s", now.Data["config"], err, c.kept)
			}
			if f.refuses = nil; len(c.left) > 0 {
				if left := f.secrets(t, accountOf(connection.BearerToken, c.asked).Namespace); !slices.Equal(left, c.left) {
					t.Errorf("left on the cluster: got %v, want %v", left, c.left)
				}
			}
		})
	}
}

// A token that an API server does not know yet is tried until it does, and one that it never knows is refused after a
// time, with nothing kept or left of it.
func TestNewTokensAreNotAcceptedAtOnce(t *testing.T) {
	for _, c := range []struct {
		name    string
		unknown int
		took    time.Duration
		kept    string
		fails   string
	}{
		{"at once", 0, 0, "new", ""},
		{"after some time", 3, 3 * tokenEvery, "new", ""},
		{"never", 1 << 30, tokenTimeout, "old", "looking for the old token with the new one: Unauthorized"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				registered := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "far"}, Data: map[string][]byte{"name": []byte("far"), "config": []byte(`{"bearerToken":"old"}`)}}
				control := fake.NewClientBuilder().WithObjects(registered).Build()
				if err := control.Get(t.Context(), client.ObjectKeyFromObject(registered), registered); err != nil {
					t.Fatal(err)
				}
				f := newFar()
				f.unknown = c.unknown
				began := time.Now()
				_, err := Rotation{Control: control, Secret: registered, Config: &rest.Config{BearerToken: "old"}, Connect: f.connect}.Run(t.Context())
				if c.fails == "" && err != nil || c.fails != "" && (err == nil || err.Error() != c.fails) {
					t.Errorf("got %v, want %q", err, c.fails)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("took %s, want %s", took, c.took)
				}
				if err := control.Get(t.Context(), client.ObjectKeyFromObject(registered), registered); err != nil || string(registered.Data["config"]) != `{"bearerToken":"`+c.kept+`"}` {
					t.Errorf("kept is %s, %v", registered.Data["config"], err)
				}
				f.unknown = 0
				if left := f.secrets(t, ManagerNamespace); (len(left) == 0) != (c.fails != "") {
					t.Errorf("left on the cluster: %v", left)
				}
			})
		})
	}
}
