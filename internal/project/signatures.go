package project

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// longKeyID is the number of hexadecimal digits of a gpg key ID that is not easily made twice.
const longKeyID = 16

// sshKeyPrefix is how the IDs of ssh keys begin, which are fingerprints as ssh-keygen prints them.
const sshKeyPrefix = "SHA256:"

// IsSSHKey reports whether the ID of a key is that of an ssh key.
func IsSSHKey(id string) bool { return strings.HasPrefix(id, sshKeyPrefix) }

// signatureKey is a key by which the commits of a project have to be signed.
type signatureKey struct {
	KeyID string `json:"keyID"`
}

// signerIDs returns the IDs of the keys of spec.signatureKeys; none when a project names none. An entry that names no
// key for certain is an error.
func signerIDs(project *v1alpha1.AppProject) ([]string, error) {
	keys, err := decodeAll[signatureKey](project.Spec.SignatureKeys)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(keys))
	for i, key := range keys {
		if ids[i], err = ParseKeyID(key.KeyID); err != nil {
			return nil, fmt.Errorf("entry %d is invalid: keyID %w", i+1, err)
		}
	}
	return ids, nil
}

// ParseKeyID returns the ID of a key as IDs are compared: of a gpg key its last 16 hexadecimal digits, of an ssh key
// the fingerprint with its SHA256: before it. What names no key for certain is an error.
func ParseKeyID(written string) (string, error) {
	id := strings.TrimSpace(written)
	if fingerprint, ok := strings.CutPrefix(id, sshKeyPrefix); ok {
		if sum, err := base64.RawStdEncoding.Strict().DecodeString(fingerprint); err != nil || len(sum) != 32 {
			return "", fmt.Errorf("%.80q is not the fingerprint of an ssh key, as `ssh-keygen -l` prints it", written)
		}
		return id, nil
	}
	id = shortened(id)
	if _, err := hex.DecodeString(id); err != nil || len(id) != longKeyID {
		return "", fmt.Errorf("%.80q is not the ID of a gpg key, of at least %d hexadecimal digits, or of an ssh key, which begins with %s", written, longKeyID, sshKeyPrefix)
	}
	return id, nil
}

// shortened returns the ID of a gpg key, or the fingerprint that ends with it, as key IDs are compared.
func shortened(id string) string {
	id = strings.ToUpper(strings.TrimPrefix(id, "0x"))
	return id[max(0, len(id)-longKeyID):]
}

// Signed is what was found of the signature of a commit, or of the annotated tag that names it.
type Signed interface {
	// SignedBy reports whether the signature is good and of one of some keys.
	SignedBy(keyIDs []string) bool
	// String is a sentence: "commit 0123456 is not signed".
	String() string
}

// Signers are the keys by one of which the commits of a repository have to be signed. The zero value asks for no
// signature.
type Signers struct {
	object string
	ids    []string
}

// SignersOf returns the keys that a project asks for of the commits of a repository.
func SignersOf(project *v1alpha1.AppProject, repoURL string) (Signers, *Violation) {
	object := "AppProject " + project.Name + ": spec."
	ids, err := signerIDs(project)
	if err != nil {
		return Signers{}, &Violation{object + signatureKeysField, err.Error(), "correct it"}
	}
	if len(ids) > 0 {
		object += signatureKeysField
	} else {
		object += sourceIntegrityField
		if ids, err = policyKeys(project, repoURL); err != nil {
			return Signers{}, &Violation{object, err.Error(), "correct it"}
		}
	}
	return Signers{object, ids}, nil
}

// KeyIDs returns the IDs of all keys that a project names, for whatever repository, each once.
func KeyIDs(project *v1alpha1.AppProject) ([]string, *Violation) {
	object := "AppProject " + project.Name + ": spec."
	ids, err := signerIDs(project)
	if err != nil {
		return nil, &Violation{object + signatureKeysField, err.Error(), "correct it"}
	}
	all, err := policies(project)
	if err != nil {
		return nil, &Violation{object + sourceIntegrityField, err.Error(), "correct it"}
	}
	for _, p := range all {
		if p.GPG.Mode != modeNone {
			ids = append(ids, p.GPG.Keys...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// Unpublished returns those of some key IDs that no public key is there of, by the names that the keys have where they
// are kept.
func Unpublished(ids, published []string) []string {
	var known []string
	for _, id := range published {
		if id, err := ParseKeyID(id); err == nil {
			known = append(known, id)
		}
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(known, id) })
}

// AsksForSignatures reports whether a project asks for signed commits of some repository, or means to.
func AsksForSignatures(project *v1alpha1.AppProject) bool {
	return len(project.Spec.SignatureKeys) > 0 || project.Spec.SourceIntegrity != nil
}

// Asked reports whether commits have to be signed.
func (s Signers) Asked() bool { return len(s.ids) > 0 }

// Kinds reports which kinds of keys are among those asked for.
func (s Signers) Kinds() (gpg, ssh bool) {
	ssh = slices.ContainsFunc(s.ids, IsSSHKey)
	return slices.ContainsFunc(s.ids, func(id string) bool { return !IsSSHKey(id) }), ssh
}

// Check returns why a commit with a signature is not permitted; nil when it is. published are the IDs of the keys that
// signatures could be checked against.
func (s Signers) Check(found Signed, published []string) *Violation {
	if !s.Asked() || found.SignedBy(s.ids) {
		return nil
	}
	unpublished := Unpublished(s.ids, published)
	remedy := "sign the commit with one of them, or add the key that has signed it to the project"
	for _, place := range []struct {
		where string
		ssh   bool
	}{{"key allowed_signers of ConfigMap cyan-ssh-signers-cm", true}, {"ConfigMap argocd-gpg-keys-cm", false}} {
		missing := slices.DeleteFunc(slices.Clone(unpublished), func(id string) bool { return IsSSHKey(id) != place.ssh })
		if len(missing) > 0 {
			remedy = "add the public key of " + strings.Join(missing, ", ") + " to " + place.where + ", or " + remedy
		}
	}
	return &Violation{s.object, found.String() + ", and has to be signed with one of the keys " + strings.Join(s.ids, ", "), remedy}
}
