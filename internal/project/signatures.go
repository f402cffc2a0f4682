package project

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// longKeyID is the number of hexadecimal digits of a gpg key ID that is not easily made twice.
const longKeyID = 16

// signatureKey is a key by which the commits of a project have to be signed.
type signatureKey struct {
	KeyID string `json:"keyID"`
}

// SignerIDs returns the IDs of the gpg keys by one of which every commit of a project has to be signed; none when a
// project asks for no signature. An entry that names no key for certain is an error.
func SignerIDs(project *v1alpha1.AppProject) ([]string, error) {
	keys, err := decodeAll[signatureKey](project.Spec.SignatureKeys)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(keys))
	for i, key := range keys {
		id := shortened(key.KeyID)
		if _, err := hex.DecodeString(id); err != nil || len(id) != longKeyID {
			return nil, fmt.Errorf("entry %d is invalid: keyID %.80q is not the ID of a gpg key, of at least %d hexadecimal digits", i+1, key.KeyID, longKeyID)
		}
		ids[i] = id
	}
	return ids, nil
}

// shortened returns a key ID, or the fingerprint that ends with it, as key IDs are compared.
func shortened(id string) string {
	id = strings.ToUpper(strings.TrimPrefix(strings.TrimSpace(id), "0x"))
	return id[max(0, len(id)-longKeyID):]
}

// Signed is what was found of the signature of a commit, or of the annotated tag that names it.
type Signed interface {
	// SignedBy reports whether the signature is good and of one of some keys.
	SignedBy(keyIDs []string) bool
	// String is a sentence: "commit 0123456 is not signed".
	String() string
}

// CheckSignature returns why a project does not permit a commit with a signature; nil when it does. published are the
// IDs of the keys that signatures could be checked against.
func CheckSignature(project *v1alpha1.AppProject, found Signed, published []string) *Violation {
	ids, err := SignerIDs(project)
	object := "AppProject " + project.Name + ": spec.signatureKeys"
	switch {
	case err != nil:
		return &Violation{object, err.Error(), "correct it"}
	case len(ids) == 0 || found.SignedBy(ids):
		return nil
	}
	known := make([]string, len(published))
	for i, id := range published {
		known[i] = shortened(id)
	}
	remedy := "sign the commit with one of them, or add the key that has signed it to the project"
	missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(known, id) })
	if len(missing) > 0 {
		remedy = "add the public key of " + strings.Join(missing, ", ") + " to ConfigMap argocd-gpg-keys-cm, or " + remedy
	}
	return &Violation{object, found.String() + ", and has to be signed with one of the gpg keys " + strings.Join(ids, ", "), remedy}
}
