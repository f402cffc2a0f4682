package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// gpgKey is a public key of those who sign commits.
type gpgKey struct {
	KeyID       string `json:"keyID,omitempty" maxLength:"64" doc:"of one that is sent, taken and of no effect, as are the others besides keyData"`
	Fingerprint string `json:"fingerprint,omitempty" maxLength:"128"`
	SubType     string `json:"subType,omitempty" maxLength:"64"`
	Owner       string `json:"owner,omitempty" maxLength:"1024"`
	Trust       string `json:"trust,omitempty" maxLength:"64"`
	KeyData     string `json:"keyData,omitempty" doc:"as gpg --export --armor prints it; not in a list"`
}

type gpgKeys struct {
	Items []gpgKey `json:"items"`
}

type gpgKeyList struct{ Body gpgKeys }

type gpgKeyAnswer struct{ Body gpgKey }

type createGPGKeyInput struct {
	Upsert bool `query:"upsert" doc:"taken, and of no effect: the text of a key that is there is replaced"`
	Body   gpgKey
}

type createdGPGKeys struct {
	Body struct {
		Created gpgKeys  `json:"created"`
		Skipped []string `json:"skipped" doc:"none"`
	}
}

// gpgKeyCalls are the calls about the public keys of those who sign commits.
type gpgKeyCalls struct{ looked }

func (s gpgKeyCalls) register() {
	const all = "/api/v1/gpgkeys"
	tags := []string{"gpgkeys"}
	register(s.service, huma.Operation{OperationID: "listGPGKeys", Method: http.MethodGet, Path: all, Summary: "The public keys of those who sign commits", Tags: tags}, s.list)
	register(s.service, huma.Operation{OperationID: "getGPGKey", Method: http.MethodGet, Path: all + "/{keyID}", Summary: "A public key", Tags: tags}, s.get)
	register(s.service, huma.Operation{OperationID: "createGPGKeys", Method: http.MethodPost, Path: all, Summary: "Add public keys", Tags: tags}, s.create)
	register(s.service, huma.Operation{OperationID: "deleteGPGKey", Method: http.MethodDelete, Path: all, Summary: "Remove a public key: what it has signed is not permitted any more", Tags: tags}, s.delete)
}

func gpgKeyRequest(action, id string) access.Request {
	return access.Request{{{Resource: access.GPGKeys, Action: action, Object: id}}}
}

// gpgKeyOf reads an entry of the ConfigMap. What is no key is shown all the same, by its name.
func gpgKeyOf(id, text string) gpgKey {
	found, err := source.ParsePublicKeys(text)
	if err != nil {
		return gpgKey{KeyID: id, SubType: "invalid"}
	}
	return gpgKey{KeyID: id, Fingerprint: found[0].Fingerprint, SubType: found[0].Algorithm, Owner: found[0].UserID, KeyData: text}
}

// entryOf returns the entry of a key, whatever spelling of its ID or fingerprint was given; "" for none.
func entryOf(entries map[string]string, written string) string {
	wanted := strings.ToUpper(strings.TrimPrefix(strings.ReplaceAll(written, " ", ""), "0x"))
	for _, id := range slices.Sorted(maps.Keys(entries)) {
		if wanted != "" && strings.HasSuffix(wanted, strings.ToUpper(id)) {
			return id
		}
	}
	return ""
}

func noKey(written string) error {
	return &problem.Error{Kind: problem.Absent, Object: "key " + written, Cause: "not found", Remedy: "see the list of keys"}
}

func (s gpgKeyCalls) list(ctx context.Context, c *caller, in *struct {
	KeyID string `query:"keyID" maxLength:"64"`
}) (*gpgKeyList, error) {
	rights, err := c.mayAll()
	if err != nil {
		return nil, err
	}
	entries, err := s.configOf(ctx, settings.GPGKeysName)
	if err != nil {
		return nil, err
	}
	out := &gpgKeyList{gpgKeys{[]gpgKey{}}}
	for _, id := range slices.Sorted(maps.Keys(entries)) {
		if (in.KeyID == "" || entryOf(map[string]string{id: ""}, in.KeyID) != "") && rights.Decide(gpgKeyRequest(access.Get, id)).Allowed {
			key := gpgKeyOf(id, entries[id])
			key.KeyData = ""
			out.Body.Items = append(out.Body.Items, key)
		}
	}
	return out, nil
}

func (s gpgKeyCalls) get(ctx context.Context, c *caller, in *struct {
	KeyID string `path:"keyID" maxLength:"64"`
}) (*gpgKeyAnswer, error) {
	if err := c.allow(gpgKeyRequest(access.Get, in.KeyID)); err != nil {
		return nil, err
	}
	entries, err := s.configOf(ctx, settings.GPGKeysName)
	if err != nil {
		return nil, err
	}
	id := entryOf(entries, in.KeyID)
	if id == "" {
		return nil, noKey(in.KeyID)
	}
	// It may be written in another way than by its ID.
	if err := c.allow(gpgKeyRequest(access.Get, id)); err != nil {
		return nil, err
	}
	return &gpgKeyAnswer{gpgKeyOf(id, entries[id])}, nil
}

func (s gpgKeyCalls) create(ctx context.Context, c *caller, in *createGPGKeyInput) (*createdGPGKeys, error) {
	keys, err := source.ParsePublicKeys(in.Body.KeyData)
	if err != nil {
		// What is sent is read for those alone who may add some key.
		if denied := c.allow(gpgKeyRequest(access.Create, in.Body.KeyID)); denied != nil {
			return nil, denied
		}
		return nil, &problem.Error{Kind: problem.Usage, Object: "keyData", Cause: err.Error(), Remedy: "export the key with `gpg --export --armor KEY-ID`"}
	}
	out := &createdGPGKeys{}
	out.Body.Created.Items, out.Body.Skipped = []gpgKey{}, []string{}
	for _, key := range keys {
		if err := c.allow(gpgKeyRequest(access.Create, key.ID)); err != nil {
			return nil, err
		}
		out.Body.Created.Items = append(out.Body.Created.Items, gpgKeyOf(key.ID, key.Armored))
	}
	return out, s.changeConfig(ctx, settings.GPGKeysName, func(entries map[string]string) error {
		for _, key := range keys {
			entries[key.ID] = key.Armored
		}
		return nil
	})
}

func (s gpgKeyCalls) delete(ctx context.Context, c *caller, in *struct {
	KeyID string `query:"keyID" required:"true" minLength:"1" maxLength:"64"`
}) (*nothing, error) {
	if err := c.allow(gpgKeyRequest(access.Delete, in.KeyID)); err != nil {
		return nil, err
	}
	return &nothing{}, s.changeConfig(ctx, settings.GPGKeysName, func(entries map[string]string) error {
		id := entryOf(entries, in.KeyID)
		if id == "" {
			return noKey(in.KeyID)
		}
		if err := c.allow(gpgKeyRequest(access.Delete, id)); err != nil {
			return err
		}
		delete(entries, id)
		return nil
	})
}

// changeConfig has the entries of a ConfigMap of the control namespace changed, which is made when it is missing.
func (s looked) changeConfig(ctx context.Context, name string, change func(map[string]string) error) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		written := &corev1.ConfigMap{}
		err := s.Writer.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: name}, written)
		missing := apierrors.IsNotFound(err)
		if err != nil && !missing {
			return err
		}
		if written.Data == nil {
			written.Data = map[string]string{}
		}
		if err := change(written.Data); err != nil {
			return err
		}
		if missing {
			// Existing tools find their ConfigMaps by this label.
			written.ObjectMeta = metav1.ObjectMeta{Namespace: s.Namespace, Name: name, Labels: map[string]string{"app.kubernetes.io/part-of": "argocd"}}
			return s.Writer.Create(ctx, written)
		}
		return s.Writer.Update(ctx, written)
	})
}
